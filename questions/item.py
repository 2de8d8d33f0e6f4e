"""How an item of the bank is written: its keys, declared once for the loader, for ``show --json`` and for editors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from questions.bilingual import Bilingual
from questions.brief import Brief
from questions.errors import hint, quoted
from questions.model import (
    ExperimentUse,
    FollowUp,
    KeyPoint,
    KnobValue,
    Misconception,
    Predict,
    Question,
    See,
    Source,
)
from questions.nodes import Node
from questions.phrases import APART, DENIED
from questions.prose import MOST_FAULTS, faults
from questions.reading import BROKEN, Broken, Reading
from questions.settings import unsettled
from questions.shapes import BILINGUAL, Choice, Either, Field, Keyed, Many, Record, Schema, Text, Whole, is_plain
from questions.spans import numbers
from questions.topics import TOPICS
from questions.words import has_words

MAX_ID = 64
_SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_NUMBERED = re.compile(r"[\d\[]|百分之")
_INTEGER = re.compile(r"[-+]?[0-9](?:_?[0-9])*")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Phrase(Text):
    """A phrase to look for in an answer; it needs a letter, a digit or an ideograph."""

    def read(self, node: Node, key: str, reading: Reading) -> str | Broken:
        phrase = super().read(node, key, reading)
        if (
            not isinstance(phrase, Broken)
            and phrase != APART
            and not all(map(has_words, phrase.removeprefix(DENIED).split("->")))
        ):
            message = f"{quoted(phrase)} has nothing to look for; write a word, or a word's beginning as 'saturat*'"
            reading.problem("phrase-empty", message, node, key, written=phrase)
            return BROKEN
        return phrase


@dataclass(frozen=True)
class Named(Text):
    """The name of a check; it is looked up when the whole item has been read."""

    def read(self, node: Node, key: str, reading: Reading) -> str | Broken:
        name = super().read(node, key, reading)
        if not isinstance(name, Broken):
            reading.checks.append((key, node))
        return name


@dataclass(frozen=True)
class Referred(Text):
    """The id of another question; it is looked up when all files have been read."""

    def read(self, node: Node, key: str, reading: Reading) -> str | Broken:
        name = super().read(node, key, reading)
        if not isinstance(name, Broken):
            reading.sees.append((key, node))
        return name


@dataclass(frozen=True)
class Label(Text):
    """The id of a key point, once in a question."""

    def read(self, node: Node, key: str, reading: Reading) -> str | Broken:
        name = super().read(node, key, reading)
        if not isinstance(name, Broken):
            first = reading.labels.get(name)
            if first is not None:
                message = f"the id {quoted(name)} stands in this question twice, first in line {first}; change one"
                reading.problem("duplicate-point-id", message, node, key, name=name, first_line=first)
                return BROKEN
            reading.labels[name] = node.start[0] + 1
        return name


@dataclass(frozen=True)
class Settings:
    """Knobs and their values. The experiment says what a knob takes; where it takes no number, the text is tried."""

    def read(self, node: Node, key: str, reading: Reading) -> dict[str, KnobValue] | Broken:
        if node.kind != "map":
            if not node.broken:
                known = ["d_k"] if reading.experiment is None else sorted(reading.experiment.knob_names)
                reading.problem("not-a-map", "here stand knobs and their values, as {d_k: 512}", node, key, keys=known)
            return BROKEN
        values: dict[str, KnobValue] = {}
        sound = not node.broken
        for name, child in node.entries:
            value = self._value(name, child, f"{key}.{name.value}", reading)
            if isinstance(value, Broken):
                sound = False
            else:
                values[name.value] = value
        return values if sound else BROKEN

    def _value(self, name: Node, node: Node, key: str, reading: Reading) -> KnobValue | Broken:
        if node.broken:
            return BROKEN
        if node.kind != "scalar":
            one = Bilingual("旋钮只取一个值", f"a knob takes one value, not a {node.kind}")
            reading.problem("knob-refused", one.say("en"), node, key, knob=name.value, reason=one)
            return BROKEN
        if not is_plain(node, key, reading):
            return BROKEN
        candidates = _readings(node)
        experiment = reading.experiment
        if experiment is None:
            return candidates[0]
        if name.value not in experiment.knob_names:
            known = sorted(experiment.knob_names)
            message = f"experiment {experiment.name!r} has no knob {quoted(name.value)}{hint(name.value, known)}"
            reading.problem("unknown-knob", message, name, key, name=name.value, known=known)
            return BROKEN
        refusals = [experiment.refuse({name.value: candidate}) for candidate in candidates]
        for candidate, refusal in zip(candidates, refusals, strict=True):
            if refusal is None:
                return candidate
        reading.problem("knob-refused", str(refusals[0]), node, key, knob=name.value, reason=refusals[0])
        return BROKEN

    def write(self, part: dict[str, KnobValue]) -> dict[str, KnobValue]:
        return dict(part)

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}


def _readings(node: Node) -> list[KnobValue]:
    """What a knob's value may mean: a plain ``512``, ``1e-3`` or ``true`` is that first, and its own text second."""
    if node.plain:
        if node.value in ("true", "false", "True", "False"):
            return [node.value.lower() == "true", node.value]
        if _INTEGER.fullmatch(node.value):
            return [int(node.value), node.value]
        if _FLOAT.fullmatch(node.value):
            return [float(node.value), node.value]
    return [node.value]


