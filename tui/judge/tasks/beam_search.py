"""Beam search where the next token depends on the last alone: K prefixes go on, score log p / |Y|^α."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.material import F32, case, drawn, mistake


class _Table:
    """The decoder as mlxformer's search sees it: a table of the next token by the last."""

    def __init__(self, log_probs: np.ndarray) -> None:
        self.log_probs = log_probs

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        return self.log_probs[sequences[:, -1]]

    def reorder(self, rows: np.ndarray) -> None:
        """Nothing is kept of a row but what is in its sequence."""


def _component(
    log_probs: Any, start: int, end: int, num_beams: int, max_length: int, length_penalty: float = 1.0
) -> Any:
    from mlxformer.generation.beam import beam_search
    from mlxformer.generation.rules import SearchRules

    rules = SearchRules(start, end, (end,), max_length + 1, num_beams, float(length_penalty), "never", forbid_pad=False)
    best, scores = beam_search(_Table(log_probs), 1, rules)
    tokens = best[0, 1:].tolist()
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens, float(scores[0])


def _search(
    log_probs: Any,
    start: int,
    end: int,
    num_beams: int,
    max_length: int,
    length_penalty: float = 1.0,
    *,
    length_is: str = "generated",
    each: bool = False,
    greedy: bool = False,
    go_on: bool = False,
    stop: str = "never",
    order: str = "best",
    choose: str = "score",
    result: str = "tokens",
) -> Any:
    """The right search; each argument after the contract's is a mistake."""
    beams: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, float, list[int]]] = []
    width = 1 if greedy else num_beams

    def score(log_p: float, length: int) -> float:
        size = {"generated": length, "with-start": length + 1, "without-end": max(length - 1, 1)}.get(length_is, 1)
        if length_is == "multiplied":
            return log_p * length**length_penalty
        return log_p / size**length_penalty

    for length in range(1, max_length + 1):
        candidates = []
        for log_p, tokens in beams:
            own = [
                (log_p + float(log_probs[(tokens or [start])[-1], token]), [*tokens, token])
                for token in range(log_probs.shape[-1])
            ]
            own.sort(key=lambda one: -one[0])
            candidates += own[:1] if each and length > 1 else own
        candidates.sort(key=lambda one: -one[0] if order == "best" else one[0])
        running: list[tuple[float, list[int]]] = []
        for rank, (log_p, tokens) in enumerate(candidates):
            ends = (tokens[-1] == end and not go_on) or length == max_length
            if ends and rank < width:
                finished.append((score(log_p, length), log_p, tokens))
            elif not ends and len(running) < width:
                running.append((log_p, tokens))
        beams = running
        if not beams or (stop == "first" and finished) or (stop == "enough" and len(finished) >= width):
            break
    if choose == "running":
        finished = [one for one in finished if len(one[2]) == max_length] or finished
    best = max(finished, key=lambda one: one[1] if choose == "bare" else one[0])
    tokens = best[2][: best[2].index(end) + 1] if end in best[2] and not go_on else best[2]
    if result == "with-start":
        tokens = [start, *tokens]
    elif result == "without-end" and tokens[-1] == end:
        tokens = tokens[:-1]
    return tokens, best[0]


def _table(seed: int, vocab: int, scale: float = 1.5, end: float = 0.0) -> np.ndarray:
    """Log-probabilities of the next token by the last; ``end`` is added to the logit of the last token."""
    logits = drawn(seed, vocab, vocab, scale=scale)
    logits[:, -1] += F32(end)
    return (logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))).astype(F32)


def _call(table: np.ndarray, beams: int, length: int, penalty: float | None = None) -> Call:
    options = {} if penalty is None else {"length_penalty": penalty}
    return Call("beam_search", (table, 0, len(table) - 1, beams, length), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "beam-search", "beam-search", beam_search=partial(_search, **change))


# Start 0: 1 is likelier than 2, but what follows 2 is sure; greedy is caught.
_HAND = np.log(np.array([[0.02, 0.54, 0.4, 0.04], [0.3, 0.3, 0.2, 0.2], [0.02, 0.03, 0.05, 0.9], [0.25] * 4])).astype(
    F32
)

