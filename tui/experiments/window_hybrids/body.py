"""Changes the first token under three patterns of layers, decodes with rolling caches, and plants a key far away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.attention.block_selection import select_blocks
from mlxformer.backend import mx, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.window_hybrids.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage

DIMS, HEADS, FFN = 32, 4, 64
DECODED = 16  # tokens that are decoded one by one
PRE = mf.LayerConfig(norm="pre")
WINDOWS = Bilingual("全用窗口", "all windows")
HYBRID = Bilingual("交错", "interleaved")
FULL = Bilingual("都用全注意力", "all full")
BLOCK, CHOSEN, LOOKING, WIDTH = 8, 2, 8, 32  # of the planted key: block size, blocks read, heads, head width


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    layers, window, every, length = (int(knobs[name]) for name in ("layers", "window", "every", "length"))
    seed = int(knobs["seed"])
    stack = mf.CausalStack(layers, DIMS, HEADS, FFN, PRE)
    load(stack, draw(np.random.default_rng(seed), stack))
    x = np.random.default_rng([seed, 1]).standard_normal((1, length, DIMS)).astype(np.float32)
    patterns = {
        WINDOWS: [bool(knobs["one_full"]) and layer == 0 for layer in range(layers)],
        HYBRID: [not knobs["none_full"] and layer % every == min(every, layers) - 1 for layer in range(layers)],
        FULL: [True] * layers,
    }
    report(0.2, "influence")
    effect = {name: _effect(stack, x, pattern, window) for name, pattern in patterns.items()}
    report(0.5, "caches")
    hybrid = patterns[HYBRID]
    kept, apart = _decoded(stack, mx.array(x), hybrid, window, knobs)
    found, missed, maps = _planted(seed, length, window, knobs)
    shown = np.flatnonzero(effect[HYBRID] > 0)
    checks = [
        *_reached(effect[WINDOWS], layers, window, length),
        EXPERIMENT.measured("hybrid-reaches-all", 100.0 * len(shown) / length, 100.0),
        EXPERIMENT.measured(
            "hybrid-cache", 100.0 * kept / (layers * length), _share(hybrid, window, length, every), 1e-9
        ),
        EXPERIMENT.measured("rolling-is-masked", apart, 0.0, 2e-5),
        EXPERIMENT.measured("window-misses", missed, 0.0),
        EXPERIMENT.measured("chosen-blocks-find", found, 0.5),
    ]
    figures: list[Figure] = [_curve(effect, window, layers), _bars(hybrid, window, length, layers), maps]
    return Result(figures, checks)


def _mask(length: int, window: int, full: bool) -> Any:
    return mf.masks.causal(length, length) if full else mf.masks.sliding_window(length, length, window - 1, 0)


def _read(stack: Any, x: Any, pattern: Sequence[bool], window: int) -> np.ndarray:
    for layer, full in zip(stack.layers, pattern, strict=True):
        x = layer(x, _mask(x.shape[1], window, full))
    return to_numpy(x)


def _effect(stack: Any, x: np.ndarray, pattern: Sequence[bool], window: int) -> np.ndarray:
    """‖change of the last layer's output‖ at each position when the first token is another; exactly 0 where unseen."""
    other = x.copy()
    other[:, 0] = -other[:, 0]
    before, after = (_read(stack, mx.array(each), pattern, window) for each in (x, other))
    return np.asarray(np.linalg.norm(after - before, axis=-1)[0])


def _reached(effect: np.ndarray, layers: int, window: int, length: int) -> list[Check]:
    reach = layers * (window - 1)
    if reach >= length - 1:
        reason = Bilingual(
            "层数·(w − 1) 已盖过整段文本：看不出边界。", "Layers · (w − 1) covers the whole text: no edge to see."
        )
        return [EXPERIMENT.undefined(name, reason) for name in ("reach", "far-effect")]
    farthest = int(np.flatnonzero(effect > 0)[-1])
    checks = [EXPERIMENT.measured("reach", float(farthest), float(reach))]
    if layers < 4:
        reason = Bilingual(
            "不到 4 层，最远处也只隔一两跳：不比较。", "Below 4 layers the far end is a hop or two away: not compared."
        )
        return [*checks, EXPERIMENT.undefined("far-effect", reason)]
    near, far = effect[1:window].mean(), effect[reach:].max()
    return [*checks, EXPERIMENT.measured("far-effect", float(far / near), 0.1)]


