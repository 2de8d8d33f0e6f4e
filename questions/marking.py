"""Marks a typed answer: which key points it contains.

A key point is *found* where an answer says one of its phrases, *unsure* (half said) where it says one but denies it,
asks it, or says it in one breath with the misconception, and *missed* otherwise. This is a list of phrases against a
text, not an examiner: the screen shows what was found, and the person rates themselves.

A phrase is a run of words in one clause, compared by what they mean in this field (``questions.lexicon``): in either
language, in any inflection, script and notation. ``saturat*`` matches every word with that beginning. A list,
``[std, sqrt]``, needs all of its phrases in one clause; ``[std, ..., sqrt]`` near each other in one sentence.
``Post-LN -> LN(x + f(x))`` needs what stands on the right to be said of what stands on the left, not of its rival;
``(Post-LN) -> LN(x + f(x))`` lets nobody be named either; ``~ reshape directly`` needs to be denied.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from questions.lexicon import FILLERS, begins, lexicon, stem
from questions.model import Alternative, KeyPoint, Misconception
from questions.negation import Denial, denials, is_cure
from questions.phrases import APART, Sides, Wanted, guards, names, phrase_of, sides_of, spoken_of
from questions.words import Clause, clauses, is_ideograph

Status = Literal["found", "unsure", "missed"]
Span = tuple[int, int]  # characters of the answer
REACH = 24  # words from the first to the last phrase of a list that need not stand in one clause
_WHERE = frozenset(["in", "at", "during", "for"])  # parallel in training: of training
# What is measured against, replaced or solved is not whom a statement is about: "like PPO", 解决的是碎片.
_COMPARES = frozenset(["than", "like", "unlike", "versus", "vs", "replaces", "solves", "fixes", "按", "像"])
_SOLVES = ("解决", "解决的是", "取代", "替代", "代替", "不同于")
_JOINS = frozenset(["与", "及", "以及", "、", "and", "or", "/", "&", "跟"])


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether a key point stands in an answer, the words that say so, and which of its alternatives they are."""

    status: Status
    spans: tuple[Span, ...] = ()
    phrase: Alternative = ""


@dataclass(frozen=True, slots=True)
class Marking:
    """A mark for each key point, in order, and one for the misconception: ``found`` means that the answer says it."""

    points: tuple[Mark, ...]
    misconception: Mark | None = None

    @property
    def found(self) -> int:
        return sum(mark.status == "found" for mark in self.points)


def mark(answer: str, key_points: Sequence[KeyPoint], misconception: Misconception | None = None) -> Marking:
    """Mark ``answer`` by ``key_points``. The time grows with the length of the answer, whatever is in it."""
    index = _Index(clauses(answer))
    wrong = None
    if misconception is not None and misconception.match:
        wrong = index.mark(misconception.match, cures=False)
        if wrong.status == "found":
            index.distrust(misconception.match)
    marks = (index.mark(point.match, of=spoken_of(point.text.say("zh"), point.text.say("en"))) for point in key_points)
    return Marking(tuple(marks), wrong)


@dataclass(frozen=True, slots=True)
class _Hit:
    """A phrase found: its clause, its words there, and where that is in the whole answer."""

    clause: int
    first: int
    stop: int
    place: int
    end: int
    harm: bool
    wants_denial: bool = False


@dataclass(frozen=True, slots=True)
class _Actors:
    """Who is spoken of at a place: what is marked by (``own``), alone or with others, or its rivals."""

    clause: int
    first: int
    stop: int
    place: int
    own: bool


