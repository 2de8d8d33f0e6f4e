"""The mock interview without a screen: what it draws, how it goes on, what it rates, and that nothing of it is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from questions.bilingual import Bilingual
from questions.model import CodeQuestion, FollowUp, KeyPoint, Misconception, Question, See, Solution
from tests import soak
from tests.mutants import mutant
from tui.bank import load_bank
from tui.judge.verdict import Failure, Verdict
from tui.practice.interview import Interview, Wishes, begin, left_open
from tui.practice.interview_choice import choose, unsaid, weights
from tui.practice.interview_turn import Turn
from tui.practice.report import report
from tui.practice.report_text import as_markdown
from tui.practice.selection import Selection
from tui.practice.written import Written, as_question, in_framework, next_framework
from tui.progress.agenda import Calendar
from tui.progress.preferences import Preferences, change_setting, read_preferences
from tui.progress.records import Answer
from tui.progress.schedule import Schedule
from tui.progress.store import ProgressStore, open_store

POINTS = tuple(
    KeyPoint(Bilingual(zh, en), (zh, en), id=en)
    for zh, en in (("方差", "variance"), ("熵", "entropy"), ("梯度", "gradient"))
)
GOOD, HALF, THIN = "the variance, the entropy and the gradient", "it is the variance", "no idea"


def text(words: str) -> Bilingual:
    return Bilingual(words, words)


def question(
    name: str, topic: str = "attention", level: int = 1, follow_ups: tuple[object, ...] | None = None
) -> Question:
    deeper = FollowUp(text(f"deeper than {name}?"), text("because"), POINTS[:1], "good")
    return Question(
        name, topic, level, text(f"{name}?"), text("the answer"), POINTS,
        misconception=Misconception(text("it explodes"), ("explode*",)),
        follow_ups=(deeper, See("aside", "thin")) if follow_ups is None else follow_ups,  # type: ignore[arg-type]
    )  # fmt: skip


ASIDE = question("aside", "masking", follow_ups=())
QUESTIONS = [question("one"), question("two"), question("three"), ASIDE]
MAIN = Wishes(3, 30, Selection(topics=("attention",)))


class Hands:
    """A clock of days and one of seconds, both moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.seconds = 0.0

    def clock(self) -> datetime:
        return self.now

    def timer(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def store(tmp_path: Path, hands: Hands) -> ProgressStore:
    return open_store(tmp_path, hands.clock)


def start(
    store: ProgressStore, hands: Hands, wishes: Wishes = MAIN, questions: list[Question] = QUESTIONS
) -> Interview:
    interview = begin(questions, store, wishes, "en", seed=1, clock=hands.clock, timer=hands.timer, zone=UTC)
    assert interview is not None
    return interview


def say(interview: Interview, answer: str, hands: Hands, seconds: float = 60) -> None:
    hands.pass_(seconds)
    interview.type(answer)
    interview.answer()


def test_a_good_answer_leads_deeper_a_thin_one_aside_and_an_aside_is_asked_once(
    store: ProgressStore, hands: Hands
) -> None:
    interview = start(store, hands)
    asked = []
    for answer in (GOOD, GOOD, THIN, THIN, THIN):
        turn = interview.turn
        assert turn is not None
        asked.append((turn.kind, turn.asked.en))
        say(interview, answer, hands)
        assert interview.turn is turn and turn.revealed
        interview.go_on()
    first, second, third = interview.queue
    assert asked == [
        ("main", f"{first}?"), ("deeper", f"deeper than {first}?"),
        ("main", f"{second}?"), ("aside", "aside?"),
        ("main", f"{third}?"),  # thin too, and what it would lead to has been asked
    ]  # fmt: skip
    assert interview.turn is None and interview.ended_at == hands.now
    assert {turn.question.id: turn.rating for turn in interview.turns if turn.follow_up is None} == {
        first: 3, second: 1, "aside": 1, third: 1
    }  # fmt: skip
    assert Counter(review.question_id for review in store.reviews()) == {first: 1, second: 1, "aside": 1, third: 1}
    assert {review.answer.mode for review in store.reviews()} == {"interview"}


@pytest.mark.parametrize(
    ("answer", "marks", "wrong", "rating", "kind"),
    [
        (GOOD, ["found"] * 3, False, 3, "deeper"),
        (HALF, ["found", "missed", "missed"], False, 2, "aside"),
        (THIN, ["missed"] * 3, False, 1, "aside"),
        ("", ["missed"] * 3, False, 1, "aside"),
        ("the entropy, the gradient. It explodes.", ["missed", "found", "found"], True, 1, "aside"),
    ],
)
def test_marks_ratings_and_follow_ups(
    store: ProgressStore, hands: Hands, answer: str, marks: list[str], wrong: bool, rating: int, kind: str
) -> None:
    interview = start(store, hands)
    say(interview, answer, hands)
    assert interview.turn is not None
    assert (interview.turn.marks, interview.turn.said_misconception) == (marks, wrong)
    following = interview.go_on()
    assert interview.turns[0].rating == rating and following is not None and following.kind == kind
    (review,) = store.reviews()
    assert review.rating == rating and review.answer.seconds == 60
    assert review.answer.found == [POINTS[n].id for n, mark in enumerate(marks) if mark == "found"]


def test_a_spoken_answer_is_marked_by_the_person(store: ProgressStore, hands: Hands) -> None:
    interview = start(store, hands)
    hands.pass_(40)
    turn = interview.answer(spoken=True)
    assert turn.marks == ["missed"] * 3 and turn.answered
    interview.mark_point(0, "found")
    interview.mark_point(2, "unsure")
    assert turn.share == 0.5 and turn.fair_rating == 2
    interview.mark_misconception(True)
    assert turn.fair_rating == 1
    interview.mark_misconception(False)
    interview.mark_point(1, "found")
    following = interview.go_on()
    assert following is not None and following.kind == "deeper"
    (review,) = store.reviews()
    assert (review.rating, review.answer.found, review.answer.unsure, review.answer.missed) == (
        3,
        ["variance", "entropy"],
        ["gradient"],
        [],
    )


def test_the_clock_counts_answering_presses_and_cuts_no_word(store: ProgressStore, hands: Hands) -> None:
    interview = start(store, hands, Wishes(3, 10, MAIN.selection))
    assert (interview.pace().left, interview.pace().late) == (600, False)
    say(interview, GOOD, hands, 350)
    hands.pass_(5000)  # of reading the marks: not counted
    assert interview.pace().left == 250 and not interview.pace().late  # two are left, which would take 400
    assert interview.go_on() is not None and interview.turn is not None and interview.turn.kind == "deeper"
    say(interview, GOOD, hands, 100)
    assert interview.pace().late  # 150 left of 400
    interview.go_on()
    say(interview, GOOD, hands, 60)
    assert interview.pace().late  # 90 left of 200
    following = interview.go_on()
    assert following is not None and following.kind == "main"  # no follow-up: time presses
    hands.pass_(500)
    assert interview.pace().over and interview.turn is following  # the answer can be brought to its end
    interview.type(GOOD)
    assert interview.answer().share == 1
    assert interview.go_on() is None and interview.ended_at is not None
    assert len(interview.turns) == 4 and interview.turns[-1].rating == 3


def test_over_time_the_next_question_is_not_asked(store: ProgressStore, hands: Hands) -> None:
    interview = start(store, hands, Wishes(3, 10, MAIN.selection))
    say(interview, GOOD, hands, 601)
    assert interview.go_on() is None and [turn.rating for turn in interview.turns] == [3]


def test_what_was_rated_today_and_is_not_due_is_not_rated_again(store: ProgressStore, hands: Hands) -> None:
    interview = start(store, hands)
    assert interview.turn is not None
    store.rate(interview.turn.question.id, 4, "en")  # in practice, this morning
    before = store.card(interview.turn.question.id)
    say(interview, THIN, hands)
    interview.go_on()
    assert interview.turns[0].rating is None and store.card(interview.turns[0].question.id) == before


def test_what_was_rated_yesterday_is_rated_though_it_is_not_due(store: ProgressStore, hands: Hands) -> None:
    store.rate("one", 4, "en")
    hands.now += timedelta(days=1)
    interview = start(store, hands, Wishes(1, 10, Selection(search="one")))
    say(interview, THIN, hands)
    interview.go_on()
    assert interview.turns[0].rating == 1


def test_a_break_loses_nothing_and_the_clock_stands(store: ProgressStore, hands: Hands, tmp_path: Path) -> None:
    interview = start(store, hands)
    say(interview, GOOD, hands)
    interview.go_on()
    hands.pass_(30)
    interview.type("half a")
    interview.pause()
    store.close()
    hands.pass_(86_400)
    with open_store(tmp_path, hands.clock) as again:
        resumed = left_open(QUESTIONS, again, clock=hands.clock, timer=hands.timer, zone=UTC)
        assert resumed is not None and resumed.turn is not None
        assert resumed.record() == {**interview.record()}
        assert resumed.turn.typed == "half a" and resumed.pace().left == 30 * 60 - 90
        hands.pass_(500)
        assert resumed.pace().left == 30 * 60 - 90  # until the person is there
        resumed.resume()
        hands.pass_(10)
        assert resumed.pace().left == 30 * 60 - 100
        resumed.end()
        assert left_open(QUESTIONS, again) is None
        assert [turn.question.id for turn in resumed.turns] == [interview.queue[0]]  # half an answer does not count


def test_a_kill_at_any_step_goes_on_there(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom tests.tui.practice.test_interview import *\n"
        "store = open_store(Path(sys.argv[1]))\nsteps = int(sys.argv[2])\n"
        "interview = left_open(QUESTIONS, store) or begin(QUESTIONS, store, MAIN, 'zh', seed=1)\n"
        "for _ in range(steps):\n"
        "    turn = interview.turn\n"
        "    if turn is None: break\n"
        "    if turn.revealed: interview.go_on()\n"
        "    elif turn.typed: interview.answer()\n"
        "    else: interview.type(GOOD)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    for steps in (1, 1, 1, 2, 3):  # of the first question each step alone, then across questions
        killed = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), str(steps)], env=environment, check=False
        )
        assert killed.returncode == -signal.SIGKILL
    with open_store(tmp_path) as store:
        interview = left_open(QUESTIONS, store)
        assert interview is not None and interview.turn is not None and interview.language == "zh"
        assert [(turn.kind, turn.share) for turn in interview.turns] == [("main", 1.0), ("deeper", 1.0)]
        assert interview.turn.typed == GOOD and interview.turn.revealed
        assert [review.question_id for review in store.reviews()] == interview.queue[:1]


