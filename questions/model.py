"""What a question is: the plain data that a question file holds (see ``questions.item`` for how it is written)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from questions.bilingual import LANGUAGES, Bilingual, Language

if TYPE_CHECKING:
    from questions.spans import NumberSpan

When = Literal["good", "thin"]
KnobValue = bool | int | float | str
Alternative = str | tuple[str, ...]  # a phrase, or phrases of which all stand in one clause


@dataclass(frozen=True)
class KeyPoint:
    """A thing that a good answer says. ``match``: any one alternative in an answer suffices (``questions.marking``)."""

    text: Bilingual
    match: tuple[Alternative, ...]
    id: str | None = None  # stable, unique in its question: a person's history of a point hangs on it
    check: str | None = None  # the check of the experiment that shows it


@dataclass(frozen=True)
class Misconception:
    """The wrong answer in circulation. ``match`` is what it sounds like, ``check`` what refutes it."""

    text: Bilingual
    match: tuple[Alternative, ...] = ()
    check: str | None = None


@dataclass(frozen=True)
class Predict:
    """Guess the outcome, then run it: the experiment at the question's knobs, with ``settings`` over them."""

    question: Bilingual
    choices: Mapping[str, Bilingual]  # a to d
    answer: str
    why: Bilingual
    settings: Mapping[str, KnobValue] = field(default_factory=dict)


@dataclass(frozen=True)
class FollowUp:
    """What an interviewer asks next, with its answer. ``when``: after a good answer (deeper) or a thin one (aside)."""

    question: Bilingual
    answer: Bilingual
    key_points: tuple[KeyPoint, ...] = ()
    when: When | None = None


@dataclass(frozen=True)
class See:
    """A follow-up that is a question of its own."""

    id: str
    when: When | None = None


@dataclass(frozen=True)
class Source:
    """A paper, and the place in it."""

    title: Bilingual | str
    where: Bilingual | str | None = None
    url: str | None = None


@dataclass(frozen=True)
class ExperimentUse:
    """The experiment that shows the answer, and the knobs that it is shown at (others at their defaults)."""

    run: str
    settings: Mapping[str, KnobValue] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkedNumber:
    """A number that a text shows, and the knobs at which its check measures it. ``key`` and ``language`` say where."""

    key: str
    language: Language | None  # None: a text that reads the same in both
    span: NumberSpan
    settings: Mapping[str, KnobValue]


@dataclass(frozen=True)
class Question:
    """One item of the bank. ``id`` is stable for ever: progress hangs on it."""

    kind: ClassVar[str] = "open"  # it is answered in words; a ``CodeQuestion`` in code
    id: str
    topic: str
    level: int
    question: Bilingual
    answer: Bilingual
    key_points: tuple[KeyPoint, ...]
    brief: Bilingual | None = None
    source: tuple[str, ...] = ()
    misconception: Misconception | None = None
    predict: Predict | None = None
    follow_ups: tuple[FollowUp | See, ...] = ()
    sources: tuple[Source, ...] = ()
    experiment: ExperimentUse | None = None
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    shipped: bool = field(default=False, compare=False)

    @cached_property
    def sees(self) -> tuple[str, ...]:
        """The ids of the questions that the follow-ups lead to."""
        return _sees(self.follow_ups)

    @property
    def settings(self) -> Mapping[str, KnobValue]:
        """The knobs that the question runs its experiment at."""
        return self.experiment.settings if self.experiment else {}

    @property
    def predict_settings(self) -> Mapping[str, KnobValue]:
        """The knobs that the predict item runs at: the question's, and its own over them."""
        return {**self.settings, **(self.predict.settings if self.predict else {})}

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that this question rests on, each once, in the order of the file."""
        named = [point.check for point in self.key_points]
        named += [self.misconception.check] if self.misconception else []
        for follow_up in self.follow_ups:
            if isinstance(follow_up, FollowUp):
                named += [point.check for point in follow_up.key_points]
        named += [number.span.target for number in self.numbers() if number.span.kind == "check"]
        return tuple(dict.fromkeys(name for name in named if name))

    def __getstate__(self) -> dict[str, Any]:
        return _whole(self)

    def texts(self) -> Iterator[tuple[str, Bilingual | str]]:
        """Every text that a person reads, with the key it stands under."""
        yield "question", self.question
        if self.brief:
            yield "brief", self.brief
        yield "answer", self.answer
        yield from _points("key_points", self.key_points)
        if self.misconception:
            yield "misconception", self.misconception.text
        if self.predict:
            yield "predict.question", self.predict.question
            for letter, choice in self.predict.choices.items():
                yield f"predict.choices.{letter}", choice
            yield "predict.why", self.predict.why
        for index, follow_up in enumerate(self.follow_ups):
            if isinstance(follow_up, FollowUp):
                yield f"follow_ups[{index}].question", follow_up.question
                yield f"follow_ups[{index}].answer", follow_up.answer
                yield from _points(f"follow_ups[{index}].key_points", follow_up.key_points)
        for index, source in enumerate(self.sources):
            yield f"sources[{index}].title", source.title
            if source.where is not None:
                yield f"sources[{index}].where", source.where

    def numbers(self) -> Iterator[LinkedNumber]:
        """Every number link of every text. Those of the predict item are measured at the predict item's knobs."""
        from questions.spans import numbers  # its patterns take time to compile, and asking a question needs none

        for key, text in self.texts():
            settings = self.predict_settings if key.startswith("predict.") else self.settings
            if isinstance(text, str):
                yield from (LinkedNumber(key, None, span, settings) for span in numbers(text))
                continue
            for language in LANGUAGES:
                if not text.missing(language):
                    yield from (LinkedNumber(key, language, span, settings) for span in numbers(text.say(language)))


