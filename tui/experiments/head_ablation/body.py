"""Switches heads off through the trace, and trains two that begin alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten, tree_map
from mlxformer.inspection.diagnostics import numerical_rank
from questions.bilingual import Bilingual
from tui.experiments.attention_steps import reference
from tui.experiments.contract import Check, Report, Result
from tui.experiments.head_ablation.compromise import Compromise, compare
from tui.experiments.head_ablation.declaration import EXPERIMENT
from tui.experiments.head_ablation.trained import Trained, measure
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage

TRAINING_STEPS = 5
LEARNING_RATE = 0.1


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    heads, dims, tokens, seed = (int(knobs[name]) for name in ("heads", "d_model", "tokens", "seed"))
    if dims % heads:
        return EXPERIMENT.nothing_to_run(
            Bilingual(
                f"d_model = {dims} 不能被 {heads} 个头整除：换一个约数。",
                f"d_model = {dims} is not divisible by {heads} heads: choose a divisor.",
            )
        )
    generator = np.random.default_rng(seed)
    weights = draw(generator, mf.MultiHeadAttention(dims, heads, bias=False))
    layer = load(mf.MultiHeadAttention(dims, heads, bias=False), weights)
    x = generator.standard_normal((tokens, dims)).astype(np.float32)
    plain = _trace(layer, x, report)
    without = [_trace(layer, x, report, off=head) for head in range(heads)]
    off = min(int(knobs["ablate"]), heads - 1)
    compromise = compare(seed, report, split=bool(knobs["split_single_head"]))
    trained = measure(seed, report, most_needed=bool(knobs["prune_most_needed"]))
    checks = [
        _terms(plain, without, x, weights, heads),
        EXPERIMENT.measured(
            "no-ablation-no-change", _largest(_output(_trace(layer, x, report, off=-1)) - _output(plain)), 0.0
        ),
        EXPERIMENT.measured(
            "rank-at-most-head-width", float(numerical_rank(plain["scores"].value[0]).max()), float(dims // heads)
        ),
        _twins(weights, x, heads, generator, report),
        EXPERIMENT.measured("single-head-averages", compromise.best_of_one, compromise.bound, 1e-4 * compromise.bound),
        EXPERIMENT.measured("two-heads-separate", compromise.best_of_two, 0.0, 1e-6),
        *_trained(trained, bool(knobs["count_needed"]), bool(knobs["best_head"])),
    ]
    figures: list[Figure] = [
        _trained_bars(trained),
        _maps(plain, seed),
        _changes(plain, without, off, seed),
        _similarity(plain, seed),
        _sweep(compromise),
    ]
    return Result(figures, checks, tuple(plain if off < 0 else without[off]))


def _trace(layer: Any, x: np.ndarray, report: Report, off: int | None = None) -> mf.Trace:
    """The layer on x. With ``off``, that head is multiplied by 0 on its way and the others by 1; -1 is none of them."""
    tokens = mx.array(x)[None]  # [1, T, C]
    with traced(report, 0.3) as steps:
        if off is not None:
            heads = layer.num_heads
            kept = mx.array((np.arange(heads) != off).astype(np.float32)).reshape(1, heads, 1, 1)
            steps.replace("heads", lambda value: value * kept)
        layer(tokens, tokens, tokens)
    return steps


def _terms(
    plain: mf.Trace, without: list[mf.Trace], x: np.ndarray, weights: Mapping[str, np.ndarray], heads: int
) -> Check:
    """y − y without head i, against head_i W_i^O of a float64 loop."""
    width = x.shape[-1] // heads
    worst = 0.0
    for head, steps in enumerate(without):
        part = slice(head * width, (head + 1) * width)
        q, k, v = (reference.project(x, weights[f"{name}_proj.weight"][part]) for name in ("query", "key", "value"))
        term = reference.project(reference.attend(q, k, v, width**-0.5).heads, weights["out_proj.weight"][:, part])
        worst = max(worst, _largest(_output(plain) - _output(steps) - term))
    return EXPERIMENT.measured("ablation-changes-output-by-its-term", worst, 0.0, 1e-5)


def _twins(
    weights: Mapping[str, np.ndarray], x: np.ndarray, heads: int, generator: np.random.Generator, report: Report
) -> Check:
    """Heads 0 and 1 begin with equal weights and are trained, with the others, toward random targets."""
    name = "nothing-forces-diversity"
    if heads == 1:
        return EXPERIMENT.undefined(
            name, Bilingual("只有一个头，无从谈起。", "With one head there are no two to compare.")
        )
    width = x.shape[-1] // heads
    layer = load(mf.MultiHeadAttention(x.shape[-1], heads, bias=False), with_twins(weights, width))
    tokens = mx.array(x)[None]
    target = mx.array(generator.standard_normal(x.shape).astype(np.float32))[None]
    gradient_of = nn.value_and_grad(layer, lambda: mx.mean(mx.square(layer(tokens, tokens, tokens) - target)))
    for step in range(TRAINING_STEPS):
        with cancellable(report, 0.5 + 0.05 * step):
            _, gradients = gradient_of()
        layer.update(tree_map(lambda p, g: p - LEARNING_RATE * g, layer.trainable_parameters(), gradients))
    trained: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    maps = _trace(layer, x, report)["weights"].value[0]
    differences = [_largest(maps[0] - maps[1])]
    for path, value in trained.items():
        first, second = (part_of_head(path, to_numpy(value), head, width) for head in (0, 1))
        differences.append(_largest(first - second))
    return EXPERIMENT.measured(name, float(np.max(differences)), 0.0, 1e-5)


def part_of_head(path: str, value: np.ndarray, head: int, width: int) -> np.ndarray:
    """The rows of W^Q, W^K or W^V, or the columns of W^O, that are this head's."""
    part = slice(head * width, (head + 1) * width)
    return value[:, part] if path.startswith("out_proj") else value[part]


