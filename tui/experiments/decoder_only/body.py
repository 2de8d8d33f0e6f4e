"""Runs a conversation through a causal stack, a prefix model and an encoder-decoder, and counts what each computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.inspection.flops import count_layer_flops
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.decoder_only.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage, Table

DIMS, HEADS, FFN = 32, 4, 64
PRE = mf.LayerConfig(norm="pre")
ONE_WAY = Bilingual("纯解码器", "decoder-only")
PREFIX = Bilingual("前缀模型", "prefix model")
BOTH = Bilingual("编码器-解码器", "encoder-decoder")


class Arms(mf.Module):
    """``causal`` also runs as the prefix model, with another mask; ``encoder`` and ``decoder`` are one model."""

    def __init__(self, layers: int, seed: int, deep: bool) -> None:
        super().__init__()
        generator = np.random.default_rng(seed)
        self.causal = _filled(generator, mf.CausalStack(layers * (2 if deep else 1), DIMS, HEADS, FFN))
        self.encoder = _filled(generator, mf.Encoder(layers, DIMS, HEADS, FFN, PRE))
        self.decoder = _filled(generator, mf.Decoder(layers, DIMS, HEADS, FFN, PRE))


def _filled(generator: np.random.Generator, module: Any) -> Any:
    return load(module, draw(generator, module))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    turns, length, seed = int(knobs["turns"]), int(knobs["turn_length"]), int(knobs["seed"])
    arms = Arms(int(knobs["layers"]), seed, bool(knobs["deep"]))
    drawn = np.random.default_rng([seed, 1]).standard_normal((1, turns * length, DIMS))
    x = mx.array(drawn.astype(np.float32))
    one_way: Any = None if knobs["two_way"] else "causal"
    both_ways: Any = "causal" if knobs["all_causal"] else None
    moved = {
        ONE_WAY: _moved(lambda part: arms.causal(part, one_way), x, length),
        PREFIX: _moved(lambda part: arms.causal(part, both_ways), x, length),
        BOTH: _moved(lambda part: arms.encoder(part, both_ways), x, length),
    }
    report(0.4, "turns")
    rows = _rows(arms, x, turns, length, knobs, report)
    half = turns * length // 2
    with traced(report, 0.7, arms) as steps:
        arms.causal(x)
    with traced(report, 0.8, arms) as pair:
        arms.decoder(x[:, half:], arms.encoder(x[:, :half], None))
    one, two = count_layer_flops(steps), count_layer_flops(pair)
    weights = {name: _weights(arms, x, mask) for name, mask in ((ONE_WAY, one_way), (PREFIX, both_ways))}
    checks = [
        EXPERIMENT.measured("history-stays", moved[ONE_WAY], 0.0, 1e-5),
        EXPERIMENT.measured("two-way-history-moves", min(moved[PREFIX], moved[BOTH]), 1e-2),
        _read_again(rows, turns, int(knobs["layers"])),
        *_sizes(arms, one, two),
        *_ranks(weights),
    ]
    figures: list[Figure] = [_turns(rows), _bars(moved), _maps(weights), _table(arms, one, two)]
    return Result(figures, checks, tuple(steps))


def _read_again(rows: Mapping[Any, list[int]], turns: int, layers: int) -> Check:
    if layers == 1:
        reason = Bilingual(
            "只有一层时，前缀模型的键值直接由嵌入算出，新的一轮不改变它们，不必重读；两层以上才要。"
            "编码器的输出则总会变。",
            "With a single layer a prefix model's keys and values are made of embeddings and stay, so nothing has "
            "to be read again; with two it has. An encoder's outputs change in any case.",
        )
        return EXPERIMENT.undefined("rows-ratio", reason)
    return EXPERIMENT.measured("rows-ratio", rows[PREFIX][-1] / rows[ONE_WAY][-1], (turns + 1) / 2, 1e-9)


def _moved(read: Any, x: Any, length: int) -> float:
    """How far the last turn moves the outputs of the turns before: ‖after − before‖ / ‖before‖."""
    old = x.shape[1] - length
    before, after = to_numpy(read(x[:, :old])), to_numpy(read(x))[:, :old]
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


def _rows(
    arms: Arms, x: Any, turns: int, length: int, knobs: Mapping[str, Any], report: Report
) -> dict[Any, list[int]]:
    """Rows that passed the first layer's feed-forward network, added up turn by turn, read off traces."""
    found: dict[Any, list[int]] = {ONE_WAY: [], PREFIX: [], BOTH: []}
    cache = arms.causal.make_cache()
    for turn in range(turns):
        past, new = x[:, : turn * length], x[:, turn * length : (turn + 1) * length]
        so_far = x[:, : (turn + 1) * length]
        with mf.trace(arms, only="*.layers.0.feed_forward.activated", on_step=lambda path: report(0.5, path)) as steps:
            if knobs["no_cache"]:
                arms.causal(so_far)
            else:
                arms.causal(new, cache=cache)
        found[ONE_WAY].append(_passed(steps, "causal"))
        with mf.trace(arms, only="*.layers.0.feed_forward.activated", on_step=lambda path: report(0.5, path)) as steps:
            arms.causal(so_far, None)
        found[PREFIX].append(_passed(steps, "causal"))
        with mf.trace(arms, only="*.layers.0.feed_forward.activated", on_step=lambda path: report(0.5, path)) as steps:
            arms.decoder(new, arms.encoder(past if turn else new, None))
        found[BOTH].append(_passed(steps, "encoder") + _passed(steps, "decoder"))
    return {name: np.cumsum(each).tolist() for name, each in found.items()}


