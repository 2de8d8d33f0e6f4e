"""Runs one causal stack with and without a cache, and counts the rows, scores and bytes of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.kv_cache.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage, TokenRow, Tokens

HEAD_DIM = 8
LONGEST = 64  # without a cache every step runs the whole prefix: more tokens would not be turned at once
FLOAT32 = 4  # bytes
BEGINNING = "楼殿倚明月，"  # a held-out poem's first line; the poet writes the second


class Arms(mf.Module):
    """One stack three times, so that a trace tells them apart: ``full``, ``cached``, and ``unmasked``."""

    def __init__(self, layers: int, heads: int, kv_heads: int, seed: int) -> None:
        super().__init__()
        dims = heads * HEAD_DIM
        config = mf.LayerConfig(norm="pre", num_kv_heads=kv_heads, attention_bias=False)
        stacks = [mf.CausalStack(layers, dims, heads, 4 * dims, config) for _ in range(3)]
        weights = draw(np.random.default_rng(seed), stacks[0])
        self.full, self.cached, self.unmasked = (load(stack, dict(weights)) for stack in stacks)


@dataclass(frozen=True)
class Generation:
    """What one way of generating computed: rows and scores by step, the last layer's outputs [T, C]."""

    rows: list[int]
    scores: list[int]
    outputs: np.ndarray
    cache_bytes: int
    steps: mf.Trace


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))[:LONGEST]
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    heads, layers, seed = int(knobs["heads"]), int(knobs["layers"]), int(knobs["seed"])
    kv_heads = min(heads, int(knobs["kv_heads"]))
    if heads % kv_heads:
        return EXPERIMENT.nothing_to_run(_not_divisible(heads, kv_heads))
    arms = Arms(layers, heads, int(knobs["run_kv_heads"]) or kv_heads, seed)
    x = mx.array(embed(tokens, heads * HEAD_DIM, seed))[None]  # [1, T, C]
    prompt = min(int(knobs["prompt"]), len(tokens))
    report(0.1, "full")
    full = _recomputed(arms, x, prompt, report)
    cached = _cached(arms, x, prompt, bool(knobs["forget"]), report) if knobs["use_cache"] else full
    different = layers if len(set(tokens)) > 1 else 1  # where all tokens are alike, a mean of them says nothing new
    checks = [
        *_checks(x, full, cached, prompt, layers, kv_heads, to_numpy(arms.full(x))[0]),
        _past(arms, x, "past-never-changes", "full", "causal" if knobs["causal"] else None, layers, report),
        _past(arms, x, "without-mask-past-changes", "unmasked", None, different, report),
    ]
    plain, poem = (_written(uses, bool(knobs["forget"])) for uses in (False, bool(knobs["use_cache"])))
    checks += [
        EXPERIMENT.measured("poet-same-text", float(np.not_equal(plain.tokens, poem.tokens).sum()), 0.0),
        EXPERIMENT.measured(
            "poet-rows-saved", sum(plain.rows) / sum(poem.rows), sum(plain.rows) / len(plain.read), 1e-9
        ),
    ]
    order = [declared.name for declared in EXPERIMENT.checks]
    checks.sort(key=lambda check: order.index(check.name))
    figures: list[Figure] = [
        _work(full, cached, prompt, len(tokens)),
        _memory(len(tokens), layers, heads),
        _strips(tokens, prompt),
        _maps(full, cached, tokens, prompt, layers - 1),
        _poem(plain, poem),
    ]
    return Result(figures, checks, tuple(cached.steps))


class Written(NamedTuple):
    """What the poet wrote, and the rows that went through its layers at each token. ``read``: all that was given."""

    tokens: tuple[int, ...]
    rows: tuple[int, ...]
    read: tuple[int, ...]


@cache
def _poet() -> Any:
    return mf.load_pretrained("poet")


@kept(apart=True)
def _written(use_cache: bool, forget: bool) -> Written:
    """The likeliest second line after a beginning, each token by a pass over all so far or over what is new."""
    model, read = _poet().model, tuple(_poet().prompt(BEGINNING))
    cache = model.make_cache() if use_cache else None
    tokens: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    for _ in range(len(BEGINNING)):
        given = read[-1:] if use_cache and tokens else read
        tokens = (*tokens, int(to_numpy(model(mx.array(np.array([given], np.int32)), cache=cache))[0, -1].argmax()))
        rows, read = (*rows, len(given)), (*read, tokens[-1])
        if forget and cache is not None:
            for layer in cache.layers:
                layer.self_attention.truncate(len(layer.self_attention) - 1)
    return Written(tokens, rows, read[:-1])


