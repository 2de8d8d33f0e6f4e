"""Runs one latent attention expanded and absorbed, and counts what each keeps and multiplies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.latent_attention.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Curve, Figure, Series, Table

HEADS, HEAD_DIM = 8, 16  # h and D
DIMS = HEADS * HEAD_DIM
CONTEXTS = (16, 64, 256)
DECODED = 8  # tokens that are written one by one after a prompt
FAR = 8  # tokens between a query and a key
# DeepSeek-V2's layer: heads, head width, latent width, width of the turned part.
LARGE = (128, 128, 512, 64)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    latent, turned, length, seed = (int(knobs[name]) for name in ("latent_dims", "rope_dims", "length", "seed"))
    if turned % 2:
        reason = Bilingual(f"d_R = {turned} 是奇数，不能两两旋转。",
                           f"d_R = {turned} is odd: it cannot be turned in pairs.")  # fmt: skip
        return EXPERIMENT.nothing_to_run(reason)
    layer = _layer(latent, 0 if knobs["no_rope"] else turned, seed)
    drawn = np.random.default_rng([seed, 1]).standard_normal((1, length, DIMS)).astype(np.float32)
    x = mx.array(drawn)
    with traced(report, 0.2, layer, measure=True) as expanded_steps:
        expanded = to_numpy(layer(x, x, "causal"))
    with traced(report, 0.3, layer) as absorbed_steps:
        absorbed = to_numpy(layer(x, x, "causal", absorbed=True))
    steps = {length: _decoding(layer, length, report)} | {each: _decoding(layer, each, report) for each in CONTEXTS}
    one, other = steps[length]
    whole = [_operations(each, latent) for each in (expanded_steps, absorbed_steps)]
    if knobs["swapped"]:
        one, other, whole = other, one, whole[::-1]
    measured = EXPERIMENT.measured
    checks = [
        measured("absorbed-is-expanded", _largest(absorbed - expanded) / _largest(expanded), 0.0, 2e-5),
        measured("cache-share", _cached(layer, x, bool(knobs["keep_keys"])),
                 100 * (latent + turned) / (2 * DIMS), 1e-9),
        measured("decoding-saves", one / other, 2.0),
        _prefill(whole, latent),
        measured("rotation-blocks", _blocked(layer, bool(knobs["no_turn"])), 0.1),
        measured("order-is-seen", _shuffled(layer, drawn, absorbed), 1e-3),
    ]  # fmt: skip
    figures: list[Figure] = [_sizes(), _steps(steps), _table(latent, turned, length, whole, steps[length])]
    return Result(figures, checks, tuple(absorbed_steps))


def _layer(latent: int, turned: int, seed: int) -> Any:
    rope = mf.RotaryEmbedding(turned) if turned else None
    layer = mf.LatentAttention(DIMS, HEADS, latent, head_dim=HEAD_DIM, rope=rope)
    return load(layer, draw(np.random.default_rng(seed), layer))


def _operations(steps: mf.Trace, latent: int) -> int:
    """Multiply-adds times 2 of expansions, scores and mixing; the other projections are the same in both forms."""
    scores, heads = steps["scores"].value, steps["heads"].value  # [1, H, Tq, Tk], [1, H, Tq, D or L]
    total = 2 * heads.size * scores.shape[-1]
    turned = steps["turned_keys"].value.shape[-1] if "turned_keys" in steps else 0
    if "keys" in steps:
        total += 2 * latent * (steps["keys"].value.size + steps["values"].value.size)
        return int(total + 2 * scores.size * (HEAD_DIM + turned))
    total += 2 * HEAD_DIM * steps["absorbed_queries"].value.size + 2 * latent * steps["expanded_heads"].value.size
    return int(total + 2 * scores.size * (latent + turned))


def _decoding(layer: Any, length: int, report: Report) -> tuple[int, int]:
    """Operations of one token after ``length`` − 1 cached ones, expanded and absorbed."""
    found, token = [], mx.ones((1, 1, DIMS))
    for absorbed in (False, True):
        cache = mf.KVCache()
        past = [mx.zeros((1, 1, length - 1, layer.latent_dims))]
        if layer.rope is not None:
            past.append(mx.zeros((1, 1, length - 1, layer.rope_dims)))
        cache.update(*past)
        with traced(report, 0.5, layer, measure=True) as steps:
            layer(token, token, "causal", cache=cache, absorbed=absorbed)
        found.append(_operations(steps, layer.latent_dims))
    return found[0], found[1]


def _cached(layer: Any, x: Any, keep_keys: bool) -> float:
    """Numbers in the cache after a prompt and a few tokens, % of those of an attention with as many heads as wide."""
    cache = mf.KVCache()
    prompt = max(x.shape[1] - DECODED, 0)
    pieces = [slice(0, prompt)] * (prompt > 0) + [slice(t, t + 1) for t in range(prompt, x.shape[1])]
    for piece in pieces:
        tokens = x[:, piece]
        layer(tokens, tokens, "causal", cache=cache, absorbed=True)
    kept = sum(part.size for part in cache.fetch())
    if keep_keys:
        with mf.trace(layer) as steps:
            layer(x, x, "causal")
        kept = steps["keys"].value.size + steps["values"].value.size
    full = mf.KVCache()
    whole = mf.MultiHeadAttention(DIMS, HEADS, head_dim=HEAD_DIM, bias=False)  # its numbers do not matter here
    whole(x, x, x, "causal", cache=full)
    return 100.0 * kept / sum(part.size for part in full.fetch())


def _prefill(whole: list[int], latent: int) -> Check:
    name = "prefill-prefers-expanded"
    if latent < 2 * HEAD_DIM:
        reason = Bilingual(f"d_c 小于 2D = {2 * HEAD_DIM} 时两种形式差不多。",
                           f"Below d_c = 2D = {2 * HEAD_DIM} they are alike.")  # fmt: skip
        return EXPERIMENT.undefined(name, reason)
    return EXPERIMENT.measured(name, whole[1] / whole[0], 1.1)


def _blocked(layer: Any, no_turn: bool) -> float:
    """How far the first head's W_UKᵀ R_Δ W_Q at Δ = ``FAR`` is from that at Δ = 0, were RoPE on its D features."""
    rope = mf.RotaryEmbedding(HEAD_DIM)
    queries = to_numpy(layer.query_proj.weight)[:HEAD_DIM].T  # [C, D]: what each input feature adds to the query
    keys = to_numpy(layer.key_up.weight)[:HEAD_DIM]  # [D, L]
    moved = rope(mx.array(queries[None, :, None]), offset=0 if no_turn else FAR)  # [1, C, 1, D]
    here, there = queries @ keys, to_numpy(moved)[0, :, 0] @ keys  # [C, L]
    return float(np.linalg.norm(there - here) / np.linalg.norm(here))


