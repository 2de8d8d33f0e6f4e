"""Measures the peak of real training steps, with all activations kept and with parts of them made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer import backend
from mlxformer.backend import mx, nn, optimizers, peak_bytes, to_numpy, tree_flatten
from mlxformer.training.recomputation import recomputed
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.training_memory.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Series, Table

VOCAB, DROP = 16, 0.1
DIMS, HEADS = 16, 4  # at 64 tokens 5Hn/C is 80, what it is in GPT-3: scores weigh as much beside the rest
STEPS, SIZE = 16, 50_000  # of the chain, and how many numbers each of its steps gives
SEGMENTS = (1, 2, 4, 8, 16)
MIB = 2.0**20


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    layers, tokens, batch = int(knobs["layers"]), int(knobs["tokens"]), int(knobs["batch"])
    every, keep = int(knobs["every"]), bool(knobs["keep"])
    whole = _peak(layers, tokens, batch)
    scores = _peak(layers, tokens, batch, None, not keep)
    again = _peak(layers, tokens, batch, None if keep else every)
    report(0.4, "length")
    doubled = _score_bytes(tokens, 2 * batch) if knobs["wider"] else _score_bytes(2 * tokens, batch)
    growth = doubled / _score_bytes(tokens, batch)
    singly, by_four = (_peak(layers, tokens, batch, None if keep else size) for size in (1, 4))
    measured = EXPERIMENT.measured
    checks = [
        measured("gradients-same", _apart(every, bool(knobs["fresh_masks"])), 0.0, 1e-5),
        measured("extra-compute", _extra_compute(every, keep), 100.0 / 3, 1e-6),
        _falls(100.0 * again / whole, every, layers),
        measured("selective-peak", 100.0 * scores / whole, 85.0),
        measured("scores-quadratic", growth, 4.0, 1e-9),
        measured("long-segments-cost", by_four / singly, 1.25),
        measured("sixteen-bytes", _bytes(bool(knobs["plain_sgd"])), 16.0),
    ]
    fused = _peak(layers, tokens, batch, explicit=False)
    figures: list[Figure] = [
        _bars(whole, scores, again, fused, knobs), _lengths(tokens), _segments(), _states(),
    ]  # fmt: skip
    return Result(figures, checks)


def _falls(share: float, every: int, layers: int) -> Check:
    if 2 * every > layers:
        reason = Bilingual("不到两段，几乎什么都得同时留着。", "Not two segments: nearly all is there at once.")
        return EXPERIMENT.undefined("peak-falls", reason)
    return EXPERIMENT.measured("peak-falls", share, 30.0 + 100.0 * every / layers)


def _model(layers: int, tokens: int, drop: float, weights_drop: float) -> Any:
    config = mf.GPTConfig(VOCAB, dims=DIMS, num_heads=HEADS, num_layers=layers, max_positions=tokens, dropout=drop,
                          attention_dropout=weights_drop)  # fmt: skip
    return mf.GPT(config)


def _step(model: Any, tokens: int, batch: int) -> Callable[[], Any]:
    """Loss and gradients of ``batch`` texts; what they hold takes no memory."""
    ids = mx.array((np.arange(batch * (tokens + 1)) % VOCAB).reshape(batch, tokens + 1).astype(np.int32))
    loss = lambda: mx.mean(nn.losses.cross_entropy(model(ids[:, :-1]), ids[:, 1:]))  # noqa: E731
    return nn.value_and_grad(model, loss)


def _asked() -> Iterator[tuple[Any, ...]]:
    """What ``_peak`` is asked as each knob alone is turned from its default, on NumPy: there a peak is of the shapes,
    to about a percent."""
    settings = {
        *((layers, 64, 1) for layers in (4, 8)),
        *((4, tokens, 1) for tokens in (64, 128)),
        *((4, 64, batch) for batch in (1, 2, 3, 4)),
    }
    for sizes in sorted(settings):
        yield from ((*sizes, every, False, True, "numpy") for every in (None, 1, 2, 3, 4))
        yield from ((*sizes, None, *way, "numpy") for way in ((True, True), (False, False)))
    for length in (32, 64, 128, 256):
        yield from ((1, length, 1, None, scores, True, "numpy") for scores in (False, True))


def _peak(
    layers: int, tokens: int, batch: int, every: int | None = None, scores: bool = False, explicit: bool = True
) -> int:
    """Bytes at the peak of a step, on the backend that runs."""
    return _peak_on(layers, tokens, batch, every, scores, explicit, backend.name)


@kept(beforehand=_asked())
def _peak_on(
    layers: int, tokens: int, batch: int, every: int | None, scores: bool, explicit: bool, running: str
) -> int:
    """Bytes at the peak of a step; dropout on the weights makes them explicit, as without a fused kernel."""
    model = _model(layers, tokens, 0.0, DROP if explicit else 0.0)
    model.stack.recompute(every, scores=scores)
    mx.eval(model.parameters())
    step = _step(model, tokens, batch)
    return peak_bytes(step)


def _score_bytes(tokens: int, batch: int) -> int:
    """Of all that a layer makes with a number for each query and key: scores, scaled, masked, weights."""
    model = _model(1, tokens, 0.0, 0.0)
    with mf.trace() as steps:
        model(mx.zeros((batch, tokens), dtype=mx.int32))
    return sum(int(step.value.nbytes) for step in steps if step.axes[-2:] == ("query", "key"))


def _apart(every: int, fresh_masks: bool) -> float:
    """Of all gradients of a model that drops out everywhere, relative to their norm."""
    model, tokens = _model(4, 12, DROP, DROP), 12
    load(model, draw(np.random.default_rng(0), model)).train()
    found = []
    for size in (None, every):
        model.stack.recompute(size)
        mx.random.seed(1 if fresh_masks and size is not None else 0)
        gradients = dict(tree_flatten(_step(model, tokens, 2)()[1]))
        found.append(np.concatenate([to_numpy(gradients[path]).ravel() for path in sorted(gradients)]))
    return float(np.linalg.norm(found[1] - found[0]) / np.linalg.norm(found[0]))


def _extra_compute(every: int, keep: bool) -> float:
    """How often layers run for one step, counted; backward takes twice what forward does, so a step is three."""
    model = _model(4, 8, 0.0, 0.0)
    layers = model.stack.layers
    for layer in layers:
        layer.feed_forward = _Counted(layer.feed_forward)
    model.stack.recompute(None if keep else every)
    mx.eval(_step(model, 8, 1)())
    return 100.0 * (sum(layer.feed_forward.calls for layer in layers) / len(layers) - 1) / 3


class _Counted(nn.Module):
    """A layer that counts its calls."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer, self.calls = layer, 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.layer(x)