@dataclass(frozen=True)
class Solution:
    """The same function in each framework."""

    numpy: str
    torch: str | None = None
    mlx: str | None = None

    def of(self, framework: str) -> str | None:
        text: str | None = getattr(self, framework)
        return text


@dataclass(frozen=True)
class CodeQuestion:
    """A component to write: ``id`` is ``code-`` and the judge's task. ``minutes`` is what one should take."""

    source: ClassVar[tuple[str, ...]] = ()  # parts of other questions, which a task has none of
    key_points: ClassVar[tuple[KeyPoint, ...]] = ()
    checks: ClassVar[tuple[str, ...]] = ()
    id: str
    topic: str
    level: int
    task: str
    minutes: int
    question: Bilingual
    signature: str
    example: str | Bilingual  # numbers and code read the same in both
    hints: tuple[Bilingual, ...]
    solution: Solution
    follow_ups: tuple[FollowUp | See, ...] = ()
    sources: tuple[Source, ...] = ()
    experiment: ExperimentUse | None = None
    kind: Literal["code"] = "code"
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    shipped: bool = field(default=False, compare=False)

    @cached_property
    def sees(self) -> tuple[str, ...]:
        """The ids of the questions that the follow-ups lead to."""
        return _sees(self.follow_ups)

    def __getstate__(self) -> dict[str, Any]:
        return _whole(self)

    def texts(self) -> Iterator[tuple[str, Bilingual]]:
        """Every text in two languages, with the key it stands under."""
        yield "question", self.question
        for place, each in enumerate(self.hints):
            yield f"hints[{place}]", each
        for place, follow_up in enumerate(self.follow_ups):
            if isinstance(follow_up, FollowUp):
                yield f"follow_ups[{place}].question", follow_up.question
                yield f"follow_ups[{place}].answer", follow_up.answer


def _points(key: str, points: tuple[KeyPoint, ...]) -> Iterator[tuple[str, Bilingual]]:
    for index, point in enumerate(points):
        yield f"{key}[{index}]", point.text


def _sees(follow_ups: tuple[FollowUp | See, ...]) -> tuple[str, ...]:
    return tuple(each.id for each in follow_ups if isinstance(each, See))


# --- an item of which a part is read when it is asked for --------------------------------------------------------

Item = TypeVar("Item", bound=Question | CodeQuestion)
REST = "_rest"  # among the fields of an item: what gives those that are not there yet


def partly(kind: type[Item], head: Mapping[str, Any], rest: Callable[[], Mapping[str, Any]]) -> Item:
    """An item with the fields of ``head``; ``rest`` gives the others, once the first of them is asked for.

    It may give some of them, and under ``REST`` what gives the others.
    """
    item = object.__new__(kind)
    there = vars(item)
    there.update(head)
    there[REST] = rest
    return item


class _Later:
    """A field that stands in the instance, or comes with the rest of it."""

    def __init__(self, field: Field[Any]) -> None:
        self._name, self._default, self._make = field.name, field.default, field.default_factory

    def __get__(self, item: Any, kind: type) -> Any:
        if item is None:
            raise AttributeError(self._name)
        there = vars(item)
        while self._name not in there and (rest := there.get(REST)) is not None:
            given = rest()
            there.update({name: value for name, value in given.items() if name not in there})
            # Not before: another thread may ask meanwhile. If it puts back what gave fields, they stay as they are.
            if REST in given:
                there[REST] = given[REST]
            else:
                there.pop(REST, None)
        if self._name not in there:
            if self._default is MISSING and self._make is MISSING:
                raise AttributeError(f"{type(item).__name__} has no {self._name}")
            there[self._name] = self._default if self._make is MISSING else self._make()
        return there[self._name]


def _whole(item: Question | CodeQuestion) -> dict[str, Any]:
    """All fields of ``item``: what is sent to another process does not hold what the others are read from."""
    return {field.name: getattr(item, field.name) for field in fields(item)}


for _kind in (Question, CodeQuestion):
    for _field in fields(_kind):
        setattr(_kind, _field.name, _Later(_field))