def test_a_kill_between_rating_and_going_on_rates_once(store: ProgressStore, hands: Hands) -> None:
    interview = start(store, hands)
    say(interview, THIN, hands)
    kept = interview.record()
    interview.go_on()
    store.save_interview(kept, "en", interview.started_at)  # as if the kill had come before the next question was kept
    hands.pass_(3600)  # "again" is long due
    resumed = left_open(QUESTIONS, store, clock=hands.clock, timer=hands.timer, zone=UTC)
    assert resumed is not None
    resumed.go_on()
    assert len(store.reviews()) == 1 and resumed.turns[0].rating == 1


def test_an_end_while_the_marking_is_read_rates_that_answer(store: ProgressStore, hands: Hands) -> None:
    interview = start(store, hands)
    say(interview, THIN, hands)
    interview.end()
    assert [(review.question_id, review.rating) for review in store.reviews()] == [(interview.queue[0], 1)]
    assert [turn.rating for turn in interview.turns] == [1]


def test_another_running_copy_keeps_its_interview_to_itself(tmp_path: Path, hands: Hands) -> None:
    with open_store(tmp_path, hands.clock) as one, open_store(tmp_path, hands.clock) as two:
        first = start(one, hands)
        assert left_open(QUESTIONS, two) is None
        second = start(two, hands, Wishes(4, 30))
        assert first.turn is not None and first.turn.question.id not in second.queue


