"""What is read after the reveal: the person's answer as it was marked, the reference answer, and what proves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.containers import Vertical

from questions.bilingual import Bilingual, Language, say
from questions.model import FollowUp, Question, See
from questions.spans import NumberSpan, numbers
from tui.language.harmless import harmless
from tui.language.words import words
from tui.practice.session import Attempt
from tui.practice.written import framework_of, in_framework
from tui.proof.evidence import evidence
from tui.screens.fold import Fold
from tui.screens.passage import Passage
from tui.text.plain_text import as_title, plain_text, written
from tui.widgets.holding import replace

if TYPE_CHECKING:
    from tui.screens.live_panel import Measured
    from tui.screens.program import Program

MARKS = {"found": ("✓", "$text-success"), "unsure": ("?", "$text-warning"), "missed": ("✗", "$text-error")}


@dataclass(frozen=True)
class Block:
    """A piece of the reading: a text as it is, or Markdown of the bank; with ``folded``, behind that title."""

    kind: str  # the style class
    text: str | Text
    markdown: bool = False
    hang: int = 0
    folded: str | None = None


class Reading(Vertical):
    """``show`` fills it for a revealed attempt, and again whenever the experiment beside it has measured something."""

    DEFAULT_CSS = """
    Reading { height: auto; }
    Reading > .heading { text-style: bold; color: $text-accent; margin-top: 1; }
    Reading > .quote { border-left: wide $primary; padding-left: 1; }
    Reading > .wrong { border-left: wide $error 60%; padding-left: 1; }
    """

    app: Program

    def __init__(self) -> None:
        super().__init__()
        self._attempt: Attempt | None = None
        self._language: Language = "zh"
        self._measured: Measured | None = None
        self._shapes: list[tuple[str, bool]] = []
        self._widgets: list[Fold | Passage] = []

    def show(self, attempt: Attempt, language: Language, measured: Measured | None) -> None:
        """Show ``attempt``. A number that was ``measured`` gets its mark, or the live value where a knob has moved."""
        self._attempt, self._language, self._measured = attempt, language, measured
        self._fill()

    def _fill(self) -> None:
        """Put the blocks into the widgets that are there; make new ones only where the kinds differ."""
        blocks = list(self._blocks())
        shapes = [(block.kind, block.folded is not None) for block in blocks]
        if shapes != self._shapes:
            self._shapes = shapes
            self._widgets = [Fold() if block.folded is not None else Passage(classes=block.kind) for block in blocks]
            replace(self, self._widgets)
        for widget, block in zip(self._widgets, blocks, strict=True):
            passage = widget
            if isinstance(widget, Fold):
                widget.show_title(block.folded or "")
                passage = widget.body
            assert isinstance(passage, Passage)
            if block.markdown:
                link = self._link_predicted if block.kind == "predicted" else self._link
                passage.show_markdown(str(block.text), link=link)
            else:
                passage.show(block.text, hang=block.hang)

    # --- the blocks, in the order in which they are read -------------------------------------------------------

    def _blocks(self) -> Iterator[Block]:
        attempt = self._attempt
        assert attempt is not None
        question = attempt.question
        # Who has answered or guessed looks first for what was right and what was missed; who has not, for what to say.
        answered = attempt.marking is not None or attempt.choice is not None
        if not answered:
            yield from self._brief(question)
        yield from self._answered(attempt)
        yield from self._predicted(attempt)
        if answered:
            yield from self._brief(question)
        if question.brief is None:
            yield self._heading("reference-answer")
        else:
            yield Block("heading", words("quiz.deeper", self._language))
        yield self._bank("answer", in_framework(question, framework_of(self.app.store)).answer)
        if question.misconception is not None:
            yield self._heading("misconception")
            yield self._bank("wrong", question.misconception.text)
            yield from self._evidence(question.misconception.check)
        if question.follow_ups:
            yield self._heading("follow-ups")
            for follow_up in question.follow_ups:
                yield from self._follow_up(follow_up)
        if question.sources:
            yield self._heading("sources")
            yield Block("source", "\n".join(self._sources(question)), hang=4)

    def _brief(self, question: Question) -> Iterator[Block]:
        if question.brief is not None:
            yield Block("heading", words("quiz.brief", self._language))
            yield self._bank("answer", question.brief)

    def _heading(self, name: str) -> Block:
        return Block("heading", words(f"screens.{name}", self._language))

    def _bank(self, kind: str, text: Bilingual, hang: int = 0) -> Block:
        note = words("screens.other-language", self._language) + "\n" if text.missing(self._language) else ""
        return Block(kind, note + text.say(self._language), markdown=True, hang=hang)

    def _answered(self, attempt: Attempt) -> Iterator[Block]:
        if attempt.typed.strip():
            yield self._heading("your-answer")
            yield Block("quote", _with_matches(attempt))
        marking = attempt.marking
        if marking is None:
            yield self._heading("key-points")
        else:
            heading = words("screens.key-points-count", self._language, found=marking.found, total=len(marking.points))
            unsure = sum(point.status == "unsure" for point in marking.points)
            heading += words("screens.unsure-count", self._language, unsure=unsure) if unsure else ""
            yield Block("heading", heading)
        for index, point in enumerate(attempt.question.key_points):
            mark, style = ("•", "") if marking is None else MARKS[marking.points[index].status]
            line = Text.assemble((mark, style), " ", self._plain(point.text))
            if marking is not None and marking.points[index].spans:
                said = "  “" + "” “".join(attempt.typed[start:end] for start, end in marking.points[index].spans) + "”"
                line.append(" ".join(said.split("\n")), "$text-muted")
            yield Block("point", line, hang=2)
        if marking is not None:
            yield Block("note", Text(words("screens.last-word", self._language), "$text-muted"))

    def _predicted(self, attempt: Attempt) -> Iterator[Block]:
        predict = attempt.question.predict
        if predict is None:
            return
        yield self._heading("prediction" if attempt.choice is not None else "prediction-unmade")
        yield self._bank("predicted", predict.question)
        right = attempt.predicted_right
        answer = f"{predict.answer}  {self._plain(predict.choices[predict.answer])}"
        if right is None:
            yield Block("point", words("screens.prediction-open", self._language, answer=answer), hang=2)
        elif right:
            said = f"{attempt.choice} {words('screens.predicted-right', self._language)}"
            yield Block("point", Text.assemble(MARKS["found"], " ", said), hang=2)
        else:
            wrong = words("screens.predicted-wrong", self._language, answer=answer)
            yield Block("point", Text.assemble(MARKS["missed"], f" {attempt.choice} ", wrong), hang=2)
        yield self._bank("predicted", predict.why)

    def _evidence(self, name: str | None) -> Iterator[Block]:
        check = self._measured.checks.get(name or "") if self._measured is not None else None
        if check is None:
            return
        label = words("screens.evidence", self._language)
        claim = check.claim.say(self._language)
        mark, style = {True: MARKS["found"], False: MARKS["missed"], None: ("–", "$text-muted")}[check.holds]
        measured = "" if check.measured is None else f" ({check.measured:.4g}{check.unit and ' ' + check.unit})"
        yield Block(
            "evidence", Text.assemble((f"{label} ", "$text-muted"), (mark, style), f" {claim}{measured}"), hang=2
        )

    def _follow_up(self, follow_up: FollowUp | See) -> Iterator[Block]:
        if isinstance(follow_up, See):
            questions = {question.id: question for question in self.app.questions}
            seen = questions.get(follow_up.id)
            title = follow_up.id if seen is None else self._plain(seen.question)
            yield Block("point", words("screens.see-question", self._language, question=title), hang=2)
            return
        yield Block(
            "answer", follow_up.answer.say(self._language), markdown=True, folded=self._plain(follow_up.question)
        )

    def _sources(self, question: Question) -> Iterator[str]:
        for number, source in enumerate(question.sources, 1):
            parts = [as_title(say(source.title, self._language))]
            if source.where is not None:
                parts.append(say(source.where, self._language))
            if source.url:
                parts.append(source.url)
            yield f"[{number}] " + " · ".join(parts)

    def _plain(self, text: Bilingual) -> str:
        return plain_text(text.say(self._language), self._say_number)

    def _say_number(self, span: NumberSpan) -> str:
        return self._say(span, predicted=False)[0]

    def _link(self, href: str, text: str) -> Text | str:
        return self._number(href, text, predicted=False)

    def _link_predicted(self, href: str, text: str) -> Text | str:
        return self._number(href, text, predicted=True)

    def _number(self, href: str, text: str, *, predicted: bool) -> Text | str:
        """A link of the bank as it is read: a number with its mark, another link as its words and its address.

        A click on a number that a check measured shows that check. Nothing opens an address: it is there to be copied.
        """
        spans = numbers(f"[{text}]({href})")
        if not spans:
            return f"{text} ({href})"
        shown = Text(*self._say(spans[0], predicted=predicted))
        name = spans[0].target
        if spans[0].kind == "check" and self._measured is not None and name in self._measured.checks:
            shown.stylize(Style(underline=True, meta={"@click": f"screen.show_check({name!r})"}))
        return shown

    def _say(self, span: NumberSpan, *, predicted: bool) -> tuple[str, str]:
        """The number, with ✓ where it was measured just now; at other knobs than its own, what is measured there.

        And its style.
        """
        assert self._attempt is not None
        if self._measured is None:
            return written(span), ""
        found = evidence(span, self._measured.checks)
        if found.live is None:
            return written(span), ""
        if found.proven:  # at its own knobs, or at others where it is the same number
            return f"{span.written} ✓", "$text-success"
        question = self._attempt.question
        experiment = self.app.experiment_of(question)
        assert experiment is not None
        own = experiment.parse(question.predict_settings if predicted else question.settings)
        if any(own[name] != value for name, value in self._measured.knobs.items()):
            return f"{span.written} → {found.live}", "bold $text-accent"
        return f"{span.written} ✗ {found.live}", "$text-error"


def _with_matches(attempt: Attempt) -> Text:
    """What was typed, the words that were found in it underlined."""
    text = Text(harmless(attempt.typed.strip("\n")))
    start = len(attempt.typed) - len(attempt.typed.lstrip("\n"))
    if attempt.marking is not None and len(text.plain) == len(attempt.typed.strip("\n")):
        for mark in attempt.marking.points:
            if mark.status != "missed":
                for begin, end in mark.spans:
                    text.stylize("underline", max(begin - start, 0), max(end - start, 0))
    return text
