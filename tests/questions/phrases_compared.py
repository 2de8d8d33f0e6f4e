"""Which phrases of a key point find nothing that another of its phrases does not find already."""

from __future__ import annotations

import re
from collections.abc import Sequence

from questions.model import Alternative
from questions.phrases import APART, Phrase, Wanted, phrase_of


def redundant(match: Sequence[Alternative]) -> list[tuple[Alternative, Alternative]]:
    """Each phrase that another one covers, with that other; of two that cover each other the later."""
    read = [[phrase_of(each) for each in ((one,) if isinstance(one, str) else one)] for one in match]
    found = []
    for index, phrases in enumerate(read):
        for other, wider in enumerate(read):
            if APART in match[index] and APART not in match[other]:  # the one may stand in several clauses
                continue
            if index != other and _covers(wider, phrases) and not (index < other and _covers(phrases, wider)):
                found.append((match[index], match[other]))
                break
    return found


def _covers(wider: list[Phrase], phrases: list[Phrase]) -> bool:
    """Whether ``wider`` stands wherever ``phrases`` stand: each of its phrases is a part of one of them."""
    if _negates(phrases) and not _negates(wider):  # 不等于 in the phrase lets it stand where an answer denies
        return False
    return all(any(_is_within(one, another) for another in phrases) for one in wider)


def _negates(phrases: list[Phrase]) -> bool:
    written = " ".join(part.text for phrase in phrases for part in phrase.parts)
    return bool(re.search(r"[不没无非未]|\b(?:no|not|never|without|cannot|hardly|nothing)\b|n't", written))


def _is_within(one: Phrase, another: Phrase) -> bool:
    if (one.denied, one.subject, one.unnamed) != (another.denied, another.subject, another.unnamed):
        return False
    length = len(one.parts)
    runs = (another.parts[start : start + length] for start in range(len(another.parts) - length + 1))
    return any(all(map(_fits, one.parts, run)) for run in runs)


def _fits(one: Wanted, another: Wanted) -> bool:
    if another.begins and not one.begins:  # smooth* finds smoother, 平滑 does not
        return False
    if one.meanings and another.meanings:
        return set(another.meanings) <= set(one.meanings)
    return one == another
