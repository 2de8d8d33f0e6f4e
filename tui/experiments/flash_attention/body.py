"""Runs attention at once and block by block, and follows one query through the blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.teaching.memory_traffic import blocked_attention, standard_attention
from mlxformer.teaching.online_softmax import blockwise_attention
from questions.bilingual import Bilingual
from tui.experiments.attention_steps.reference import attend
from tui.experiments.contract import Check, Report, Result
from tui.experiments.flash_attention.declaration import EXPERIMENT
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

HEAD_DIM = 16
WIDE, COUNTED, SHOWN = 64, 1024, (128, 256, 512, 1024)  # a head's width and lengths of the traffic
LENGTHS = (512, 2048, 8192, 32768)  # of the table of memory


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    length, asked = int(knobs["length"]), int(knobs["block"])
    block = int(knobs["run_block"]) or asked
    mask = "causal" if knobs["causal"] else None
    capacity = 4096 if knobs["tiny_sram"] else int(knobs["sram"])
    q, k, v = _draw(int(knobs["seed"]), length, float(knobs["gain"]))
    with traced(report, 0.2, measure=True) as full:
        mf.scaled_dot_product_attention(q, k, v, mask=mask)
    keys = max(1, length // 2) if knobs["half"] else length
    with traced(report, 0.4) as steps:
        output = to_numpy(blockwise_attention(q, k[:, :, :keys], v[:, :, :keys], mask=mask, block_size=block))
    query = min(int(knobs["query"]), length - 1)
    checks = [
        _equal("blockwise-equals-full", output[0, 0], _reference(q, k, v, bool(knobs["causal"]))),
        _any_block(q, k, v, mask, block, report),
        _running_max(full, steps, block),
        _averaging(q, k, v, full, asked, mask, report),
        *_counts(full, steps, asked, length),
        EXPERIMENT.measured("traffic-falls", _moved(COUNTED, 0) / _moved(COUNTED, capacity), 2.0),
    ]
    report(0.9, "traffic")
    figures: list[Figure] = [
        _traffic(capacity),
        _provisional(steps, query),
        _state(steps, query),
        _by_block(steps, query),
        _memory(asked),
    ]
    return Result(figures, checks, tuple(steps))


def _draw(seed: int, length: int, gain: float) -> tuple[Any, Any, Any]:
    """q, k and v [1, 1, T, D], N(0, 1); queries times ``gain``."""
    generator = np.random.default_rng([seed, length])
    q, k, v = (generator.standard_normal((1, 1, length, HEAD_DIM)).astype(np.float32) for _ in range(3))
    return mx.array(q * np.float32(gain)), mx.array(k), mx.array(v)


def _reference(q: Any, k: Any, v: Any, causal: bool) -> np.ndarray:
    rows = [to_numpy(x)[0, 0] for x in (q, k, v)]
    return attend(rows[0], rows[1], rows[2], HEAD_DIM**-0.5, causal=causal).heads


def _equal(name: str, output: np.ndarray, expected: np.ndarray) -> Check:
    return EXPERIMENT.measured(name, _largest(output - expected) / _largest(expected), 0.0, 2e-5)


def _any_block(q: Any, k: Any, v: Any, mask: str | None, block: int, report: Report) -> Check:
    with cancellable(report, 0.6):
        outputs = [
            to_numpy(blockwise_attention(q, k, v, mask=mask, block_size=size)) for size in (1, block, q.shape[2])
        ]
    apart = max(_largest(output - outputs[-1]) for output in outputs)
    return EXPERIMENT.measured("any-block-size", apart / _largest(outputs[-1]), 0.0, 2e-5)


def _running_max(full: mf.Trace, steps: mf.Trace, block: int) -> Check:
    """m after each block, against the largest of the scores so far of attention computed at once."""
    name = "masked" if "masked" in full else "scaled"
    scores = full[name].value[0, 0]  # [T, T]
    apart = [
        _largest(step.value[0, 0, :, 0] - scores[:, : (call + 1) * block].max(-1))
        for call, step in enumerate(steps.all("running_max"))
    ]
    return EXPERIMENT.measured("running-max", max(apart), 0.0, 1e-4)


def _averaging(q: Any, k: Any, v: Any, full: mf.Trace, block: int, mask: str | None, report: Report) -> Check:
    """The wrong recipe: each block's own attention, then their mean."""
    length = q.shape[2]
    if block >= length or mask is not None:
        reason = Bilingual(
            "只有一块，或者有因果掩码（有的块整块看不见）：不比较。",
            "There is one block only, or a causal mask (some blocks are hidden whole): not compared.",
        )
        return EXPERIMENT.undefined("averaging-is-wrong", reason)
    with traced(report, 0.7, measure=True) as steps:
        for start in range(0, length, block):
            mf.scaled_dot_product_attention(q, k[:, :, start : start + block], v[:, :, start : start + block])
    mean = np.mean([step.value for step in steps.all("heads")], axis=0)
    heads = full["heads"].value
    error = np.linalg.norm(mean - heads) / np.linalg.norm(heads)
    return EXPERIMENT.measured("averaging-is-wrong", float(error), 0.05)