def test_what_is_suspended_or_not_wanted_is_not_asked(store: ProgressStore, hands: Hands) -> None:
    store.suspend("two")
    assert sorted(start(store, hands).queue) == ["one", "three"]
    assert begin(QUESTIONS, store, Wishes(3, 30, Selection(topics=("bert",))), "en") is None


def test_a_damaged_or_foreign_record_is_passed_over(store: ProgressStore, hands: Hands) -> None:
    for record in ({}, {"turns": 3}, {"turns": [], "present": None, "queue": [], "minutes": 1}, {"version": 9}):
        hands.pass_(1)
        store.save_interview(record, "en", hands.now)
    assert left_open(QUESTIONS, store) is None
    assert start(store, hands).queue


def test_weights_follow_forgetting_the_date_and_what_was_missed(store: ProgressStore, hands: Hands) -> None:
    store.rate("one", 4, "en", Answer("x", found=(0, 1, 2)))
    store.rate("two", 4, "en", Answer("x", found=(0,), unsure=(1,), missed=(2,)))
    assert unsaid(store, QUESTIONS) == {"one": 0.0, "two": 0.5}

    def weigh(asked_last: tuple[str, ...] = ()) -> dict[str, float]:
        calendar = Calendar(read_preferences(store), UTC)
        return weights(QUESTIONS, store.cards(), unsaid(store, QUESTIONS), calendar, Schedule(), hands.now, asked_last)

    now = weigh()
    assert now["three"] == 0.7 and now["one"] == pytest.approx(0.2, abs=1e-3)  # just rated: all of it is recalled
    assert now["two"] - now["one"] == pytest.approx(0.5)
    assert weigh(("two",))["two"] == now["two"] / 4
    change_setting(store, "interview-on", "2026-12-23")  # by then it is due, and weaker
    card = store.card("one")
    recalled = Schedule().recall(card, Calendar(Preferences(), UTC).begins(datetime(2026, 12, 23).date()))
    assert weigh()["one"] == pytest.approx(0.2 + 0.5 + 1 - recalled) and recalled < 0.9