def _shuffled(layer: Any, x: np.ndarray, before: np.ndarray) -> float:
    """Relative change of the last token's output when the tokens before it come in reverse."""
    other = mx.array(np.concatenate([x[:, -2::-1], x[:, -1:]], axis=1))
    after = to_numpy(layer(other, other, "causal", absorbed=True))[0, -1]
    return float(np.linalg.norm(after - before[0, -1]) / np.linalg.norm(before[0, -1]))


def _sizes() -> Bars:
    heads, width, latent, turned = LARGE
    return Bars(
        Bilingual(f"每个词元每层缓存的数（DeepSeek-V2：{heads} 头，D = {width}，d_c = {latent}，d_R = {turned}）",
                  f"Numbers cached per token and layer (DeepSeek-V2: {heads} heads, D = {width}, d_c = {latent}, "
                  f"d_R = {turned})"),
        labels=["MHA", "GQA-8", "MQA", "MLA"],
        values=[float(2 * heads * width), float(2 * 8 * width), float(2 * width), float(latent + turned)],
        value_label=Bilingual("缓存的数", "numbers cached"),
        log=True,
        name="cached",
    )  # fmt: skip


def _steps(steps: Mapping[int, tuple[int, int]]) -> Curve:
    x = [float(length) for length in CONTEXTS]
    return Curve(
        Bilingual("解码一步的运算：展开要把全部上文升维一遍，吸收不用",
                  "Operations of a decoding step: expanded, the whole context is expanded again; absorbed, it is not"),
        Bilingual("上文词元数 T", "context T"),
        Bilingual("运算", "operations"),
        [
            Series(Bilingual("展开", "expanded"), x, [float(steps[each][0]) for each in CONTEXTS]),
            Series(Bilingual("吸收", "absorbed"), x, [float(steps[each][1]) for each in CONTEXTS]),
        ],
        log_x=True,
        log_y=True,
        name="decoding",
    )  # fmt: skip


def _table(latent: int, turned: int, length: int, whole: list[int], step: tuple[int, int]) -> Table:
    return Table(
        Bilingual(f"两种形式（h = {HEADS}，D = {HEAD_DIM}，d_c = {latent}，d_R = {turned}，T = {length}）",
                  f"The two forms (h = {HEADS}, D = {HEAD_DIM}, d_c = {latent}, d_R = {turned}, T = {length})"),
        columns=[Bilingual("形式", "form"), Bilingual("键有几份", "keys"), Bilingual("键宽", "key width"),
                 Bilingual("解码一步", "decoding step"), Bilingual("预填充", "prefill")],
        rows=[[Bilingual("展开（像 MHA）", "expanded (as MHA)"), HEADS, HEAD_DIM + turned, step[0], whole[0]],
              [Bilingual("吸收（像 MQA）", "absorbed (as MQA)"), 1, latent + turned, step[1], whole[1]]],
        name="forms",
    )  # fmt: skip


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