def _counts(full: mf.Trace, steps: mf.Trace, block: int, length: int) -> list[Check]:
    sizes = [step.value.size for step in steps.all("block_scores")]
    at_once = full["scores"].value.size
    # A score takes D multiply-adds, and mixing its value D more, at once as well as block by block.
    return [
        EXPERIMENT.measured("scores-held", max(sizes) / at_once, min(block, length) / length, 1e-9),
        EXPERIMENT.measured("same-operations", sum(sizes) / at_once, 1.0, 1e-9),
    ]


@cache
def _moved(length: int, capacity: int) -> int:
    """Numbers moved by one head: in blocks, or (0) at once. The numbers themselves change nothing."""
    q, k, v = np.random.default_rng(length).standard_normal((3, length, WIDE))
    return blocked_attention(q, k, v, capacity)[1] if capacity else standard_attention(q, k, v)[1]


def _traffic(capacity: int) -> Curve:
    lengths = [float(n) for n in SHOWN]
    return Curve(
        Bilingual(f"一个头（d = {WIDE}）读写慢速存储的数，快速存储放 {capacity:,} 个",
                  f"Numbers one head (d = {WIDE}) moves to and from slow memory; fast memory holds {capacity:,}"),
        Bilingual("词元数 n", "tokens n"),
        Bilingual("读写的数", "numbers moved"),
        [
            Series(Bilingual("一次算完", "at once"), lengths, [float(_moved(n, 0)) for n in SHOWN]),
            Series(Bilingual("分块", "in blocks"), lengths, [float(_moved(n, capacity)) for n in SHOWN]),
        ],
        log_x=True,
        log_y=True,
        name="traffic",
    )  # fmt: skip


def _row(steps: mf.Trace, query: int) -> list[tuple[np.ndarray, float, float, np.ndarray]]:
    """For each block: the query's scores in it, then m, l and o after it."""
    parts = [steps.all(name) for name in ("block_scores", "running_max", "running_sum", "accumulated")]
    return [
        (s.value[0, 0, query], float(m.value[0, 0, query, 0]), float(total.value[0, 0, query, 0]), o.value[0, 0, query])
        for s, m, total, o in zip(*parts, strict=True)
    ]


def _provisional(steps: mf.Trace, query: int) -> Heatmap:
    """What the weights would be if the keys ended after each block: every row sums to 1."""
    blocks = _row(steps, query)
    scores = np.concatenate([block[0] for block in blocks])
    rows, seen = np.zeros((len(blocks), len(scores))), 0
    for index, (own, highest, total, _) in enumerate(blocks):
        seen += len(own)
        rows[index, :seen] = np.exp(scores[:seen].astype(np.float64) - highest) / total
    return Heatmap(
        Bilingual(
            f"查询 {query}：每看完一块，前面的权重都要重新缩放",
            f"Query {query}: each block rescales the weights before it",
        ),
        [Stage("weights", Bilingual("到此为止的权重 e^(s − m) / l", "weights so far, e^(s − m) / l"), rows[None])],
        rows=[str(index + 1) for index in range(len(blocks))],
        columns=[str(key) for key in range(len(scores))],
        row_axis=Bilingual("看完第几块", "after block"),
        name="provisional",
    )


def _state(steps: mf.Trace, query: int) -> Table:
    rows: list[list[Any]] = []
    before = -math.inf
    for index, (own, highest, total, output) in enumerate(_row(steps, query)):
        rows.append([index + 1, float(own.max()), highest, math.exp(before - highest), total, float(output[0] / total)])
        before = highest
    return Table(
        Bilingual(f"查询 {query} 一块一块的状态", f"The state of query {query}, block by block"),
        columns=[
            Bilingual("块", "block"),
            Bilingual("块内最大得分", "largest score in it"),
            "m",
            Bilingual("旧的乘 e^(m − m′)", "the old times e^(m − m′)"),
            "l",
            "o[0] / l",
        ],
        rows=rows,
        name="state",
    )


def _by_block(steps: mf.Trace, query: int) -> Curve:
    blocks = _row(steps, query)
    outputs = np.stack([output / total for _, _, total, output in blocks])
    x = [float(index + 1) for index in range(len(blocks))]
    return Curve(
        Bilingual(f"查询 {query}：离最后的输出还差多少", f"Query {query}: how far from the final output"),
        Bilingual("看完第几块", "after block"),
        Bilingual("距离 ‖o / l − y‖", "distance ‖o / l − y‖"),
        [Series(Bilingual("距离", "distance"), x, np.linalg.norm(outputs - outputs[-1], axis=-1).tolist())],
        name="convergence",
    )


def _memory(block: int) -> Table:
    """Float16 bytes for one head beside q, k, v and the output: a count, not a measurement."""
    return Table(
        Bilingual(
            "一个头额外要的内存（MiB，float16，按个数算）", "Extra memory of one head (MiB, float16, by counting)"
        ),
        columns=[
            "n",
            Bilingual("一次算完：得分和权重 2n²", "at once: scores and weights, 2n²"),
            Bilingual(f"分块：n·{block} 和 m、l", f"in blocks: n·{block}, and m, l"),
        ],
        rows=[[n, 2 * n * n * 2 / 2**20, (n * block + 2 * n) * 2 / 2**20] for n in LENGTHS],
        name="memory",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