def test_the_draw_follows_the_weights_spreads_over_topics_and_begins_easily() -> None:
    questions = [question(f"q{n}", f"topic-{n % 3}", 3 - n % 2) for n in range(12)]
    even = {each.id: 1.0 for each in questions}
    drawn: Counter[str] = Counter()
    for seed in range(300):
        chosen = choose(questions, {**even, "q5": 9.0}, 3, seed)
        assert len({each.id for each in chosen}) == 3
        assert [each.level for each in chosen] == sorted(each.level for each in chosen)
        drawn.update(each.id for each in chosen)
    # 9 of 20 on the first draw, then more: with topics halved about 0.8; the others about 2.2 / 11
    assert drawn["q5"] > 200 and max(count for name, count in drawn.items() if name != "q5") < 110
    topics = Counter(len({each.topic for each in choose(questions, even, 3, seed)}) for seed in range(300))
    # without halving 4/11 * 8/10 * ... = 29 % would have all three topics
    assert topics[3] > 120
    assert choose(questions, even, 99, 1) and len(choose(questions, even, 99, 1)) == 12
    assert choose(questions, even, 5, 7) == choose(questions, even, 5, 7)


def test_every_question_of_the_bank_leads_somewhere(store: ProgressStore, hands: Hands) -> None:
    """Whatever the marks, both ways of going on work for each shipped question."""
    bank = load_bank().questions
    for status in ("found", "missed"):
        for each in bank:
            interview = Interview({q.id: q for q in bank}, store, "zh", hands.now, 30, [each.id])
            turn = interview._questions[each.id]
            present = type(start(store, hands).turn)(turn)  # type: ignore[misc]
            present.revealed, present.spoken, present.marks = True, True, [status] * len(turn.key_points)
            following = interview._follow_up(present)
            if status == "found":
                assert following is not None and following.kind == "deeper" and following.key_points, each.id
            elif following is not None:
                assert following.kind == "aside" and following.key_points, each.id