def is_see(node: Node) -> bool:
    return node.kind == "map" and node.get("see") is not None


NAME = Text(
    prose=False,
    pattern=_SLUG,
    wanted=Bilingual("名字：小写字母、数字和连字符", "a name in small letters, digits and hyphens"),
)
TOPIC = Text(prose=False, wanted=Bilingual("话题", "a topic"))
_CHECK = Named(prose=False, pattern=_SLUG, wanted=Bilingual("实测的名字", "the name of a check"))
_ID_PATTERN = rf"(?=.{{1,{MAX_ID}}}$){_SLUG}"
ID = Text(
    prose=False,
    pattern=_ID_PATTERN,
    wanted=Bilingual(
        f"编号：小写字母、数字和连字符，最多 {MAX_ID} 个", f"an id: small letters, digits and hyphens, at most {MAX_ID}"
    ),
)
_POINT_ID = Label(
    prose=False,
    pattern=_ID_PATTERN,
    wanted=Bilingual("短名：小写字母、数字和连字符", "a short name: small letters, digits and hyphens"),
)
_OTHER_ID = Referred(prose=False, pattern=_ID_PATTERN, wanted=Bilingual("一道题的编号", "the id of a question"))
_URL = Text(
    prose=False,
    pattern=r"https?://\S+",
    wanted=Bilingual("以 https:// 开头的网址", "an address that begins with https://"),
)
_PHRASE = Phrase(prose=False, wanted=Bilingual("短语", "a phrase"))
_ALTERNATIVES = Many(
    Either(Many(_PHRASE, most=10), _PHRASE, lambda node: node.kind == "list", lambda part: not isinstance(part, str)),
    most=100,
)
_TITLE = Either(BILINGUAL, Text(), lambda node: node.kind == "map", lambda part: not isinstance(part, str))

