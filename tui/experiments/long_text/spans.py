"""Which tokens each way of cutting a text keeps: half-open ranges of positions. Plain arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

USABLE = 510  # 512 positions, less [CLS] and [SEP]
HEAD = 128  # of head and tail together: the split that Sun et al. 2019 found best


def head(length: int, usable: int = USABLE) -> list[range]:
    return [range(min(length, usable))]


def tail(length: int, usable: int = USABLE) -> list[range]:
    return [range(max(0, length - usable), length)]


def head_and_tail(length: int, usable: int = USABLE) -> list[range]:
    """The first 128 tokens and as many of the last as still fit: one input, in two ranges."""
    if length <= usable:
        return [range(length)]
    return [range(HEAD), range(length - (usable - HEAD), length)]


def windows(length: int, overlap: int, usable: int = USABLE) -> list[range]:
    """Windows of ``usable`` tokens, each ``usable - overlap`` after the one before, until the last token is in.

    A negative ``overlap`` leaves tokens out between the windows.
    """
    found, start = [], 0
    while True:
        found.append(range(start, min(length, start + usable)))
        if start + usable >= length:
            return found
        start += usable - overlap
        if start >= length:  # the last tokens fell into a gap
            return found


def covered(length: int, spans: Sequence[range]) -> list[bool]:
    """For each token whether some span has it."""
    seen = [False] * length
    for span in spans:
        seen[span.start : span.stop] = [True] * len(span)
    return seen
