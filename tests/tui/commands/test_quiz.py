"""The line-based quiz, typed to line by line in this process, with the toy experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tui.commands.conftest import QUESTIONS, bank, toy
from tui import bank as bank_module
from tui.bank import load_bank
from tui.commands.context import Context
from tui.commands.quiz import run
from tui.progress.errors import ProgressError
from tui.progress.store import ProgressStore, open_store

__all__ = ["bank", "toy"]  # the fixtures
Typed = Callable[..., str]


@pytest.fixture
def typed(
    tmp_path: Path, bank: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Typed]:
    """Runs the quiz on the toy questions alone, with these lines typed; what it said."""
    only = load_bank([bank])
    toys = type(only)(tuple(question for question in only.questions if question.id.startswith("toy-")))
    monkeypatch.setattr("tui.commands.context.Context.load_bank", lambda context: toys)
    assert bank_module.load_bank is load_bank and len(toys.questions) == QUESTIONS.count("- id:")

    def answer(*lines: str, question: str | None = None, once: bool = False, **context: object) -> str:
        waiting = list(lines)

        def read(prompt: str = "") -> str:
            print(prompt, end="")
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr("builtins.input", read)
        options = {"language": "en", "data_dir": tmp_path / "data", "plain": True, **context}
        assert run(Context(**options), question, once=once) == 0  # type: ignore[arg-type]
        assert not waiting, f"nobody read {waiting}"
        return capsys.readouterr().out

    yield answer


def test_an_answer_is_marked_and_its_numbers_are_proven_by_the_run(typed: Typed) -> None:
    said = typed("It is twice x", ".", "a", "3")
    assert "Your answer: 1 of 2 key points" in said
    assert "✓ said: twice" in said and "measured ✓ Doubling is times two: 6, expected 6" in said
    assert "✗ missed: a sum" in said
    assert "doubled it is 6 ✓, a share of 61.2 % ✓" in said
    assert "see 28.4 [1]" in said  # a paper's number is not proven by a run
    assert "Predicted right: a. eight" in said and "it is 8 ✓" in said  # at the predict item's own knobs


def test_a_number_that_is_not_the_measured_one_shows_what_was_measured(
    typed: Typed, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = bank.read_text(encoding="utf-8").replace("[6](check:doubled)", "[7](check:doubled)")
    bank.write_text(text, encoding="utf-8")
    only = load_bank([bank])
    monkeypatch.setattr("tui.commands.context.Context.load_bank", lambda context: only)
    assert "doubled it is 7 (measured here: 6)" in typed("", "", question="toy-double")


def test_the_misconception_said_is_told(typed: Typed) -> None:
    assert "You said the misconception in circulation" in typed("it is the square of x", "", "", question="toy-double")


def test_a_wrong_prediction_and_none(typed: Typed) -> None:
    assert "You predicted b; it is a. eight" in typed("", "z", "B", "1", question="toy-double")
    assert "Outcome: a. eight" in typed("", "", question="toy-double")


def test_due_questions_come_again_and_then_it_says_when(typed: Typed, tmp_path: Path) -> None:
    said = typed("", "", "4", "", "4")  # both graduate at once
    assert "Nothing left to answer now; the next is due in 8 d" in said
    assert "Answered this time: 2" in said
    said = typed(once=True)  # ``ask`` with nothing due
    assert "Nothing left to answer now" in said


def test_a_rating_is_undone_at_the_next_question(typed: Typed, tmp_path: Path) -> None:
    said = typed("twice", "", "", "4", "u", "1")
    assert "Took back the rating 4 of toy-double" in said
    with open_store(tmp_path / "data") as store:
        (review,) = store.reviews()
    assert (review.question_id, review.rating, review.answer.text) == ("toy-double", 1, "twice")


def test_undo_with_nothing_to_undo_stays_where_it_is(typed: Typed) -> None:
    said = typed("u", "", "", "u", "3", question="toy-double", once=True)
    assert said.count("There is nothing to undo") == 2
    assert "Noted" in said


def test_a_question_is_skipped_flagged_and_suspended(typed: Typed, tmp_path: Path) -> None:
    typed("s", "", "f", "the share [/] is wrong", "p", "q")
    with open_store(tmp_path / "data") as store:
        assert store.flags()["toy-again"].note == "the share [/] is wrong"
        assert store.suspended() == {"toy-again"}


def test_one_question_by_name_leaves_the_place_of_the_sitting(typed: Typed, tmp_path: Path) -> None:
    typed("half an answer")
    typed("", "4", question="toy-again", once=True)
    with open_store(tmp_path / "data") as store:
        place = store.place("practice")
    assert place is not None and (place.question_id, place.typed) == ("toy-double", "half an answer")


def test_figures_are_drawn_when_asked_for(typed: Typed) -> None:
    said = typed("", "", "v", "q", question="toy-double")
    before, after = said.split("rate> ", 1)
    assert "Map" not in before and "Map" in after
    assert "Map" in typed("", "", question="toy-double", plain=False)
    assert "There is no figure" not in said


def test_an_experiment_that_fails_does_not_stop_the_question(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import sys

    def broken(knobs: object, report: object) -> None:
        raise RuntimeError("no backend today")

    monkeypatch.setattr(sys.modules["tui.experiments.toy.body"], "run", broken)
    said = typed("", "", "v", "2", question="toy-double", once=True)
    assert "doubled it is 6, a share of 61.2 %" in said  # as written, without a claim of proof
    assert "There is no figure for this question" in said and "Noted" in said


def test_a_rating_that_cannot_be_written_can_be_given_again(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    rate, failures = ProgressStore.rate, [ProgressError("progress-busy", "locked", path="p", seconds=5.0)]

    def sometimes(self: ProgressStore, *arguments: object) -> object:
        if failures:
            raise failures.pop()
        return rate(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ProgressStore, "rate", sometimes)
    assert typed("", "", "3", "3", question="toy-double", once=True).count("Noted") == 1


def test_the_language_given_is_remembered(typed: Typed, tmp_path: Path) -> None:
    assert "回答>" in typed("q", language="zh", language_given=True)
    with open_store(tmp_path / "data") as store:
        assert store.setting("language") == "zh"


def test_a_seed_gives_one_order(typed: Typed, tmp_path: Path) -> None:
    orders = set()
    for seed in range(6):
        first = typed("q", seed=seed)
        assert first == typed("q", seed=seed) or "Where you left off" in first
        with open_store(tmp_path / "data") as store:
            place = store.place("practice")
            store.save_place("practice", None)
        assert place is not None
        orders.add(place.question_id)
    assert orders == {"toy-double", "toy-again"}


def test_what_is_due_comes_before_what_is_new(typed: Typed, tmp_path: Path) -> None:
    past = datetime.now(UTC) - timedelta(days=30)
    with open_store(tmp_path / "data", lambda: past) as store:
        store.rate("toy-again", 4, "en")
    assert "Once more?" in typed("q").split("answer>")[0]