def with_twins(weights: Mapping[str, np.ndarray], width: int) -> dict[str, np.ndarray]:
    """``weights`` with head 1 a copy of head 0."""
    copied = {path: value.copy() for path, value in weights.items()}
    for path, value in copied.items():
        part_of_head(path, value, 1, width)[:] = part_of_head(path, value, 0, width)
    return copied


def _trained(trained: Trained, count_needed: bool, best_head: bool) -> list[Check]:
    shares = list(trained.alone.values())
    without_loss = sum(share >= trained.whole for share in shares)
    return [
        EXPERIMENT.measured(
            "trained-heads-spared", float(len(shares) - without_loss if count_needed else without_loss), len(shares) / 2
        ),
        EXPERIMENT.measured("trained-head-needed", max(shares) if best_head else trained.least, 80.0),
        EXPERIMENT.measured("trained-heads-pruned", trained.together, 80.0),
    ]


def _trained_bars(trained: Trained) -> Bars:
    chinese = {"encoder": "编码器", "decoder": "解码器", "self": "自", "cross": "交叉"}

    def label(path: str, head: int) -> Bilingual:
        stack, _, layer, attention, _ = path.split(".")
        kind = attention.removesuffix("_attention")
        return Bilingual(
            f"{chinese[stack]} {int(layer) + 1} {chinese[kind]} {head}", f"{stack} {int(layer) + 1} {kind} {head}"
        )

    spared = sum(share >= trained.whole for share in trained.alone.values())
    return Bars(
        Bilingual(
            f"训练好的模型（日期改写）：单独关掉每个头，还读对多少（24 个头里 {spared} 个关掉也不掉）",
            f"A trained model (dates rewritten): % read right without each head ({spared} of 24 are not missed)",
        ),
        labels=[label(*place) for place in trained.alone],
        values=list(trained.alone.values()),
        value_label=Bilingual("读对的日期 %", "dates read right, %"),
        reference=(trained.whole, Bilingual("一个不关", "none off")),
        name="trained",
    )


