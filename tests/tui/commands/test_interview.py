"""The mock interview line by line, with the toy experiment: asked, marked, mended, left, taken up, reported."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.commands.conftest import Ran, bank, program, toy
from tui.bank import load_bank
from tui.commands.interview import read_marks
from tui.progress.store import open_store

__all__ = ["bank", "program", "toy"]  # the fixtures
Typed = Callable[..., Ran]


@pytest.fixture
def typed(program: Callable[..., Ran], bank: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """``interview`` on the toy questions alone, with these lines typed."""
    only = load_bank([bank])
    toys = type(only)(tuple(question for question in only.questions if question.id.startswith("toy-")))
    monkeypatch.setattr("tui.commands.context.Context.load_bank", lambda context: toys)

    def run(*lines: str, arguments: tuple[str, ...] = (), lang: str = "en") -> Ran:
        waiting = list(lines)

        def read(prompt: str = "") -> str:
            print(prompt, end="")
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr("builtins.input", read)
        ran = program("interview", "--plain", *arguments, lang=lang)
        assert not waiting, f"nobody read {waiting}"
        return ran

    return run


def test_an_interview_from_its_plan_to_its_report(typed: Typed, tmp_path: Path) -> None:
    # the easier one first: toy-again, then toy-double with its follow-up
    ran = typed("yes it is", ".", "", "It is twice x, a sum", ".", "", "no idea", ".", "")
    assert ran.status == 0, ran.err
    assert "Mock interview of 30 min, questions: 2" in ran.out
    assert ran.out.index("Once more?") < ran.out.index("What is x doubled?") < ran.out.index("Why?")
    assert "question 2 of 2, 30 min left" in ran.out and "Question 2, deeper:" in ran.out
    assert "Your answer: 2 of 2 key points" in ran.out and "1 ✓ said: twice" in ran.out
    assert "measured ✓ Doubling is times two: 6, expected 6" in ran.out  # the experiment as evidence
    assert "key points: 100% (3 said, 0 half said, 0 missed)" in ran.out
    assert "answered 2 of 2 questions; follow-ups: 1" in ran.out and "Every key point was said." in ran.out
    with open_store(tmp_path / "data") as store:
        assert {review.question_id: review.rating for review in store.reviews()} == {"toy-again": 3, "toy-double": 3}
        (kept,) = store.interviews()
    assert kept["ended_at"] is not None and kept["language"] == "en"


def test_marks_are_mended_and_a_spoken_answer_is_marked_by_hand(typed: Typed, tmp_path: Path) -> None:
    one = ("--questions", "1", "--topic", "attention")
    ran = typed("s", "1 2?", "9", "m", "m", "", arguments=one)
    assert "Mark what you said:" in ran.out
    assert "1 ✓ said: twice" in ran.out and "2 ? half said: a sum" in ran.out
    assert "type numbers from 1 to 2" in ran.out and "You said the misconception" in ran.out
    with open_store(tmp_path / "data") as store:
        (review,) = store.reviews()
    assert (review.rating, review.answer.found, review.answer.unsure) == (3, [0], [1])


@pytest.mark.parametrize(
    ("given", "marks"),
    [
        ("1", {0: "found"}), ("1 3", {0: "found", 2: "found"}), ("1,2?", {0: "found", 1: "unsure"}),
        ("3-、1", {2: "missed", 0: "found"}), ("4", {}), ("0", {}), ("1 x", {}), ("?", {}), ("-", {}), ("²", {}),
    ],
)  # fmt: skip
def test_marks_as_they_are_typed(given: str, marks: dict[int, str]) -> None:
    assert read_marks(given, 3) == marks


def test_left_and_taken_up_again_and_another_one_instead(typed: Typed, tmp_path: Path) -> None:
    ran = typed("yes", arguments=("--seed", "1"))  # the input ends in the middle of an answer
    assert ran.status == 0 and "takes it up again" in ran.out
    ran = typed(".", "e")
    assert "Taking up the interview that you left" in ran.out and "question 1 of 2" in ran.out
    assert "1 ✓ said: yes it is" in ran.out and "answered 1 of 2 questions" in ran.out
    typed("q")
    ran = typed("q", arguments=("--new",))
    assert "The interview that you had left is ended" in ran.err
    with open_store(tmp_path / "data") as store:
        assert [each["ended_at"] is not None for each in store.interviews()] == [False, True, True]


def test_the_report_is_written_as_markdown_and_as_a_page_with_figures(typed: Typed, tmp_path: Path) -> None:
    markdown, page = tmp_path / "r.md", tmp_path / "r.html"
    typed("no ``` <script>x</script>", ".", "", "it is the square", ".", "", arguments=("--report", str(markdown)))
    text = markdown.read_text(encoding="utf-8")
    assert "# Mock interview: a report" in text and "## What to study next" in text
    assert "1. What is x doubled? (`tformer-quiz ask toy-double`)" in text
    assert (
        "## Misconceptions stated\n\n- What is x doubled? (`tformer-quiz ask toy-double`)\n  - it is the square" in text
    )
    assert "- ✗ missed: twice" in text and "````text\nno ``` <script>x</script>\n````" in text
    assert "(check:" not in text and "| 0 | 0 | 2 | 0% |" in text
    ran = typed(arguments=("--last", "--report", str(page)), lang="zh")
    assert "报告已写入" in ran.err
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 2 and "http" not in re.sub(
        r'xmlns="[^"]*"|<!--.*?-->|http://www.w3.org[^"]*', "", html
    )
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert 'href="#toy-double"' in html and '<section id="toy-double">' in html
    assert '<html lang="zh-CN">' in html and "说出的误解" in html


def test_a_report_compares_with_the_interview_before(typed: Typed) -> None:
    one = ("--questions", "1", "--topic", "attention")
    typed("twice x", ".", "", arguments=one)  # half of it; its follow-up has no `when` and only a good answer asks it
    ran = typed("a sum", ".", "", arguments=one)
    assert "Beside earlier interviews" in ran.out
    assert "Not said last time, said now:" in ran.out and "Said last time, lost now:" in ran.out
    assert ran.out.count("| 1 | 0 | 1 | 50% |") == 3  # by topic, then, now


def test_what_it_does_not_take(typed: Typed, tmp_path: Path) -> None:
    assert "takes a whole number from 1 to 50; got 0" in typed(arguments=("--questions", "0")).err
    assert "takes a whole number from 1 to 240; got soon" in typed(arguments=("--minutes", "soon")).err
    assert "no interview has been finished yet" in typed(arguments=("--last",)).err
    (tmp_path / "there.md").write_text("mine")
    refused = typed(arguments=("--report", str(tmp_path / "there.md")))
    assert refused.status == 2 and (tmp_path / "there.md").read_text() == "mine"
    assert typed(arguments=("--report", str(tmp_path / "r.pdf"))).status == 2
    for place in ("gone/r.md", "there.md/r.md"):  # where no report could be written in the end
        refused = typed(arguments=("--report", str(tmp_path / place)))
        assert refused.status == 2 and refused.err.startswith("cannot write ")
    assert typed(arguments=("--topic", "bort")).status == 2
    assert not list((tmp_path / "data").glob("*.sqlite3"))


def test_code_is_written_in_the_framework_and_the_editor_that_one_has(
    program: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in ("written", "interview"):
        monkeypatch.setattr(f"tui.practice.{module}.is_installed", lambda framework: framework != "torch")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("tui.commands.conversation.more_is_coming", lambda: False)
    edited: list[Path] = []
    monkeypatch.setattr("tui.commands.conversation.edit", edited.append)
    waiting = ["x", "f", "v", "f", "q"]
    prompts: list[str] = []

    def read(prompt: str = "") -> str:
        prompts.append(prompt)
        return waiting.pop(0)

    monkeypatch.setattr("builtins.input", read)
    ran = program("interview", "--plain", "--kind", "code", "--questions", "1")
    assert ran.status == 0 and not waiting, ran.err
    assert [("(mlx)" in prompt) for prompt in prompts] == [False, False, True, True, False]
    (file,) = edited
    assert file.name.endswith("_mlx.py") and file.read_text(encoding="utf-8").startswith("import mlx.core as mx")
    with open_store(tmp_path / "data") as store:
        (kept,) = store.interviews()
    assert kept["record"]["present"]["framework"] == "numpy" and "mlx" in kept["record"]["present"]["others"]