def _decoded(stack: Any, x: Any, pattern: Sequence[bool], window: int, knobs: Mapping[str, Any]) -> tuple[int, float]:
    """Tokens kept in all caches at the end, and how far decoding with them is from one masked pass."""
    whole, cache = _read(stack, x, pattern, window), stack.make_cache()
    last = window - (2 if knobs["forget_more"] else 1)
    read = max(x.shape[1] - DECODED, 1)  # at once, as a prompt; the rest token by token
    y = x[:, :read]
    for layer, full, own in zip(stack.layers, pattern, cache.layers, strict=True):
        y = layer(y, _mask(read, window, full), cache=own.self_attention)
    parts = [to_numpy(y)]
    for t in range(read, x.shape[1]):
        y = x[:, t : t + 1]
        for layer, full, own in zip(stack.layers, pattern, cache.layers, strict=True):
            if not full and not knobs["keep_all"]:
                own.self_attention.evict(0, last)
            mask = "causal" if full or not knobs["keep_all"] else mf.masks.sliding_window(1, t + 1, window - 1, 0)
            y = layer(y, mask, cache=own.self_attention)
        parts.append(to_numpy(y))
    apart = np.abs(np.concatenate(parts, axis=1) - whole).max() / np.abs(whole).max()
    return sum(len(own.self_attention) for own in cache.layers), float(apart)


def _share(pattern: Sequence[bool], window: int, length: int, every: int) -> float:
    """By the declared pattern: a full layer keeps all, the others w."""
    full = sum(layer % every == min(every, len(pattern)) - 1 for layer in range(len(pattern)))
    kept = full * length + (len(pattern) - full) * min(window, length)
    return 100.0 * kept / (len(pattern) * length)


def _planted(seed: int, length: int, window: int, knobs: Mapping[str, Any]) -> tuple[float, float, Heatmap]:
    """Random keys, of which number 2 is what the last query looks for: the weights that it gets."""
    generator = np.random.default_rng([seed, 2])
    q, k = (generator.standard_normal((1, LOOKING, length, WIDTH)).astype(np.float32) for _ in range(2))
    wanted = q[0, :, -1] / np.linalg.norm(q[0, :, -1], axis=-1, keepdims=True)
    k[0, :, 2] = 12.0 * wanted
    queries, keys = mx.array(q), mx.array(k)
    chooser = mx.array(generator.standard_normal(q.shape).astype(np.float32)) if knobs["random_blocks"] else queries
    chosen = select_blocks(chooser, keys, BLOCK, CHOSEN)
    near = _mask(length, BLOCK * CHOSEN, bool(knobs["one_full"]))
    weights = [to_numpy(mf.attention_weights(queries, keys, mask=mask)) for mask in (chosen, near)]
    labels = [str(place) for place in range(length)]
    masks = Heatmap(
        Bilingual("每个查询读哪些键（第一个头）：按块选择，和同样多键的窗口",
                  "Keys that each query reads (first head): chosen blocks, and a window of as many keys"),
        [Stage("chosen", Bilingual("按块选择", "chosen blocks"), to_numpy(chosen)[0, :1], "mask"),
         Stage("window", Bilingual("窗口", "window"), to_numpy(near)[None], "mask")],
        rows=labels,
        columns=labels,
        name="masks",
    )  # fmt: skip
    return float(weights[0][0, :, -1, 2].mean()), float(weights[1][0, :, -1, 2].mean()), masks


def _curve(effect: Mapping[Any, np.ndarray], window: int, layers: int) -> Curve:
    length = len(effect[FULL])
    places = [float(place) for place in range(1, length)]
    return Curve(
        Bilingual(f"改动第一个词元，{layers} 层之后各位置变了多少（w = {window}，随机权重）",
                  f"The first token changed: effect after {layers} layers (w = {window}, random weights)"),
        Bilingual("位置", "position"),
        Bilingual("影响", "effect"),
        [Series(name, places, each[1:].tolist()) for name, each in effect.items()],
        log_y=True,
        marks=((float(min(layers * (window - 1), length - 1)), Bilingual("层数·(w − 1)", "layers · (w − 1)")),),
        name="reach",
    )  # fmt: skip


def _bars(hybrid: Sequence[bool], window: int, length: int, layers: int) -> Bars:
    full = sum(hybrid)
    counts = [layers * min(window, length), full * length + (layers - full) * min(window, length), layers * length]
    return Bars(
        Bilingual(f"{length} 个词元之后，各层缓存里一共有几个词元", f"Tokens in all caches after {length}"),
        labels=[WINDOWS, HYBRID, FULL],
        values=[float(count) for count in counts],
        value_label=Bilingual("词元", "tokens"),
        name="caches",
    )
