"""Serves drawn requests by the small poet, in static and continuous batches, from blocks of one pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.attention.paged_cache import BlockPool, PagedSequence, real_tokens
from mlxformer.backend import mx, to_numpy
from mlxformer.generation.batching import Request, Served, Step, serve
from mlxformer.models.gpt.paged import paged_step
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.paged_cache.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

LONGEST = 64  # tokens that a request may have, prompt among them: what a contiguous cache reserves
BEGINNINGS = ("白日依山尽，黄河入", "床前明月光，疑是", "春眠不觉晓，处处闻", "红豆生南国，春来")
MEAN = 6  # new tokens of a request beyond the first two, drawn from a geometric distribution: many short, a few long
SAMPLES = 4


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    slots, block = int(knobs["slots"]), LONGEST if knobs["one_block"] else int(knobs["block"])
    asked = _requests(int(knobs["requests"]), int(knobs["seed"]), bool(knobs["full_length"]))
    step = _unmasked if knobs["unmasked"] else paged_step(_poet().model)
    static = _serve(asked, _unasked, slots, block, continuous=False)
    report(0.4, "continuous")
    continuous = _serve(asked, step, slots, block, continuous=not knobs["only_static"])
    report(0.7, "alone")
    lengths = [len(request.prompt) + len(text) for request, text in zip(asked, static.texts, strict=True)]
    held = [blocks * block for blocks in continuous.blocks]
    at_once = _at_once(lengths, slots * LONGEST // block, block)
    prompt = tuple(asked[0].prompt.tolist())
    measured = EXPERIMENT.measured
    checks = [
        measured("same-logits", _apart(prompt, block, bool(knobs["wrong_table"])), 0.0, 1e-5),
        measured("same-text", float(_differing(asked, continuous)), 0.0),
        measured("contiguous-used", 100.0 * sum(lengths) / (LONGEST * len(lengths)), 50.0),
        # Of a sequence's last block S − 1 places are empty at most; of 8 tokens and more that is a bounded share.
        measured("paged-used", 100.0 * sum(continuous.stored) / sum(held), 100.0 * 8 / (8 + int(knobs["block"]) - 1)),
        measured("more-at-once", at_once / slots, 1.5),
        measured("prefix-shared", float(_forked(prompt, block, bool(knobs["own_prefix"]))),
                 float(len(prompt) // block + SAMPLES)),
        measured("fewer-steps", 100.0 * continuous.steps / static.steps, 97.0),
        measured("occupied", 100.0 * continuous.occupancy(slots), 100.0 * static.occupancy(slots) + 3.0),
    ]  # fmt: skip
    figures: list[Figure] = [
        _grid(static, continuous),
        _memory(continuous, block),
        _table(asked, static, continuous),
    ]
    return Result(figures, checks)


@cache
def _poet() -> Any:
    return mf.load_pretrained("poet-small")


def _requests(count: int, seed: int, full_length: bool) -> list[Request]:
    """Beginnings of well-known quatrains, cut somewhere, and how much is to follow."""
    generator, found = np.random.default_rng(seed), []
    for _ in range(count):
        beginning = BEGINNINGS[generator.integers(len(BEGINNINGS))]
        cut = int(generator.integers(2, len(beginning) + 1))
        prompt = np.array(_poet().prompt(beginning[:cut], "五律"), np.int32)
        new = min(2 + int(generator.geometric(1 / MEAN)), 40)
        found.append(Request(prompt, LONGEST - len(prompt) if full_length else new))
    return found


def _pool(blocks: int, block: int) -> BlockPool:
    return BlockPool(blocks, block, num_layers=_poet().model.config.num_layers)


def _serve(asked: Sequence[Request], step: Step, slots: int, block: int, *, continuous: bool) -> Served:
    """With room for all: whoever runs may grow to the longest length."""
    pool = _pool(slots * -(-LONGEST // block), block)
    # The end is a token like any other here, so that a request has the length that was drawn for it.
    return serve(asked, step, pool, slots=slots, continuous=continuous)


def _unmasked(sequences: Sequence[PagedSequence], ids: np.ndarray) -> np.ndarray:
    """A pass in which rows see the zeros before them."""
    every = np.ones_like(real_tokens(sequences, ids.shape[1]))
    cache = mf.DecoderCache.paged(sequences)
    return to_numpy(_poet().model(mx.array(ids), mx.array(every), cache)[:, -1])


def _unasked(sequences: Sequence[PagedSequence], ids: np.ndarray) -> np.ndarray:
    """A step that holds what the model's would; as lengths are known, who runs when needs no model."""
    for sequence in sequences:
        sequence.reserve(sequence.length + ids.shape[1])
    return np.zeros((len(ids), 1))


def _at_once(lengths: Sequence[int], blocks: int, block: int) -> int:
    """The most requests that run together in so many blocks."""
    pool = BlockPool(blocks, block, num_layers=1)
    asked = [Request(np.zeros(3, np.int32), max(length - 3, 1)) for length in lengths]
    return max(map(len, serve(asked, _unasked, pool, slots=len(asked)).running))


def _pieces(prompt: tuple[int, ...]) -> list[tuple[int, ...]]:
    """What is read at a time: a prompt, and each of four more tokens."""
    return [prompt, *((token,) for token in range(10, 14))]