class _Clause:
    """A clause with its stems, what they mean, and which words are denied."""

    def __init__(self, clause: Clause) -> None:
        self.words = clause.words
        self.asks = clause.asks
        self.sentence = clause.sentence
        self.kept = [index for index, word in enumerate(clause.words) if word.text not in FILLERS]
        self.stems = [stem(clause.words[index].text) for index in self.kept]
        self.denials: dict[int, Denial] = {denial.cue.start: denial for denial in denials(clause)}
        every = self.denials.values()
        self._cover = (
            _covered(every, len(clause.words)),
            _covered([e for e in every if not e.curable], len(clause.words)),
        )

    def is_denied(self, matched: set[int], cured: bool = False) -> bool:
        """Whether any of the words is denied, by what is not a part of them; ``cured``: otherwise than by a remedy."""
        own = [self.denials[position] for position in matched if position in self.denials]
        own = [each for each in own if self._holds(matched, each.cue) and not (cured and each.curable)]
        cover = self._cover[cured]
        return any(cover[position] > sum(position in each.scope for each in own) for position in matched)

    def _holds(self, matched: set[int], cue: range) -> bool:
        """Whether the words are a cue's, or all but what is passed over: 不 of 不会."""
        return all(position in matched or self.words[position].text in FILLERS for position in cue)


def _covered(found: Iterable[Denial], length: int) -> list[int]:
    """How many denials cover each word of a clause."""
    steps = [0] * (length + 1)
    for denial in found:
        steps[denial.scope.start] += 1
        steps[denial.scope.stop] -= 1
    return list(accumulate(steps))