def _bytes(plain_sgd: bool) -> float:
    """Of weights, gradients and the optimizer's arrays after a step, for each parameter."""
    model: Any = mf.FeedForward(8, 16)
    optimizer = optimizers.SGD(1e-3) if plain_sgd else optimizers.Adam(1e-3)
    x = mx.ones((1, 2, 8))
    gradients = nn.value_and_grad(model, lambda: mx.mean(mx.square(model(x))))()[1]
    optimizer.update(model, gradients)
    weights, slopes, state = (dict(tree_flatten(tree)) for tree in (model.parameters(), gradients, optimizer.state))
    moments = [value for value in state.values() if value.ndim]  # not the step and the rate
    arrays = [*weights.values(), *slopes.values(), *moments]
    return sum(int(value.nbytes) for value in arrays) / sum(int(value.size) for value in weights.values())


@cache
def _chain(segment: int) -> float:
    """Peak of 16 steps of one size in segments, in arrays of that size."""
    x = mx.array(np.random.default_rng(0).standard_normal(SIZE).astype(np.float32))

    def run(x: Any) -> Any:
        for _ in range(segment):
            x = mx.tanh(x)
        return x

    def loss(x: Any) -> Any:
        for _ in range(STEPS // segment):
            x = run(x) if segment == STEPS else recomputed(run)(x)
        return mx.mean(x)

    return peak_bytes(lambda: mx.value_and_grad(loss)(x)) / float(x.nbytes)


def _bars(kept: int, scores: int, again: int, fused: int, knobs: Mapping[str, Any]) -> Bars:
    every = int(knobs["every"])
    return Bars(
        Bilingual(f"内存峰值：重算后剩 {100 * again / kept:.0f} %（L = {knobs['layers']}，n = {knobs['tokens']}）",
                  f"Peak of a step: {100 * again / kept:.0f} % is left with layers made again "
                  f"(L = {knobs['layers']}, n = {knobs['tokens']})"),
        labels=[Bilingual("全部保留", "all kept"), Bilingual("只重算得分", "scores again"),
                Bilingual(f"按层重算，k = {every}", f"layers again, k = {every}"),
                Bilingual("融合注意力，不重算", "fused attention, all kept")],
        values=[each / MIB for each in (kept, scores, again, fused)],
        value_label="MiB",
        name="peaks",
    )  # fmt: skip


def _lengths(tokens: int) -> Curve:
    lengths = (tokens // 2, tokens, 2 * tokens)
    x = [float(length) for length in lengths]
    ways = (
        (Bilingual("全部保留", "all kept"), (None, False)),
        (Bilingual("只重算得分", "scores again"), (None, True)),
    )
    series = [Series(label, x, [_peak(1, length, 1, *way) / MIB for length in lengths]) for label, way in ways]
    slope = float(np.log(series[0].y[-1] / series[0].y[-2]) / np.log(2))
    return Curve(
        Bilingual(f"峰值随长度增长（1 层）：全部保留时，最后一段的斜率是 {slope:.1f}",
                  f"Peak against length (1 layer): with all kept, the last slope is {slope:.1f}"),
        Bilingual("长度 n", "length n"),
        "MiB",
        series,
        log_x=True,
        log_y=True,
        name="lengths",
    )  # fmt: skip


def _segments() -> Curve:
    """Segments of equal steps, by formula, and as measured where each array is let go of as soon as it can be."""
    x = [float(each) for each in SEGMENTS]
    series = [
        Series(Bilingual("16/k + k", "16/k + k"), x, [STEPS / each + each for each in SEGMENTS]),
        Series(Bilingual("实测", "measured"), x, [_chain(each) for each in SEGMENTS]),
    ]
    return Curve(
        Bilingual("16 个一样大的步骤连成链：每段 √16 = 4 步时峰值最低",
                  "A chain of 16 steps of one size: least in segments of √16 = 4"),
        Bilingual("一段几步 k", "steps of a segment k"),
        Bilingual("峰值（几个数组）", "peak, in arrays"),
        series,
        log_x=True,
        name="segments",
    )  # fmt: skip


def _states() -> Table:
    """Of 7.5 billion parameters with mixed precision and Adam, on 64 cards (Rajbhandari et al. 2020, Figure 1)."""
    parameters, cards = 7.5, 64
    stages = (
        (Bilingual("不切分", "nothing split"), 2.0, 2.0, 12.0),
        (Bilingual("ZeRO-1：切优化器状态", "ZeRO-1: optimizer states split"), 2.0, 2.0, 12.0 / cards),
        (Bilingual("ZeRO-2：再切梯度", "ZeRO-2: gradients too"), 2.0, 2.0 / cards, 12.0 / cards),
        (Bilingual("ZeRO-3：再切权重", "ZeRO-3: weights too"), 2.0 / cards, 2.0 / cards, 12.0 / cards),
    )
    return Table(
        Bilingual(f"{parameters:g} B 参数，混合精度加 Adam，{cards} 张卡：每张卡多少 GB（不含激活；按公式算）",
                  f"{parameters:g} B parameters, mixed precision with Adam, {cards} cards: GB a card "
                  f"(no activations; by formula)"),
        columns=["", Bilingual("权重", "weights"), Bilingual("梯度", "gradients"),
                 Bilingual("主权重、m、v", "master weights, m, v"), Bilingual("合计", "together")],
        rows=[[name, *(parameters * each for each in sizes), parameters * sum(sizes)] for name, *sizes in stages],
        name="states",
    )  # fmt: skip