_KEY_POINT = Record(
    "a key point",
    KeyPoint,
    (
        Field("id", _POINT_ID, "shipped", "Stable for ever, unique in the question: a short name for the point."),
        Field(
            "match",
            _ALTERNATIVES,
            "always",
            "What it sounds like in an answer: phrases, any one of which suffices; "
            "of a list within the list, all must stand in one clause.",
        ),
        Field("check", _CHECK, "never", "The check of the experiment that shows it."),
    ),
    bilingual=True,
)
_MISCONCEPTION = Record(
    "a misconception",
    Misconception,
    (
        Field("match", _ALTERNATIVES, "never", "What it sounds like in an answer, as for a key point."),
        Field("check", _CHECK, "shipped", "The check of the experiment that refutes it."),
    ),
    bilingual=True,
)
_PREDICT = Record(
    "a predict item",
    Predict,
    (
        Field("question", BILINGUAL, "always", "What will happen?"),
        Field("choices", Keyed("choices", ("a", "b", "c", "d"), 2, BILINGUAL), "always", "The choices a to d."),
        Field(
            "answer",
            Text(prose=False, pattern="[a-d]", wanted=Bilingual("a、b、c、d 之一", "one of a, b, c, d")),
            "always",
            "The right choice.",
        ),
        Field("why", BILINGUAL, "always", "Why it is right."),
        Field("with", Settings(), "never", "Knobs to run it at, over the question's own.", "settings"),
    ),
)
_WHEN = Field("when", Choice(("good", "thin")), "never", "Asked after a good answer, or after a thin one.")
SEE = Record(
    "a follow-up",
    See,
    (_WHEN, Field("see", _OTHER_ID, "always", "The id of the question that follows.", "id")),
)
_ASKED = Record(
    "a follow-up",
    FollowUp,
    (
        _WHEN,
        Field("question", BILINGUAL, "always", "What an interviewer asks next."),
        Field("answer", BILINGUAL, "always", "Its answer."),
        Field("key_points", Many(_KEY_POINT, most=8), "shipped", "What a good answer contains."),
    ),
)
_SOURCE = Record(
    "a source",
    Source,
    (
        Field("title", _TITLE, "always", "Authors, year and title."),
        Field("where", _TITLE, "never", "The place: §3.2.1, footnote 4."),
        Field("url", _URL, "never", "Where it can be read."),
    ),
)
EXPERIMENT = Record(
    "an experiment",
    ExperimentUse,
    (
        Field("run", NAME, "always", "The name of the experiment."),
        Field("with", Settings(), "never", "Its knobs, where they differ from its defaults.", "settings"),
    ),
)
SOURCES = Many(_SOURCE)
ITEM = Record(
    "a question",
    Question,
    (
        Field("id", ID, "always", "Stable for ever: a person's progress hangs on it."),
        Field("source", Many(NAME, most=10, bare=True), "never", "Where the item comes from, one or a list."),
        Field("topic", TOPIC, "always", "What it belongs to."),
        Field("level", Whole(1, 3), "always", "How hard it is, 1 to 3."),
        Field("question", BILINGUAL, "always", "What is asked."),
        Field("brief", Brief(), "never", "What to say in an interview, in a minute; Markdown."),
        Field("answer", BILINGUAL, "always", "What stands behind it: derivation, evidence, formulas; Markdown."),
        Field(
            "key_points",
            Many(_KEY_POINT, least=1, most=8, least_complete=4),
            "always",
            "What a good answer contains, and how a typed answer is marked; 4 to 8 in the shipped bank.",
        ),
        Field("misconception", _MISCONCEPTION, "never", "The wrong answer in circulation."),
        Field("predict", _PREDICT, "shipped", "Guess the outcome, then run it."),
        Field(
            "follow_ups",
            Many(Either(SEE, _ASKED, is_see, lambda part: isinstance(part, See)), least_complete=2),
            "shipped",
            "What an interviewer asks next.",
        ),
        Field("sources", SOURCES, "shipped", "The papers."),
        Field("experiment", EXPERIMENT, "shipped", "What runs beside the answer."),
    ),
)


def read_item(node: Node, reading: Reading) -> Question | None:
    """The question at ``node``, or None after all its problems have been reported."""
    name = node.get("id")
    reading.item = name.value[:MAX_ID] if name is not None and name.kind == "scalar" else ""
    find_experiment(node, reading)
    question = ITEM.read(node, "", reading)
    judge_topic(node, reading)
    _judge_predict(node, reading)
    _judge_checks(node, reading)
    judge_texts(node, reading)
    if not isinstance(question, Broken):
        _judge_evidence(question, reading)
    if isinstance(question, Broken) or reading.reported:
        return None
    return replace(question, file=reading.file, line=node.start[0] + 1, shipped=reading.complete)


def as_data(question: Question) -> dict[str, Any]:
    """The question as it stands in YAML, of plain dicts and lists."""
    return ITEM.write(question)


def find_experiment(node: Node, reading: Reading) -> None:
    """The experiment comes last in the file, and what stands before it is read against it."""
    use = node.get("experiment")
    run = use.get("run") if use else None
    if run is None or run.kind != "scalar" or run.broken or reading.catalogue is None:
        return
    experiments = reading.catalogue.experiments
    if run.value in experiments:
        reading.experiment = experiments[run.value]
        return
    message = f"there is no experiment {quoted(run.value)}{hint(run.value, sorted(experiments))}"
    reading.problem("unknown-experiment", message, run, "experiment.run", name=run.value, known=sorted(experiments))


def judge_topic(node: Node, reading: Reading) -> None:
    topic = node.get("topic")
    if reading.complete and topic is not None and not topic.broken and topic.value not in TOPICS:
        message = f"the shipped bank has no topic {quoted(topic.value)}{hint(topic.value, TOPICS)}"
        reading.problem("unknown-topic", message, topic, "topic", name=topic.value, known=list(TOPICS))


def _judge_predict(node: Node, reading: Reading) -> None:
    predict = node.get("predict")
    answer, choices = (predict.get("answer"), predict.get("choices")) if predict else (None, None)
    if answer and choices and answer.kind == "scalar" and choices.kind == "map" and choices.get(answer.value) is None:
        letters = [name.value for name, _ in choices.entries]
        message = f"the answer {quoted(answer.value)} is none of the choices {', '.join(letters)}"
        reading.problem("answer-not-a-choice", message, answer, "predict.answer", answer=answer.value, known=letters)