@kept()
def _from_one_piece(prompt: tuple[int, ...]) -> list[np.ndarray]:
    """The logits of ``_pieces`` with a contiguous cache."""
    model, cache = _poet().model, _poet().model.make_cache()
    return [to_numpy(model(mx.array(np.array([ids], np.int32)), cache=cache)) for ids in _pieces(prompt)]


@kept()
def _apart(prompt: tuple[int, ...], block: int, wrong_table: bool) -> float:
    """A prompt and four more tokens, from blocks and from one piece."""
    model, sequence = _poet().model, _pool(LONGEST, block).sequence()
    worst, largest = 0.0, 0.0
    for ids, expected in zip(_pieces(prompt), _from_one_piece(prompt), strict=True):
        given = mx.array(np.array([ids], np.int32))
        if wrong_table:  # the tokens so far in the opposite order of blocks, or the model would not be asked at all
            sequence.table.reverse()
        found = to_numpy(model(given, cache=mf.DecoderCache.paged([sequence])))
        worst, largest = max(worst, float(np.abs(found - expected).max())), max(largest, float(np.abs(expected).max()))
    return worst / largest


def _differing(asked: Sequence[Request], served: Served) -> int:
    """Tokens that are not the likeliest where a request is read alone, in one pass without any cache.

    With none of them, each text is what the request alone would be given, token by token.
    """
    found = 0
    for request, text in zip(asked, served.texts, strict=True):
        likeliest = _likeliest((*request.prompt.tolist(), *text[:-1].tolist()))
        found += int((likeliest[len(request.prompt) - 1 :] != text).sum())
    return found


@kept(size=128)
def _likeliest(read: tuple[int, ...]) -> np.ndarray:
    """The likeliest token after each of what was read."""
    return to_numpy(_poet().model(mx.array(np.array([read], np.int32))))[0].argmax(-1)


@kept()
def _forked(prompt: tuple[int, ...], block: int, own_prefix: bool) -> int:
    """Blocks that are held once each of the samples has a token of its own."""
    pool = _pool(LONGEST * SAMPLES, block)
    step = paged_step(_poet().model)

    def read() -> PagedSequence:
        sequence = pool.sequence()
        step([sequence], np.array([prompt], np.int32))
        return sequence

    first = read()
    rows = [first, *(read() if own_prefix else first.fork() for _ in range(SAMPLES - 1))]
    step(rows, np.arange(10, 10 + SAMPLES, dtype=np.int32)[:, None])
    return pool.in_use


def _grid(static: Served, continuous: Served) -> Heatmap:
    """Who gets a token at which step: a row for each request, a column for each step."""
    requests, steps = len(static.texts), max(static.steps, continuous.steps)
    maps = np.zeros((2, requests, steps), bool)
    for head, served in enumerate((static, continuous)):
        for step, running in enumerate(served.running):
            maps[head, running, step] = True
    return Heatmap(
        Bilingual(f"谁在哪一步得到词元：静态 {static.steps} 步，连续 {continuous.steps} 步",
                  f"Who gets a token at which step: static {static.steps} steps, continuous {continuous.steps}"),
        [Stage("running", Bilingual("在写", "at work"), maps, "mask")],
        rows=[str(number + 1) for number in range(requests)],
        columns=[str(step + 1) for step in range(steps)],
        row_axis=Bilingual("请求", "request"),
        column_axis=Bilingual("步", "step"),
        heads=(Bilingual("静态", "static"), Bilingual("连续", "continuous")),
        name="schedule",
        head=1,
    )  # fmt: skip


def _memory(served: Served, block: int) -> Curve:
    x = [float(step + 1) for step in range(served.steps)]
    return Curve(
        Bilingual(f"连续批处理各步的缓存：预留最长长度、按块（每块 {block}）占的、真正用的",
                  f"Cache in continuous batches: the longest length reserved, blocks of {block} held, and used"),
        Bilingual("步", "step"),
        Bilingual("词元", "tokens"),
        [
            Series(Bilingual("预留最长", "longest"), x, [float(LONGEST * len(each)) for each in served.running]),
            Series(Bilingual("占的块", "blocks held"), x, [float(block * each) for each in served.blocks]),
            Series(Bilingual("用到的", "used"), x, [float(each) for each in served.stored]),
        ],
        name="memory",
    )  # fmt: skip


def _table(asked: Sequence[Request], static: Served, continuous: Served) -> Table:
    """Each request: how long it is, and at which step it ends under either schedule."""
    rows: list[list[Any]] = []
    for number, request in enumerate(asked):
        ends = [
            max((step + 1 for step, running in enumerate(served.running) if number in running), default=0)
            for served in (static, continuous)
        ]
        words = _poet().tokenizer.decode(request.prompt)
        rows.append([number + 1, words, len(request.prompt), request.max_new_tokens, *ends])
    return Table(
        Bilingual("请求：提示、长度，和它在第几步写完", "Requests: prompts, lengths, and the step at which each ends"),
        columns=[Bilingual("请求", "request"), Bilingual("提示", "prompt"), Bilingual("提示词元", "prompt tokens"),
                 Bilingual("新词元", "new tokens"), Bilingual("静态", "static"), Bilingual("连续", "continuous")],
        rows=rows,
        name="requests",
    )  # fmt: skip
