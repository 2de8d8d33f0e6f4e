"""Runs a layer with h, g and 1 key/value heads, and one with latents: cache, parameters and operations, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.diagnostics import count_attention_flops
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.grouped_queries.converted import CONVERTED, HEADS, STEPS, accuracies
from tui.experiments.grouped_queries.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage, Table

DIMS = 64  # C of the layer
LATENT = 16  # d_c as declared; the layer that ran may have another
GIB = 2**30
# A large model's shape, for the table: layers, heads, head width, bytes of a float16.
LARGE = (32, 32, 128, 2)


class Arms(mf.Module):
    """``grouped`` as asked, ``repeated`` the MHA it equals, ``full`` an MHA, and ``latent``, which caches latents."""

    def __init__(self, heads: int, kv_heads: int, head_dim: int, latent_dims: int, seed: int) -> None:
        super().__init__()

        def layer(kv: int) -> Any:
            return mf.MultiHeadAttention(DIMS, heads, num_kv_heads=kv, head_dim=head_dim, bias=False)

        grouped = draw(np.random.default_rng(seed), layer(kv_heads))
        full = draw(np.random.default_rng([seed, 1]), layer(heads))
        self.grouped = load(layer(kv_heads), grouped)
        self.repeated = load(layer(heads), _with_kv(grouped, lambda w: _repeated(w, heads, head_dim)))
        self.full = load(layer(heads), full)
        latent = mf.LatentAttention(DIMS, heads, latent_dims, head_dim=head_dim)
        self.latent = load(latent, draw(np.random.default_rng([seed, 2]), latent))


def _with_kv(weights: Mapping[str, np.ndarray], change: Any) -> dict[str, np.ndarray]:
    return {path: change(w) if path.startswith(("key", "value")) else w for path, w in weights.items()}


def _repeated(weight: np.ndarray, heads: int, head_dim: int) -> np.ndarray:
    """[g·D, C] -> [h·D, C]: each head's rows as often as query heads use them."""
    by_head = weight.reshape(-1, head_dim, weight.shape[-1])
    return np.repeat(by_head, heads // len(by_head), axis=0).reshape(heads * head_dim, -1)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    heads, asked, seed = int(knobs["heads"]), int(knobs["kv_heads"]), int(knobs["seed"])
    if asked > heads or heads % asked:
        return EXPERIMENT.nothing_to_run(_not_grouped(heads, asked))
    kv_heads, head_dim = int(knobs["run_kv_heads"]) or asked, int(knobs["head_dim"])
    arms = Arms(heads, kv_heads, head_dim, int(knobs["latent_dims"]), seed)
    x = mx.array(embed(tokens, DIMS, seed))[None]  # [1, T, C]
    with traced(report, 0.3, arms) as steps:
        for arm in (arms.grouped, arms.repeated):
            arm(x, x, x)
    checks = _checks(steps, len(tokens), len(set(tokens)), heads, asked, _decoding(arms, x, report))
    quality, curve = _quality(seed, knobs, report)
    checks += [*quality, _latent(arms, x, heads)]
    figures: list[Figure] = [_costs(heads, len(tokens)), curve, _large(knobs), _maps(steps, tokens, heads, kv_heads)]
    return Result(figures, checks, tuple(step for step in steps if step.path.startswith("grouped.")))


def _not_grouped(heads: int, kv_heads: int) -> Bilingual:
    return Bilingual(
        f"{heads} 个查询头不能平分给 {kv_heads} 个键值头：g 要整除 h。",
        f"{heads} query heads cannot be shared among {kv_heads} key/value heads: g must divide h.",
    )


def _decoding(arms: Arms, x: Any, report: Report) -> tuple[int, int, int]:
    """Bytes of the grouped and the full cache of all tokens, and the operations of the last token's attention."""
    sizes = []
    for arm in (arms.grouped, arms.full):
        cache = mf.KVCache()
        if x.shape[1] > 1:
            arm(x[:, :-1], x[:, :-1], x[:, :-1], "causal", cache=cache)
        with traced(report, 0.6, measure=True) as steps:
            arm(x[:, -1:], x[:, -1:], x[:, -1:], "causal", cache=cache)
        sizes.append(sum(to_numpy(part).nbytes for part in cache.fetch()))
        if arm is arms.grouped:
            flops = count_attention_flops(steps)
    return sizes[0], sizes[1], flops["scores"] + flops["mixing"]


def _latent(arms: Arms, x: Any, heads: int) -> Check:
    """The numbers that decoding ``x`` token by token leaves in the cache of latents, over those of MHA."""
    latents, full = mf.KVCache(), mf.KVCache()
    for t in range(x.shape[1]):
        token = x[:, t : t + 1]
        arms.latent(token, token, "causal", cache=latents, absorbed=True)
        arms.full(token, token, token, "causal", cache=full)
    kept, of_all = (sum(part.size for part in cache.fetch()) for cache in (latents, full))
    share = kept / of_all
    return EXPERIMENT.measured("latent-cache", share, LATENT / (2 * heads * (DIMS // 8)), 1e-9)


def _checks(
    steps: mf.Trace, length: int, different: int, heads: int, kv_heads: int, decoding: tuple[int, int, int]
) -> list[Check]:
    measured = EXPERIMENT.measured
    output, repeated = (steps[f"{arm}.output"].value for arm in ("grouped", "repeated"))
    flops = count_attention_flops(steps, "grouped")
    width = DIMS // 8  # D, as declared; the layer that ran may have another
    keys, values = (steps[f"grouped.{part}"].value for part in ("keys", "values"))
    grouped_bytes, full_bytes, operations = decoding
    intensity = heads / (2 * kv_heads)
    return [
        measured("grouped-equals-repeated", _largest(output - repeated) / _largest(repeated), 0.0, 1e-5),
        measured("cache-shrinks", grouped_bytes / full_bytes, kv_heads / heads, 1e-9),
        measured(
            "kv-parameters",
            float(DIMS * (keys.shape[1] * keys.shape[3] + values.shape[1] * values.shape[3])),
            2.0 * DIMS * kv_heads * width,
        ),
        measured("operations-unchanged", float(flops["scores"] + flops["mixing"]), 4.0 * length**2 * heads * width),
        measured("operations-per-byte", operations / grouped_bytes, intensity, 1e-9 * intensity),
        _within_groups(steps["grouped.weights"].value[0], kv_heads, different),
    ]


def _within_groups(weights: np.ndarray, kv_heads: int, different: int) -> Check:
    name = "maps-in-a-group-differ"
    if len(weights) == kv_heads or different == 1:
        reason = Bilingual(
            "每组只有一个查询头，或者词元都一样，没有可比的。",
            "Each group has one query head, or all tokens are alike: there is nothing to compare.",
        )
        return EXPERIMENT.undefined(name, reason)
    groups = weights.reshape(kv_heads, -1, *weights.shape[1:])  # [g, h/g, T, T]
    return EXPERIMENT.measured(name, _largest(groups - groups[:, :1]) / _largest(weights), 0.05)


def _quality(seed: int, knobs: Mapping[str, Any], report: Report) -> tuple[list[Check], Curve]:
    """What averaging the heads of a trained model costs, and what a few steps bring back."""
    found = {}
    keep, trained = bool(knobs["keep_heads"]), not knobs["untrained"]
    for kv_heads in CONVERTED:
        report(0.7, f"g = {kv_heads}")
        found[kv_heads] = accuracies(HEADS, seed, False) if keep else accuracies(kv_heads, seed, trained)
    checks = [
        EXPERIMENT.measured("pooled-is-broken", max(after[0] for after in found.values()), 20.0),
        EXPERIMENT.measured("few-steps-heal", found[2][-1], 50.0),
    ]
    curve = Curve(
        Bilingual("自带的日期模型（4 头）把 K、V 头取平均，再接着训练：没训练过的日期读对 %",
                  "The date model that ships (4 heads), K and V heads averaged, then trained further: held-out dates "
                  "right, %"),
        Bilingual("接着训练的步数（原来 4000 步）", "further steps (4000 before)"),
        Bilingual("读对 %", "right, %"),
        [Series(f"g = {kv_heads}", [float(step) for step in STEPS], list(after)) for kv_heads, after in found.items()],
        name="quality",
    )  # fmt: skip
    return checks, curve


def _maps(steps: mf.Trace, tokens: Sequence[str], heads: int, kv_heads: int) -> Heatmap:
    weights, scaled = steps["grouped.weights"].value[0], steps["grouped.scaled"].value[0]
    size = heads // kv_heads if kv_heads <= heads else 1
    return Heatmap(
        Bilingual(
            f"{heads} 个查询头、{kv_heads} 组键值：组内键相同，图各不同（随机权重）",
            f"{heads} query heads, {kv_heads} sets of keys and values: shared keys, different maps (random weights)",
        ),
        [
            Stage("scaled", Bilingual("得分", "scores"), scaled, "signed"),
            Stage("weights", Bilingual("权重", "weights"), weights),
        ],
        rows=tokens,
        columns=tokens,
        heads=[
            Bilingual(f"{head}（键值 {head // size}）", f"{head} (key/value {head // size})") for head in range(heads)
        ],
        name="attention",
    )


def _costs(heads: int, length: int) -> Bars:
    counts = [count for count in (1, 2, 4, 8, 16) if heads % count == 0]
    sizes = []
    for count in counts:
        cache = mf.KVCache()
        stored = cache.update(*(mx.zeros((1, count, length, DIMS // 8)) for _ in range(2)))
        sizes.append(float(sum(to_numpy(part).nbytes for part in stored)))
    return Bars(
        Bilingual(f"这句话在一层里的缓存（{length} 个词元）", f"This sentence's cache in one layer ({length} tokens)"),
        labels=[f"g = {count}" for count in counts],
        values=sizes,
        value_label=Bilingual("字节", "bytes"),
        name="cache",
    )


def _large(knobs: Mapping[str, Any]) -> Table:
    """What real float16 caches of one token take, times layers and context."""
    layers, heads, width, _ = LARGE
    context = int(knobs["context"])
    rows: list[list[Any]] = []
    for kv_heads in (heads, 8, 4, 1):
        cache = mf.KVCache()
        stored = cache.update(*(mx.zeros((1, kv_heads, 1, width), dtype=mx.float16) for _ in range(2)))
        token = layers * sum(to_numpy(part).nbytes for part in stored)
        name = {heads: "MHA", 1: "MQA"}.get(kv_heads, f"GQA-{kv_heads}")
        rows.append([name, str(kv_heads), token / 1024, token * context / GIB])
    (latents,) = mf.KVCache().update(mx.zeros((1, 1, 1, 4 * width), dtype=mx.float16))
    token = layers * to_numpy(latents).nbytes
    rows.append(["MLA, d_c = 4D", "-", token / 1024, token * context / GIB])
    return Table(
        Bilingual(
            f"大模型的缓存：{layers} 层、{heads} 头、D = {width}、float16、{context} 个词元",
            f"A large model's cache: {layers} layers, {heads} heads, D = {width}, float16, {context} tokens",
        ),
        columns=[Bilingual("做法", "kind"), "g", Bilingual("KiB / 词元", "KiB / token"), "GiB"],
        rows=rows,
        name="large",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