def code(name: str = "softmax", minutes: int = 8) -> Written:
    return as_question(
        CodeQuestion(
            f"code-{name}", "attention", 1, name, minutes, text(f"write {name}"), f"{name}(x)", "an example",
            (text("a hint"),), Solution("def f(): ..."),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wishes", "asked"),
    [
        (Wishes(3, 30), ["open", "open", "code"]),  # one, and last
        (Wishes(2, 30), ["open", "open"]),
        (Wishes(3, 15), ["open", "open", "open"]),  # it would take more than half of the time
        (Wishes(2, 30, Selection(kind="code")), ["code", "code"]),
        (Wishes(3, 30, Selection(kind="open")), ["open", "open", "open"]),
    ],
)
def test_an_interview_ends_with_one_piece_of_code(wishes: Wishes, asked: list[str]) -> None:
    every = [*QUESTIONS, code(), code("rope")]
    with open_store(None) as store:
        interview = begin(every, store, wishes, "en", seed=3)
        assert interview is not None
        kinds = {question.id: question.kind for question in every}
        assert [kinds[name] for name in interview.queue] == asked


def test_code_is_written_in_the_framework_that_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("written", "interview"):
        monkeypatch.setattr(f"tui.practice.{module}.is_installed", lambda framework: framework != "mlx")
    hands, every = Hands(), [code()]
    with open_store(None) as store:
        interview = begin(every, store, Wishes(1, 30), "en", clock=lambda: hands.now, timer=lambda: hands.seconds)
        assert interview is not None and interview.turn is not None
        assert interview.framework == "numpy" and interview.code_path.name.endswith("_softmax_numpy.py")
        interview.type("in numpy")
        interview.write_in(next_framework("numpy"))
        assert interview.framework == "torch" and interview.turn.typed.startswith("import torch")
        interview.type("in torch")
        store.set_setting("framework", "numpy")  # another place chooses for itself: this code stays what it is
        again = left_open(every, store, clock=lambda: hands.now, timer=lambda: hands.seconds)
        assert again is not None and again.turn is not None
        assert (again.framework, again.turn.typed) == ("torch", "in torch")
        again.write_in(next_framework("torch"))
        assert (again.framework, again.turn.typed) == ("numpy", "in numpy")
        assert store.setting("framework") == "numpy"


def test_a_solution_is_shown_in_the_framework_that_one_writes_in() -> None:
    task = next(task for task in load_bank().tasks if task.task == "softmax")
    question = as_question(task)
    assert "import torch" in in_framework(question, "torch").answer.say("zh")
    assert in_framework(question, "numpy") == question and in_framework(QUESTIONS[0], "torch") is QUESTIONS[0]
    turn = Turn(question, framework="mlx")
    assert turn.reference == turn.as_question().answer != question.answer and "mx" in turn.reference.say("en")


@pytest.mark.parametrize(
    ("passed", "failed", "kind", "seconds", "marks", "rating"),
    [
        (13, 0, None, 300, ["found"] * 4, 3),
        (13, 0, None, 500, ["found", "found", "found", "missed"], 3),  # longer than the eight minutes
        (5, 8, "values", 300, ["found", "found", "missed", "missed"], 2),
        (0, 13, "values", 300, ["found", "missed", "missed", "missed"], 1),
        (0, 13, "syntax", 300, ["missed"] * 4, 1),
    ],
)
def test_code_is_marked_by_the_judge_and_told_in_the_report(
    passed: int, failed: int, kind: str | None, seconds: float, marks: list[str], rating: int
) -> None:
    hands = Hands()
    with open_store(None) as store:
        every = [code()]
        interview = begin(every, store, Wishes(1, 30), "en", clock=lambda: hands.now, timer=lambda: hands.seconds)
        assert interview is not None and interview.turn is not None
        assert interview.turn.typed.endswith("def softmax(x):\n    ...\n")
        interview.type("def softmax(x):\n    return x\n")
        hands.seconds += seconds
        fields = dict.fromkeys(("output", "where", "expected", "got", "wrong", "of", "text"), "1")
        failure = None if kind is None else Failure(kind, "first", text("the first"), fields=fields)
        turn = interview.answer(verdict=Verdict("softmax", "numpy", passed, failed, failure))
        assert turn.marks == marks
        interview.go_on()
        assert turn.rating == rating and store.reviews("code-softmax")[0].rating == rating
        kept = store.interviews()[0]
        again = report(kept, store.interviews(), every)
        assert again.turns[0].judged == turn.judged and again.count.said == marks.count("found")
        told = as_markdown(again, "en")
        assert "```python\ndef softmax(x):\n    return x\n```" in told
        assert ("13 cases pass" in told or "passed" in told) if kind is None else f"{failed} cases fail" in told


def test_the_report_names_a_question_once_above_the_points_that_were_lost(hands: Hands, tmp_path: Path) -> None:
    with open_store(tmp_path, hands.clock) as store:
        interview = start(store, hands)
        say(interview, "nothing", hands)
        interview.go_on()
        interview.end()
        kept = store.interviews()
    told = report(kept[0], kept, QUESTIONS)
    question = told.turns[0].question
    one, two = question.key_points[:2]
    text = as_markdown(replace(told, earlier=(told,), lost=((question, one), (question, two))), "en")
    lost = text[text.index("Said last time, lost now:") :].split("\n\n")[1]
    assert lost.splitlines()[1:] == [f"  - {one.text.en}", f"  - {two.text.en}"] and question.id in lost


def test_a_record_of_a_stranger_s_is_taken_up_or_passed_over(tmp_path: Path, hands: Hands) -> None:
    """As an import brings it. A length without end, marks that were a text, half a character: each ended the place."""
    draw = random.Random(soak.seed(16))
    with open_store(tmp_path, hands.clock) as store:
        start(store, hands).type("half a")
        (kept,) = store.interviews()
        taken = 0
        for _ in range(soak.times(200, 3_000)):
            record = mutant(kept["record"], draw)
            if not isinstance(record, dict):
                continue
            store._connection.execute("UPDATE interviews SET record = ?", (json.dumps(record),))
            interview = left_open(QUESTIONS, store, clock=hands.clock, timer=hands.timer, zone=UTC)
            if interview is not None:
                taken += 1
                interview.resume()
                interview.type("more"), interview.pace(), interview.record(), interview.save()
                interview.answer()
                interview.end()
                store._connection.execute("UPDATE interviews SET ended_at = NULL")
        print(f"{taken} taken up")
        assert taken > 10