def _judge_checks(node: Node, reading: Reading) -> None:
    for key, name in reading.checks:
        refusal = _refuse_check(name.value.strip(), node, reading)
        if refusal:
            code, message, fields = refusal
            reading.problem(code, message, name, key, **fields)


def _judge_evidence(question: Question, reading: Reading) -> None:
    """Checks that nothing can break where the question runs them, and measured numbers of unknown settings."""
    use, catalogue = question.experiment, reading.catalogue
    if use is None or catalogue is None or use.run not in catalogue.experiments:
        return
    of_predict = {**use.settings, **(question.predict.settings if question.predict else {})}
    named = [(key, name.value.strip(), name, "") for key, name in reading.checks]
    for key, text in reading.texts:
        named += [(key, span.target, text, span.text) for span in numbers(text.value) if span.kind == "check"]
        for span in numbers(text.value):
            tolerance = span.quantity.tolerance
            if tolerance is not None and tolerance >= abs(span.quantity.value) > 0:
                message = f"{span.text} holds for nearly every value: its tolerance is as large as the number itself"
                reading.problem("tolerance-as-large", message, reading.place_of(text, span.text), key, link=span.text)
    known = catalogue.experiments[use.run].check_names
    for key, check, at, written in named:
        settings = of_predict if key.startswith("predict.why") else use.settings
        if check in known and catalogue.breaks and not catalogue.breaks(use.run, check, settings):
            message = (
                f"nothing can break the check {quoted(check)} here: what would break it is how the question runs it"
            )
            place = reading.place_of(at, written) if written else at
            reading.problem("check-unbreakable", message, place, key, name=check)
    if catalogue.numbers and (reading.complete or not use.settings):
        values = catalogue.numbers(use.run, use.settings)
        for key, text in reading.texts:
            link = unsettled(text.value, values) if values and key.startswith(("answer", "brief")) else None
            if link:
                message = (
                    f"{link} is measured, and the text does not say at which settings: name one of "
                    f"{', '.join(f'{value:g}' for value in values)}, as in 'at d_k = 512'"
                )
                reading.problem("number-without-settings", message, reading.place_of(text, link), key, link=link)


def judge_texts(node: Node, reading: Reading) -> None:
    listed = node.get("sources")
    sources = len(listed.items) if listed and listed.kind == "list" else 0
    for key, text in reading.texts:
        if not _NUMBERED.search(text.value):  # most texts: nothing in them could be a number or a link
            continue
        for fault in faults(text.value):
            place = reading.place_of(text, text.value[fault.start : fault.stop])
            reading.problem(fault.code, fault.message, place, key, **fault.fields)
        for written, refusal in islice(_refused_links(text.value, node, sources, reading), MOST_FAULTS):
            code, message, fields = refusal
            reading.problem(code, message, reading.place_of(text, written), key, link=written, **fields)


_Refusal = tuple[str, str, dict[str, object]]  # a problem's code, message and fields


def _refused_links(text: str, node: Node, sources: int, reading: Reading) -> Iterator[tuple[str, _Refusal]]:
    for span in numbers(text):
        if span.kind == "check":
            refusal = _refuse_check(span.target, node, reading)
            if refusal:
                yield span.text, refusal
        elif span.kind == "source":
            if not re.fullmatch(r"[1-9][0-9]{0,2}", span.target) or int(span.target) > sources:
                message = f"{span.text} wants a source from 1 to {sources}, counted from 1"
                yield span.text, ("unknown-source", message, {"sources": sources})
        elif not re.fullmatch(rf"{_SLUG}/\S+", span.target):
            yield span.text, ("unknown-card", f"{span.text} wants MODEL/ENTRY after 'card:'", {})
        elif reading.catalogue and reading.catalogue.refuse_card:
            refused = reading.catalogue.refuse_card(span.target)
            if refused:
                yield span.text, ("unknown-card", refused, {})


def _refuse_check(name: str, node: Node, reading: Reading) -> _Refusal | None:
    if node.get("experiment") is None:
        message = f"the check {quoted(name)} needs the question to have an 'experiment'"
        return "check-without-experiment", message, {"name": name}
    experiment = reading.experiment
    if experiment is None or name in experiment.check_names:
        return None
    known = sorted(experiment.check_names)
    message = f"experiment {experiment.name!r} has no check {quoted(name)}{hint(name, known)}"
    return "unknown-check", message, {"name": name, "experiment": experiment.name, "known": known}