def _passed(steps: mf.Trace, stack: str) -> int:
    return int(steps[f"{stack}.layers.0.feed_forward.activated"].value.shape[1])


def _count(*modules: Any) -> int:
    leaves: list[Any] = [leaf for module in modules for leaf in tree_flatten(module.parameters())]
    return sum(int(value.size) for _, value in leaves)


def _sizes(arms: Arms, one: int, two: int) -> list[Check]:
    parameters = _count(arms.encoder, arms.decoder) / _count(arms.causal)
    return [
        EXPERIMENT.measured("parameters-ratio", parameters, 2.0),
        EXPERIMENT.measured("operations-ratio", two / one, (0.8, 1.35)),
    ]


def _weights(arms: Arms, x: Any, mask: Any) -> np.ndarray:
    """[H, T, T] of the first layer."""
    with mf.trace(arms.causal) as steps:
        arms.causal(x, mask)
    return steps["layers.0.self_attention.weights"].value[0].astype(np.float64)


def _ranks(weights: Mapping[Any, np.ndarray]) -> list[Check]:
    causal, name = weights[ONE_WAY], "two-way-rank-is-lower"
    above = float(np.triu(causal, 1).max())
    diagonal = float(np.diagonal(causal, axis1=-2, axis2=-1).min())
    checks = [EXPERIMENT.measured("causal-is-triangular", above if diagonal > 0 else 1.0, 0.0)]
    if causal.shape[-1] < 32:
        reason = Bilingual(
            "少于 32 个词元时差别太小，不比较。", "With fewer than 32 tokens they hardly differ: not compared."
        )
        return [*checks, EXPERIMENT.undefined(name, reason)]
    ratio = effective_rank(weights[PREFIX]).mean() / effective_rank(causal).mean()
    return [*checks, EXPERIMENT.measured(name, float(ratio), 0.97)]


def effective_rank(matrices: np.ndarray) -> np.ndarray:
    """exp(entropy of σ / Σσ) of each (Roy & Vetterli 2007)."""
    values = np.linalg.svd(matrices, compute_uv=False)
    shares = np.maximum(values / values.sum(-1, keepdims=True), 1e-300)
    return np.exp(-(shares * np.log(shares)).sum(-1))


def _turns(rows: Mapping[Any, list[int]]) -> Curve:
    turns = [float(turn + 1) for turn in range(len(rows[ONE_WAY]))]
    return Curve(
        Bilingual("到第几轮为止，过了各层的词元", "Tokens that have passed the layers, turn by turn"),
        Bilingual("轮", "turn"),
        Bilingual("累计词元", "tokens so far"),
        [Series(name, turns, [float(count) for count in counts]) for name, counts in rows.items()],
        name="turns",
    )


def _bars(moved: Mapping[Any, float]) -> Bars:
    return Bars(
        Bilingual("新的一轮让旧词元的状态变了多少（随机权重）",
                  "How far a new turn moves the states of old tokens (random weights)"),
        labels=list(moved),
        values=list(moved.values()),
        value_label=Bilingual("相对变化", "relative change"),
        name="moved",
    )  # fmt: skip


def _maps(weights: Mapping[Any, np.ndarray]) -> Heatmap:
    causal, full = (weights[name] for name in (ONE_WAY, PREFIX))
    labels = [str(place) for place in range(causal.shape[-1])]
    return Heatmap(
        Bilingual(
            "第一层的注意力矩阵：因果的是下三角", "The first layer's attention: the causal one is lower triangular"
        ),
        [Stage("causal", ONE_WAY, causal), Stage("two-way", PREFIX, full)],
        rows=labels,
        columns=labels,
        heads=[str(head) for head in range(len(causal))],
        name="maps",
    )


def _table(arms: Arms, one: int, two: int) -> Table:
    return Table(
        Bilingual("读一半、写一半时的参数和运算", "Parameters and operations, half read and half written"),
        columns=[Bilingual("架构", "architecture"), Bilingual("参数", "parameters"), Bilingual("运算", "operations")],
        rows=[[ONE_WAY, _count(arms.causal), one], [BOTH, _count(arms.encoder, arms.decoder), two]],
        name="sizes",
    )
