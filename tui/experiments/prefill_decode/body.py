"""Reads a prompt at once and token by token, and counts operations and bytes of each pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.inspection.flops import count_layer_flops
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.prefill_decode.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Curve, Figure, Series, Table

DIMS, HEADS, FFN, LAYERS = 64, 8, 256, 1
HALF = 2  # bytes of a float16
CONTEXT = 128  # tokens that the decoded rows have behind them
SHORT = 16  # tokens of the comparison of one pass with many
PROMPTS = (8, 16, 32, 64, 128, 256, 512, 1024)
BATCHES = (1, 2, 4, 8, 16, 32, 64)
# A model of 8 B parameters as Llama 3 8B is shaped: layers, key/value heads, head width.
LARGE = (8.0e9, 32, 8, 128)
BANDWIDTH = 3.35e12  # bytes a second, of an H100


class Pass(NamedTuple):
    """One or more passes: operations with weights and with the cache, and the bytes of each."""

    on_weights: int
    on_cache: int
    weight_bytes: int
    cache_bytes: int

    @property
    def intensity(self) -> float:
        return (self.on_weights + self.on_cache) / (self.weight_bytes + self.cache_bytes)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    prompt, batch, asked = int(knobs["prompt"]), int(knobs["batch"]), int(knobs["kv_heads"])
    ridge = float(knobs["ridge"])
    if HEADS % asked:
        reason = Bilingual(f"{HEADS} 个查询头不能平分给 {asked} 个键值头。", f"{asked} heads do not divide {HEADS}.")
        return EXPERIMENT.nothing_to_run(reason)
    kv_heads = HEADS if knobs["own_kv"] else asked
    short = min(SHORT, prompt)
    whole = _read(kv_heads, short, 1 if knobs["one_by_one"] else short, report=report)
    by_one = _read(kv_heads, short, 1, report=report)
    prefill = _read(kv_heads, *((64, 1) if knobs["one_by_one"] else (prompt, prompt)), report=report)
    step = _decode(kv_heads, 1 if knobs["one_row"] else batch, report=report)
    alone = _read(kv_heads, prompt, prompt, report=report) if knobs["no_cache"] else _decode(kv_heads, 1, report=report)
    cache_bytes = step.cache_bytes // batch if knobs["shared_batch"] else step.cache_bytes
    measured = EXPERIMENT.measured
    checks = [
        measured("same-result", _apart(kv_heads, short, bool(knobs["no_cache"])), 0.0, 2e-5),
        measured("weights-read-again", by_one.weight_bytes / whole.weight_bytes, float(short), 1e-9),
        measured("prefill-intensity", prefill.on_weights / prefill.weight_bytes, float(prompt), 1e-9),
        measured("decode-intensity", step.on_weights / step.weight_bytes, float(batch), 1e-9),
        measured("cache-intensity", step.on_cache / cache_bytes, HEADS / asked, 1e-9),
        _against(ridge, "decode-below-ridge", alone.intensity, ridge >= 10),
        _against(ridge, "prefill-above-ridge", prefill.intensity, prompt >= 1.5 * ridge),
    ]
    figures: list[Figure] = [
        _curve(kv_heads, ridge, report), _bars(prefill, step, prompt, batch), _times(ridge, prompt, batch),
    ]  # fmt: skip
    return Result(figures, checks)


@kept(size=4)
def _stack(kv_heads: int) -> Any:
    config = mf.LayerConfig(norm="pre", norm_type="rms", activation="silu", gated=True, ffn_bias=False,
                            attention_bias=False, num_kv_heads=kv_heads)  # fmt: skip
    stack = mf.CausalStack(LAYERS, DIMS, HEADS, FFN, config)
    return load(stack, draw(np.random.default_rng(0), stack))  # what they hold changes no count


def _text(length: int) -> Any:
    """Tokens [1, T, C]."""
    return mx.array(np.random.default_rng(1).standard_normal((1, length, DIMS)).astype(np.float32))


def _read(kv_heads: int, length: int, size: int, *, report: Report = silent) -> Pass:
    """A text in pieces of ``size`` tokens, with a cache."""
    return Pass(*_counts(kv_heads, length, size, report=report))


# Whole prompts beforehand, for their scores take long.
@kept(beforehand=[(kv_heads, length, length) for kv_heads in (1, 2, 4, 8) for length in PROMPTS])
def _counts(kv_heads: int, length: int, size: int, *, report: Report = silent) -> tuple[int, ...]:
    stack, x = _stack(kv_heads), _text(length)
    passes, cache = [], stack.make_cache()
    for start in range(0, length, size):
        with traced(report, 0.3, measure=True) as steps:
            stack(x[:, start : start + size], cache=cache)
        passes.append(_counted(stack, steps, cache))
    return tuple(map(sum, zip(*passes, strict=True)))


@kept()
def _decode(kv_heads: int, batch: int, *, report: Report = silent) -> Pass:
    """One token for each row of a batch, after a context of ``CONTEXT`` tokens; what these hold changes no count."""
    stack = _stack(kv_heads)
    cache = stack.make_cache()
    for layer, one in zip(cache.layers, stack.layers, strict=True):
        attention = one.self_attention
        past = mx.zeros((batch, attention.num_kv_heads, CONTEXT - 1, attention.head_dim))
        layer.self_attention.update(past, past)
    with traced(report, 0.6, measure=True) as steps:
        stack(mx.ones((batch, 1, DIMS)), cache=cache)
    return _counted(stack, steps, cache)


def _counted(stack: Any, steps: mf.Trace, cache: Any) -> Pass:
    leaves: dict[str, Any] = dict(tree_flatten(stack.parameters()))
    weights = sum(int(value.size) for value in leaves.values() if value.ndim == 2)
    scores = [step.kept.size for step in steps if step.path.endswith(".scores")]
    on_cache = sum(4 * (DIMS // HEADS) * size for size in scores)  # Q Kᵀ, and the weights times V
    stored = sum(part.size for layer in cache.layers for part in layer.self_attention.fetch())
    return Pass(count_layer_flops(steps) - on_cache, on_cache, HALF * weights, HALF * int(stored))


@kept()
def _apart(kv_heads: int, length: int, no_cache: bool) -> float:
    stack, x = _stack(kv_heads), _text(length)
    whole, cache = to_numpy(stack(x)), stack.make_cache()
    parts = [to_numpy(stack(x[:, t : t + 1], cache=None if no_cache else cache)) for t in range(length)]
    return float(np.abs(np.concatenate(parts, axis=1) - whole).max() / np.abs(whole).max())


def _against(ridge: float, name: str, intensity: float, defined: bool) -> Check:
    if not defined:
        reason = Bilingual("提示太短，够不到机器的算力带宽比：也卡在带宽上。",
                           "The prompt is too short for the machine's ratio: bandwidth binds here too.")  # fmt: skip
        return EXPERIMENT.undefined(name, reason)
    return EXPERIMENT.measured(name, intensity, ridge)


def _curve(kv_heads: int, ridge: float, report: Report) -> Curve:
    sizes = [float(batch) for batch in BATCHES]
    steps = [_decode(kv_heads, batch, report=report) for batch in BATCHES]
    return Curve(
        Bilingual(f"解码一步：批越大，权重摊得越薄，缓存摊不薄（上文 {CONTEXT}；机器 {ridge:g}）",
                  f"A decoding step: a batch shares the weights, not the cache (context {CONTEXT}; machine {ridge:g})"),
        Bilingual("批大小 B", "batch B"),
        Bilingual("每字节的运算", "operations per byte"),
        [
            Series(Bilingual("权重", "weights"), sizes, [step.on_weights / step.weight_bytes for step in steps]),
            Series(Bilingual("缓存", "cache"), sizes, [step.on_cache / step.cache_bytes for step in steps]),
            Series(Bilingual("合计", "together"), sizes, [step.intensity for step in steps]),
            Series(Bilingual("机器", "machine"), sizes, [ridge] * len(sizes)),
        ],
        log_x=True,
        log_y=True,
        name="intensity",
    )  # fmt: skip


def _bars(prefill: Pass, step: Pass, prompt: int, batch: int) -> Bars:
    return Bars(
        Bilingual(f"每读一个字节做几次运算（提示 {prompt}，批 {batch}）",
                  f"Operations for each byte read (prompt {prompt}, batch {batch})"),
        labels=[Bilingual("预填充", "prefill"), Bilingual("解码", "decoding")],
        values=[prefill.intensity, step.intensity],
        value_label=Bilingual("运算/字节", "operations/byte"),
        log=True,
        name="two-phases",
    )  # fmt: skip


def _times(ridge: float, prompt: int, batch: int) -> Table:
    """Lower bounds for a model of 8 B: the larger of operations and bytes over what the machine does in a second."""
    parameters, layers, kv_heads, width = LARGE
    cache = 2 * layers * kv_heads * width * HALF * prompt  # bytes of one row with this context
    rows: list[list[Any]] = []
    for name, tokens, stored in (
        (Bilingual(f"预填充 {prompt} 个", f"prefill of {prompt}"), prompt, cache),
        (Bilingual("解码一步，批 1", "a decoding step, batch 1"), 1, cache),
        (Bilingual(f"解码一步，批 {batch}", f"a decoding step, batch {batch}"), batch, batch * cache),
    ):
        computing = 1e3 * 2 * parameters * tokens / (ridge * BANDWIDTH)
        reading = 1e3 * (parameters * HALF + stored) / BANDWIDTH
        rows.append([name, computing, reading, Bilingual("算力", "compute") if computing > reading else
                     Bilingual("带宽", "bandwidth")])  # fmt: skip
    return Table(
        Bilingual(f"80 亿参数的模型至少要多少毫秒（3.35 TB/s，每字节 {ridge:g} 次运算；按公式算）",
                  f"8 B parameters: milliseconds at least (3.35 TB/s, {ridge:g} operations a byte; by formula)"),
        columns=[Bilingual("阶段", "phase"),
                 Bilingual("计算，ms", "computing, ms"), Bilingual("读内存，ms", "reading, ms"),
                 Bilingual("卡在", "bound by")],
        rows=rows,
        name="times",
    )  # fmt: skip