def _poem(plain: Written, cached: Written) -> Tokens:
    """Both texts, and below each token the rows that it took."""
    names = _poet().tokenizer.tokens
    strips = []
    for label, found in (
        (Bilingual(f"不用缓存，共 {sum(plain.rows)} 行", f"no cache, {sum(plain.rows)} rows"), plain),
        (Bilingual(f"用缓存，共 {sum(cached.rows)} 行", f"cached, {sum(cached.rows)} rows"), cached),
    ):
        words = [names[each] for each in found.tokens]
        strips.append(
            TokenRow(label, words, [each / max(plain.rows) for each in found.rows], list(map(str, found.rows)))
        )
    return Tokens(
        Bilingual(f"poet 接着“{BEGINNING}”写：每个词元下面是算了几行",
                  f"The poet goes on from “{BEGINNING}”: below each token, the rows it took"),
        strips,
        name="poem",
    )  # fmt: skip


def _not_divisible(heads: int, kv_heads: int) -> Bilingual:
    return Bilingual(
        f"{heads} 个查询头不能平分给 {kv_heads} 个键值头：换一个约数。",
        f"{heads} query heads cannot be shared among {kv_heads} key/value heads: choose a divisor.",
    )


def _recomputed(arms: Arms, x: Any, prompt: int, report: Report) -> Generation:
    """Every step runs the stack over all tokens so far and keeps the newest output."""
    length = x.shape[1]
    with traced(report, 0.3, arms, measure=True) as steps:
        outputs = [to_numpy(arms.full(x[:, :end]))[0] for end in range(prompt, length + 1)]
    newest = np.concatenate([outputs[0], *(rows[-1:] for rows in outputs[1:])])
    return Generation(*_counted(steps, "full"), newest, 0, steps)


def _cached(arms: Arms, x: Any, prompt: int, forget: bool, report: Report) -> Generation:
    """The prompt at once, then each token alone; a cache for each layer."""
    cache, outputs = arms.cached.make_cache(), []
    with traced(report, 0.6, arms) as steps:
        for start, end in [(0, prompt), *((t, t + 1) for t in range(prompt, x.shape[1]))]:
            outputs.append(to_numpy(arms.cached(x[:, start:end], cache=cache))[0])
            if forget:
                for layer in cache.layers:
                    layer.self_attention.truncate(len(layer.self_attention) - 1)
    filled = [layer.self_attention for layer in cache.layers if len(cache)]
    nbytes = sum(to_numpy(part).nbytes for stored in filled for part in stored.fetch())
    return Generation(*_counted(steps, "cached"), np.concatenate(outputs), nbytes, steps)


def _counted(steps: mf.Trace, arm: str) -> tuple[list[int], list[int]]:
    """Rows projected and scores computed in the first layer, at each step."""
    path = f"{arm}.layers.0.self_attention"
    rows = [step.value.shape[2] for step in steps.all(f"{path}.queries")]
    return rows, [int(np.prod(step.value.shape[2:])) for step in steps.all(f"{path}.scores")]


def _checks(
    x: Any, full: Generation, cached: Generation, prompt: int, layers: int, kv_heads: int, whole: np.ndarray
) -> list[Check]:
    measured, length = EXPERIMENT.measured, x.shape[1]
    ends = range(prompt, length + 1)
    rows = sum(ends) / length
    # With a cache a step scores its one query against all keys so far; the prompt is one square.
    scores = sum(end**2 for end in ends) / (prompt**2 + sum(ends[1:]))
    nbytes = 2.0 * layers * kv_heads * HEAD_DIM * length * FLOAT32
    return [
        measured("cached-equals-full", _largest(cached.outputs - whole) / _largest(whole), 0.0, 1e-5),
        measured("rows-saved", sum(full.rows) / sum(cached.rows), rows, 1e-9 * rows),
        measured("scores-saved", sum(full.scores) / sum(cached.scores), scores, 1e-9 * scores),
        measured("cache-bytes", float(cached.cache_bytes), nbytes),
    ]


def _past(arms: Arms, x: Any, name: str, arm: str, mask: str | None, layers: int, report: Report) -> Check:
    """How much the K and V of all tokens but the last change when the last one comes."""
    if x.shape[1] < 2 or (name == "without-mask-past-changes" and layers < 2):
        return EXPERIMENT.undefined(
            name,
            Bilingual(
                "要有两个词元（且不全一样）和两层：第一层的 K、V 只取决于各自的词元。",
                "This takes two tokens, not all alike, and two layers: in the first, K and V depend on their own "
                "token alone.",
            ),
        )
    with traced(report, 0.8, arms, measure=True) as steps:
        getattr(arms, arm)(x[:, :-1], mask=mask)
        getattr(arms, arm)(x, mask=mask)
    changes = []
    for layer in range(layers):
        for part in ("keys", "values"):
            before, after = (step.value for step in steps.all(f"{arm}.layers.{layer}.self_attention.{part}"))
            changes.append(_largest(after[:, :, :-1] - before))
    if name == "past-never-changes":  # products of other shapes may round otherwise
        return EXPERIMENT.measured(name, max(changes), 0.0, 1e-5)
    return EXPERIMENT.measured(name, max(changes), 1e-3)