def _maps(plain: mf.Trace, seed: int) -> Heatmap:
    weights = plain["weights"].value[0]
    heads, tokens = weights.shape[:2]
    return Heatmap(
        Bilingual(
            f"{heads} 个头的权重（随机权重，种子 {seed}）", f"Weights of {heads} heads (random weights, seed {seed})"
        ),
        [
            Stage("scaled", Bilingual("得分 / √d_k", "scores / √d_k"), plain["scaled"].value[0], "signed"),
            Stage("weights", Bilingual("权重", "weights"), weights),
        ],
        rows=[f"t{token}" for token in range(tokens)],
        columns=[f"t{token}" for token in range(tokens)],
        heads=[str(head) for head in range(heads)],
        name="attention",
    )


def _changes(plain: mf.Trace, without: list[mf.Trace], off: int, seed: int) -> Bars:
    whole = np.linalg.norm(_output(plain))
    changes = [float(np.linalg.norm(_output(plain) - _output(steps)) / whole) for steps in without]
    chosen = (
        Bilingual("", "")
        if off < 0
        else Bilingual(f"，关掉头 {off}：{changes[off]:.3f}", f"; head {off} off: {changes[off]:.3f}")
    )
    return Bars(
        Bilingual(
            f"关掉每个头，输出变多少{chosen.zh}（随机权重，种子 {seed}，没有哪个头学过什么）",
            f"Change of the output without each head{chosen.en} (random weights, seed {seed}: none learned a thing)",
        ),
        labels=[str(head) for head in range(len(without))],
        values=changes,
        value_label=Bilingual("输出变了多少 ‖y − y′‖ / ‖y‖", "change of the output, ‖y − y′‖ / ‖y‖"),
        reference=(len(without) ** -0.5, Bilingual("各头相当时的 1/√h", "1/√h, were all alike")),
        name="changes",
    )


def _similarity(plain: mf.Trace, seed: int) -> Heatmap:
    """Cosines between the heads' maps, each map less its mean: 0 for maps that have nothing to do with each other."""
    maps = plain["weights"].value[0].astype(np.float64)
    flat = (maps - maps.mean((-1, -2), keepdims=True)).reshape(len(maps), -1)
    lengths = np.linalg.norm(flat, axis=-1, keepdims=True)
    unit = flat / np.where(lengths > 0, lengths, 1.0)
    names = [str(head) for head in range(len(maps))]
    return Heatmap(
        Bilingual(
            f"各头权重图的相似度（随机权重，种子 {seed}）",
            f"Similarity of the heads' maps (random weights, seed {seed})",
        ),
        [Stage("cosine", Bilingual("余弦", "cosine"), (unit @ unit.T)[None], "signed")],
        rows=names,
        columns=names,
        row_axis=Bilingual("头", "head"),
        column_axis=Bilingual("头", "head"),
        name="similarity",
    )


def _sweep(compromise: Compromise) -> Curve:
    x = compromise.attention_to_first.tolist()
    return Curve(
        Bilingual(
            "要词元 1 的前一半分量、词元 2 的后一半：误差随注意力怎样变",
            "Wanted: half the features of token 1, the other half of token 2. Error against attention",
        ),
        x_label=Bilingual("一个头给词元 1 的权重", "weight of one head on token 1"),
        y_label=Bilingual("平方误差", "squared error"),
        series=[
            Series(Bilingual("一个头", "one head"), x, compromise.one_head.tolist()),
            Series(Bilingual("一个头的下界", "bound of one head"), x, [compromise.bound] * len(x)),
            Series(
                Bilingual("两个头（各自最好）", "two heads, each at its best"), x, [compromise.best_of_two] * len(x)
            ),
        ],
        name="compromise",
    )


def _output(steps: mf.Trace) -> np.ndarray:
    return steps["output"].value[0].astype(np.float64)  # [T, C]


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