class _Index:
    """The words of an answer, where each stands, what they mean, and which of them are denied."""

    def __init__(self, found: list[Clause]) -> None:
        self.raw = found
        self.clauses = [_Clause(clause) for clause in found]
        starts = sorted(word.start for clause in found for word in clause.words)
        self.places = {start: place for place, start in enumerate(starts)}
        self.stems: dict[str, list[tuple[int, int]]] = {}
        self.texts: dict[str, list[tuple[int, int]]] = {}
        self.meanings: dict[int, list[tuple[int, int, int]]] = {}
        self.ends: dict[tuple[int, int, int], list[int]] = {}  # clause, place and meaning to where it ends
        for number, clause in enumerate(self.clauses):
            for position, text in enumerate(clause.stems):
                self.stems.setdefault(text, []).append((number, position))
                self.texts.setdefault(clause.words[clause.kept[position]].text, []).append((number, position))
            self._read(number, clause)
        self.cured: dict[int, bool] = {}
        self.cache: dict[str, list[_Hit]] = {}
        self.actors: dict[Sides, tuple[list[_Actors], list[int]]] = {}
        self.distrusted: set[int] = set()  # sentences that say the misconception

    def _read(self, number: int, clause: _Clause) -> None:
        known = lexicon()
        inside = range(0)  # an expression that is not to be taken apart
        covered = 0  # where the longest Chinese word so far ends: a single sign in it is not meant by itself
        for start, stop, meanings in known.expressions(clause.stems):
            if start in inside and stop <= inside.stop and (start, stop) != (inside.start, inside.stop):
                continue
            chinese = is_ideograph(clause.stems[start])
            if clause.stems[start] == "一" and clause.stems[start - 1 : start] == ["每"]:  # no 一步 in 每一步
                continue
            if chinese and stop == start + 1 and start < covered:
                continue
            if chinese:
                covered = max(covered, stop)
            if known.opaque.intersection(meanings):
                inside = range(start, stop)
            for meaning in meanings:
                self.meanings.setdefault(meaning, []).append((number, start, stop))
                self.ends.setdefault((number, start, meaning), []).append(stop)

    def mark(self, alternatives: Sequence[Alternative], cures: bool = True, of: tuple[Sides, ...] = ()) -> Mark:
        """The best that any of the alternatives gives.

        ``cures``: a harm that is kept away counts as said. ``of``: whom it is to be said of, where somebody is named.
        """
        unsure: Mark | None = None
        for alternative in alternatives:
            said, hits = self._best((alternative,) if isinstance(alternative, str) else alternative, cures, of)
            if hits and said:
                return Mark("found", self._spans(hits), alternative)
            if hits and unsure is None:
                unsure = Mark("unsure", self._spans(hits), alternative)
        return unsure or Mark("missed")

    def distrust(self, alternatives: Sequence[Alternative]) -> None:
        """Trust no sentence any more that says one of these."""
        for alternative in alternatives:
            for hits in self._together((alternative,) if isinstance(alternative, str) else alternative, False, True):
                self.distrusted.update(self.clauses[hit.clause].sentence for hit in hits)

    def _best(self, phrases: tuple[str, ...], cures: bool, of: tuple[Sides, ...]) -> tuple[bool, tuple[_Hit, ...]]:
        if not all(self._hits(phrase) for phrase in phrases if phrase != APART):
            return False, ()  # of nearly every alternative an answer says nothing at all
        for said in (True, False):
            for hits in self._together(phrases, cures, said, of):
                return said, hits
        return False, ()

    def _together(
        self, phrases: tuple[str, ...], cures: bool, said: bool, of: tuple[Sides, ...] = ()
    ) -> Iterator[tuple[_Hit, ...]]:
        """Hits of all phrases that stand together; with ``said`` only those that are not denied."""
        apart = APART in phrases
        phrases = tuple(phrase for phrase in phrases if phrase != APART)
        every = [self._hits(phrase) for phrase in phrases]
        if not all(every):
            return
        for sides, rest in guards(phrases) if len(phrases) > 1 else ():
            for each in rest:
                every[each] = [hit for hit in every[each] if self._is_said_of(hit, sides)]
        for sides in of if all(every) else ():
            if not any(names(phrase, sides) for phrase in phrases):
                every = [[hit for hit in hits if not self._is_said_of_rival(hit, sides)] for hits in every]
        if not all(every):
            return
        if not said:
            # To say what is to be denied is not half of it, it is its opposite.
            yield from (g for g in self._groups(every, apart) if not any(hit.wants_denial for hit in g))
            return
        alone = [[hit for hit in hits if self._is_said([hit], cures)] for hits in every]
        if all(alone):
            yield from self._groups(alone, apart)
        # A denial that one of the phrases is, [BERT, 没有], spoils none of the others.
        yield from (group for group in self._groups(every, apart) if self._is_said(group, cures))

    def _groups(self, every: list[list[_Hit]], apart: bool) -> Iterator[tuple[_Hit, ...]]:
        anchors = min(every, key=len)
        others = [hits for hits in every if hits is not anchors]
        for anchor in anchors:
            group = [anchor]
            for hits in others:
                near = self._nearest(hits, anchor, apart)
                if near is None:
                    break
                group.append(near)
            else:
                yield tuple(group)

    def _nearest(self, hits: list[_Hit], anchor: _Hit, apart: bool) -> _Hit | None:
        """The hit nearest to ``anchor`` in its clause, or else, where they may stand apart, in its sentence."""
        at = bisect_left(hits, anchor.place, key=lambda hit: hit.place)
        near = hits[max(0, at - 3) : at + 3]
        inside = [hit for hit in near if hit.clause == anchor.clause]
        if not inside and apart:
            sentence = self.clauses[anchor.clause].sentence
            inside = [
                hit
                for hit in near
                if self.clauses[hit.clause].sentence == sentence
                and max(hit.end, anchor.end) - min(hit.place, anchor.place) <= REACH
            ]
        return min(inside, key=lambda hit: abs(hit.place - anchor.place), default=None)

    def _hits(self, written: str) -> list[_Hit]:
        """Where a phrase stands, in the order of the answer."""
        if written not in self.cache:
            phrase = phrase_of(written)
            found = self._runs(phrase.parts, phrase.denied)
            if phrase.subject:
                sides = sides_of(phrase.subject)
                if phrase.unnamed:
                    found = [hit for hit in found if not self._is_said_of_rival(hit, sides)]
                else:
                    found = [hit for hit in found if self._is_said_of(hit, sides)]
            self.cache[written] = sorted(found, key=lambda hit: hit.place)
        return self.cache[written]

    def _runs(self, parts: tuple[Wanted, ...], denied: bool = False) -> list[_Hit]:
        if not parts or not all(map(self._stands, parts)):
            return []
        harms = lexicon().harms
        found: dict[tuple[int, int], _Hit] = {}
        for number, start, stop in self._starts(parts[0]):
            for part in parts[1:]:
                stop = self._end(part, number, stop)
                if stop < 0:
                    break
            else:
                harm = any(harms.intersection(part.meanings) for part in parts)
                found.setdefault((number, start), self._hit(number, start, stop, harm, denied))
        return list(found.values())

    def _stands(self, part: Wanted) -> bool:
        """Whether a part may stand anywhere in the answer."""
        return (
            part.begins
            or (not part.meanings and part.text in self.stems)
            or any(meaning in self.meanings for meaning in part.meanings)
        )

    def _hit(self, number: int, start: int, stop: int, harm: bool = False, denied: bool = False) -> _Hit:
        clause = self.clauses[number]
        first, last = clause.kept[start], clause.kept[stop - 1]
        place, end = self.places[clause.words[first].start], self.places[clause.words[last].start] + 1
        return _Hit(number, first, last + 1, place, end, harm, denied)

    def _starts(self, part: Wanted) -> Iterator[tuple[int, int, int]]:
        for meaning in part.meanings:
            yield from self.meanings.get(meaning, ())
        if part.begins:
            for text, places in self.texts.items():
                if begins(text, part.text):
                    yield from ((number, position, position + 1) for number, position in places)
        elif not part.meanings:
            yield from ((number, position, position + 1) for number, position in self.stems.get(part.text, ()))

    def _end(self, part: Wanted, number: int, position: int) -> int:
        """Where ``part`` ends that begins at a position of a clause; -1 where it does not stand there."""
        clause = self.clauses[number]
        if position >= len(clause.stems):
            return -1
        ends = [end for meaning in part.meanings for end in self.ends.get((number, position, meaning), ())]
        if ends:
            return max(ends)
        if part.begins:
            return position + 1 if begins(clause.words[clause.kept[position]].text, part.text) else -1
        return position + 1 if not part.meanings and clause.stems[position] == part.text else -1

    def _is_said(self, hits: Sequence[_Hit], cures: bool) -> bool:
        return all(self._is_said_in(number, hits, cures) for number in {hit.clause for hit in hits})

    def _is_said_in(self, number: int, hits: Sequence[_Hit], cures: bool) -> bool:
        clause = self.clauses[number]
        if clause.asks or clause.sentence in self.distrusted:
            return False
        inside = [hit for hit in hits if hit.clause == number]
        matched = {position for hit in inside for position in range(hit.first, hit.stop)}
        to_deny = [hit for hit in inside if hit.wants_denial]
        if to_deny:
            return all(clause.is_denied(set(range(hit.first, hit.stop))) for hit in to_deny)
        if not clause.denials:
            return True
        if not clause.is_denied(matched):
            return True
        harm = cures and any(hit.harm for hit in inside)
        return harm and not clause.is_denied(matched, True) and self._is_cured(number)

    def _is_cured(self, number: int) -> bool:
        if number not in self.cured:
            sentence = self.raw[number].sentence
            first = number
            while first > 0 and number - first < 4 and self.raw[first - 1].sentence == sentence:
                first -= 1
            self.cured[number] = is_cure(self.raw[number], self.raw[first:number])
        return self.cured[number]

    # --- who it is said of -------------------------------------------------------------------------------------

    def _is_said_of(self, hit: _Hit, sides: Sides) -> bool:
        """Whether a hit is said of one's own side: that is nearer to it, in the order of speech, than its rivals."""
        nearest = self._nearest_actor(hit, sides)
        return nearest is not None and nearest.own

    def _is_said_of_rival(self, hit: _Hit, sides: Sides) -> bool:
        """Whether its own sentence says a hit of somebody else."""
        nearest = self._nearest_actor(hit, sides)
        if nearest is None or nearest.own:
            return False
        return self.clauses[nearest.clause].sentence == self.clauses[hit.clause].sentence

    def _nearest_actor(self, hit: _Hit, sides: Sides) -> _Actors | None:
        if sides not in self.actors:
            self.actors[sides] = self._actors(sides)
        groups, places = self.actors[sides]
        at = bisect_left(places, hit.place)
        within = [each for each in groups[at : at + 3] if each.place < hit.end and each.clause == hit.clause]
        if within:  # vanishing gradients: the gradients
            return within[0]
        after = [each for each in groups[at : at + 3] if each.clause == hit.clause and each.first >= hit.stop]
        if after:  # the decoder's queries, 解码器的查询
            stand = self.clauses[hit.clause].words
            gap = range(stand[hit.stop - 1].stop, stand[after[0].first].start)
            pauses = self.raw[hit.clause].pauses
            pause = bisect_left(pauses, gap.start)
            paused = pause < len(pauses) and pauses[pause] < gap.stop  # 键变大、查询变小
            between = stand[hit.stop : after[0].first]
            if not paused and all(word.text in FILLERS or word.text in _WHERE for word in between):
                return after[0]
        before = [each for each in groups[max(0, at - 3) : at] if each.clause != hit.clause or each.stop <= hit.first]
        inside = [each for each in before if each.clause == hit.clause]
        return next(iter(inside[-1:] or after[:1] or before[-1:]), None)

    def _actors(self, sides: Sides) -> tuple[list[_Actors], list[int]]:
        """Both sides in the order of the answer; those named together, K 与 V or K/V, are one."""
        own = [hit for meaning in sides.own for hit in self._meant(meaning)] or self._runs(sides.subject)
        taken = {(hit.clause, word) for hit in own for word in range(hit.first, hit.stop)}
        rivals = [
            hit for meaning in sides.rivals for hit in self._meant(meaning) if (hit.clause, hit.first) not in taken
        ]
        actors = [(hit, True) for hit in own] + [(hit, False) for hit in rivals]
        groups: list[_Actors] = []
        for hit, is_own in sorted(actors, key=lambda actor: actor[0].place):
            if self._is_compared_with(hit):
                continue
            last = groups[-1] if groups else None
            if last is not None and last.clause == hit.clause and hit.first >= last.first:
                between = self.clauses[hit.clause].words[last.stop : hit.first]
                if len(between) <= 1 and all(word.text in _JOINS for word in between):
                    groups[-1] = _Actors(
                        hit.clause, last.first, max(last.stop, hit.stop), last.place, last.own or is_own
                    )
                    continue
            groups.append(_Actors(hit.clause, hit.first, hit.stop, hit.place, is_own))
        return groups, [group.place for group in groups]

    def _is_compared_with(self, hit: _Hit) -> bool:
        """Whether something else is spoken of, and a hit is its measure or its task: ``faster than B``, 解决 B."""
        before = [word.text for word in self.clauses[hit.clause].words[max(0, hit.first - 4) : hit.first]]
        if before and before[-1] in FILLERS:
            before.pop()
        if (before[-1:] and before[-1] in _COMPARES) or "".join(before).endswith(_SOLVES):
            return True
        return before[-1:] == ["比"] and before[-2:-1] not in (["相"], ["对"], ["之"])

    def _meant(self, meaning: int) -> Iterator[_Hit]:
        for number, start, stop in self.meanings.get(meaning, ()):
            yield self._hit(number, start, stop)

    def _spans(self, hits: Sequence[_Hit]) -> tuple[Span, ...]:
        spans = set()
        for hit in hits:
            stand = self.clauses[hit.clause].words[hit.first : hit.stop]
            spans.add((stand[0].start, stand[-1].stop))
        return tuple(sorted(spans))