def _maps(full: Generation, cached: Generation, tokens: Sequence[str], prompt: int, layer: int) -> Heatmap:
    """The weights of one pass over the text, beside the rows that the steps with a cache computed one by one."""
    whole = _stacked(full.steps, "full", layer, len(tokens), last=True)
    arm = "cached" if cached is not full else "full"
    by_step = _stacked(cached.steps, arm, layer, len(tokens), last=arm == "full")
    return Heatmap(
        Bilingual(
            f"第 {layer + 1} 层的注意力：前 {prompt} 行一次算出，以下每步只算一行",
            f"Attention of layer {layer + 1}: the first {prompt} rows at once, then one row a step",
        ),
        [
            Stage("full", Bilingual("不用缓存：整句一次", "no cache: the whole text"), whole),
            Stage("difference", Bilingual("两者之差", "their difference"), by_step - whole, "signed"),
            Stage("cached", Bilingual("用缓存：逐步拼起来", "with a cache: step by step"), by_step),
        ],
        rows=tokens,
        columns=tokens,
        heads=[str(head) for head in range(len(whole))],
        name="attention",
    )


def _stacked(steps: mf.Trace, arm: str, layer: int, length: int, *, last: bool) -> np.ndarray:
    """[H, T, T] of all calls' rows, or of the last call alone."""
    calls = [step.value[0] for step in steps.all(f"{arm}.layers.{layer}.self_attention.weights")]  # [H, Tq, Tk]
    if last:
        return calls[-1]
    wide = [np.pad(rows, ((0, 0), (0, 0), (0, length - rows.shape[-1]))) for rows in calls if rows.shape[-1] <= length]
    return np.concatenate(wide, axis=1)


def _work(full: Generation, cached: Generation, prompt: int, length: int) -> Curve:
    ends = [float(end) for end in range(prompt, length + 1)]
    return Curve(
        Bilingual("每生成一步要算多少（第一层、一个头）", "What each step computes (first layer, one head)"),
        Bilingual("词元数", "tokens so far"),
        Bilingual("行数或得分个数", "rows or scores"),
        [
            Series(Bilingual("行，不用缓存", "rows, no cache"), ends, [float(n) for n in full.rows]),
            Series(Bilingual("行，用缓存", "rows, cached"), ends, [float(n) for n in cached.rows]),
            Series(Bilingual("得分，不用缓存", "scores, no cache"), ends, [float(n) for n in full.scores]),
            Series(Bilingual("得分，用缓存", "scores, cached"), ends, [float(n) for n in cached.scores]),
        ],
        log_y=True,
        name="work",
    )


def _strips(tokens: Sequence[str], prompt: int) -> Tokens:
    """The last step: whose keys and values are read, and the one row that is computed."""
    last = len(tokens) - 1
    return Tokens(
        Bilingual("生成到最后一个词元时", "At the last token"),
        [
            TokenRow(
                Bilingual("K、V", "K, V"), tokens, [0.0 if t < last else 1.0 for t in range(len(tokens))],
                ["·" if t < last else "+" for t in range(len(tokens))],
            ),
            TokenRow(
                Bilingual("Q", "Q"), tokens, [1.0 if t == last else 0.0 for t in range(len(tokens))],
                ["+" if t == last else "" for t in range(len(tokens))],
            ),
            TokenRow(
                Bilingual("预填充", "prefill"), tokens, [0.5 if t < prompt else 0.0 for t in range(len(tokens))]
            ),
        ],
        name="last-step",
    )  # fmt: skip


def _memory(length: int, layers: int, heads: int) -> Bars:
    """Bytes of real caches, filled with as many tokens, by the number of key/value heads."""
    counts = [kv_heads for kv_heads in (1, 2, 4, 8) if heads % kv_heads == 0]
    sizes = []
    for kv_heads in counts:
        cache = mf.KVCache()
        stored = cache.update(*(mx.zeros((1, kv_heads, length, HEAD_DIM)) for _ in range(2)))
        sizes.append(float(layers * sum(to_numpy(part).nbytes for part in stored)))
    return Bars(
        Bilingual(f"{length} 个词元的缓存，随键值头数", f"The cache of {length} tokens, by key/value heads"),
        labels=[f"H_kv = {kv_heads}" for kv_heads in counts],
        values=sizes,
        value_label=Bilingual("字节", "bytes"),
        name="memory",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