TASK = Task(
    "beam-search",
    (
        Function(
            "beam_search",
            ("log_probs", "start", "end", "num_beams", "max_length", "length_penalty=1.0"),
            (Output("tokens", (), "data"), Output("score", (), "number")),
        ),
    ),
    {"beam_search": _component},
    {"beam_search": _search},
    (
        case("by-hand", "手算的例子：贪心会走错", "by hand: greedy goes wrong", _call(_HAND, 2, 3)),
        case("one-beam", "K = 1", "K = 1", _call(_table(1, 6), 1, 6)),
        case("three-beams", "K = 3", "K = 3", _call(_table(2, 7), 3, 6)),
        case("many-beams", "K = 5，词表 4", "K = 5, a vocabulary of 4", _call(_table(3, 4), 5, 5)),
        case("no-penalty", "α = 0：偏爱短的", "α = 0, which favors the short", _call(_table(4, 6, end=0.5), 3, 7, 0.0)),
        case(
            "long-penalty", "α = 2：偏爱长的", "α = 2, which favors the long", _call(_table(5, 6, end=0.5), 3, 7, 2.0)
        ),
        case(
            "never-ends",
            "结束符几乎不出现：走到 max_length",
            "an end that hardly comes: as far as max_length",
            _call(_table(6, 5, end=-8.0), 2, 5),
        ),
        case("ends-early", "结束符很可能", "an end that is likely", _call(_table(7, 5, end=3.0), 3, 6)),
        case("one-step", "max_length = 1", "max_length = 1", _call(_table(8, 5), 2, 1)),
        case("sharp", "很有把握的分布", "a sure distribution", _call(_table(9, 6, scale=6.0), 3, 6)),
        case("half", "α = 0.6", "α = 0.6", _call(_table(15, 8, end=1.0), 4, 8, 0.6)),
        case("wide", "词表 12", "a vocabulary of 12", _call(_table(12, 12, scale=2.5), 4, 9)),
    ),
    (
        _mistake("greedy", "只留一条、其实是贪心的束搜索", "a beam search that keeps one beam: greedy", greedy=True),
        _mistake(
            "each-beam-its-own-best",
            "各条束只取自己最好的续写、没有放在一起比的束搜索",
            "a beam search in which each beam takes its own best, without competition",
            each=True,
        ),
        _mistake(
            "length-penalty-forgotten",
            "没有除以长度的束搜索",
            "a beam search that does not divide by the length",
            length_is="none",
        ),
        _mistake(
            "length-counts-the-start",
            "长度里数了起始符的束搜索",
            "a beam search whose length counts the start token",
            length_is="with-start",
        ),
        _mistake(
            "length-without-the-end",
            "长度里没数结束符的束搜索",
            "a beam search whose length leaves out the end token",
            length_is="without-end",
        ),
        _mistake(
            "length-multiplied",
            "乘了长度而不是除以长度的束搜索",
            "a beam search that multiplies by the length",
            length_is="multiplied",
        ),
        _mistake(
            "goes-on-after-the-end",
            "结束之后还往下接的束搜索",
            "a beam search that goes on after the end token",
            go_on=True,
        ),
        _mistake(
            "stops-at-the-first-end",
            "一有结束的就停的束搜索",
            "a beam search that stops at the first that ends",
            stop="first",
        ),
        _mistake(
            "stops-at-k-ends",
            "凑够 K 条结束的就停的束搜索",
            "a beam search that stops once K have ended",
            stop="enough",
        ),
        _mistake(
            "chosen-by-bare-probability",
            "最后按没除长度的对数概率挑的束搜索",
            "a beam search that chooses by the bare log-probability at the end",
            choose="bare",
        ),
        _mistake(
            "longest-only",
            "只在走到底的里面挑、丢了早先结束的束搜索",
            "a beam search that forgets what ended early",
            choose="running",
        ),
        _mistake(
            "worst-first",
            "排序反了、留下最差的束搜索",
            "a beam search that sorts the wrong way and keeps the worst",
            order="worst",
        ),
        _mistake(
            "start-returned",
            "结果里带着起始符的束搜索",
            "a beam search that returns the start token too",
            result="with-start",
        ),
        _mistake(
            "end-dropped", "结果里去掉了结束符的束搜索", "a beam search that drops the end token", result="without-end"
        ),
    ),
)
