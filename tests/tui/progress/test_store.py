"""What is written is there after a kill, and undo puts back exactly what was there."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.tui.progress.conftest import HandClock
from tui.progress.errors import ProgressError
from tui.progress.records import Answer, Place, Undone
from tui.progress.store import ProgressStore, open_store


def test_a_rating_is_in_the_file_before_the_call_returns(
    store: ProgressStore, tmp_path: Path, clock: HandClock
) -> None:
    answer = Answer("方差会变大 [/]", "b", (0, 2), (1,), (3,), 12.5)
    after = store.rate("sqrt-dk", 3, "zh", answer)
    with open_store(tmp_path, clock) as other:  # the first one is still open: nothing waits for its close
        assert other.card("sqrt-dk") == after
        (review,) = other.reviews()
    assert (review.rating, review.language, review.before, review.after) == (3, "zh", None, after)
    assert review.answer == Answer("方差会变大 [/]", "b", [0, 2], [1], [3], 12.5)
    assert review.reviewed_at == clock.now


def test_the_state_is_kept_to_the_last_bit(store: ProgressStore, clock: HandClock) -> None:
    for rating in (1, 2, 3, 4, 3):
        after = store.rate("q", rating, "en")
        assert store.card("q") == after
        clock.now = after.due + timedelta(hours=7, microseconds=13)
    card = store.card("q")
    assert card is not None
    assert card.stability is not None and card.difficulty is not None
    assert not math.isclose(card.stability, round(card.stability, 4), rel_tol=0, abs_tol=1e-12)


def test_a_killed_program_loses_nothing_that_was_rated(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom tui.progress.store import open_store\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "for name in ('a', 'b', 'c'): store.rate(name, 3, 'en')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    finished = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert finished.returncode == -9
    with open_store(tmp_path) as store:
        assert sorted(store.cards()) == ["a", "b", "c"]
        assert store.notices == ()


def test_undo_goes_back_level_by_level(store: ProgressStore, clock: HandClock) -> None:
    states = [store.card("q")]
    for rating in (3, 3, 1, 4):
        states.append(store.rate("q", rating, "en"))
        clock.pass_(days=3)
    for rating, state in zip((4, 1, 3, 3), reversed(states[:-1]), strict=True):
        undone = store.undo()
        assert undone is not None and (undone.kind, undone.rating) == ("rate", rating)
        assert store.card("q") == state
    assert store.undo() is None
    assert store.reviews() == []
    assert store.card("q") is None


def test_undo_restores_and_does_not_replay(store: ProgressStore, tmp_path: Path) -> None:
    """A state that FSRS would never compute comes back as it was."""
    store.rate("q", 3, "en")
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        raw.execute("UPDATE cards SET stability = 1.2345678901234567, difficulty = 9.87, state = 2, step = NULL")
    before = store.card("q")
    store.rate("q", 1, "en")
    store.undo()
    assert store.card("q") == before
    assert before is not None and before.stability == 1.2345678901234567


def test_flags_and_suspended_questions_are_undone_in_turn(store: ProgressStore) -> None:
    store.flag("q", "答案过时", "zh")
    store.flag("q", "the formula lacks a mask", "en")
    store.suspend("q")
    store.unflag("q")
    assert store.flags() == {} and store.suspended() == {"q"}
    kinds = []
    while (undone := store.undo()) is not None:
        kinds.append(undone.kind)
        if undone.kind == "unflag":
            assert store.flags()["q"].note == "the formula lacks a mask"
        if kinds == ["unflag", "suspend", "flag"]:
            assert store.flags()["q"].note == "答案过时"
    assert kinds == ["unflag", "suspend", "flag", "flag"]
    assert store.flags() == {} and store.suspended() == frozenset()


def test_nothing_changed_is_nothing_to_undo(store: ProgressStore) -> None:
    store.suspend("q", suspended=False)
    store.unflag("q")
    assert store.reset() == 0
    assert store.undo() is None


def test_a_reset_keeps_the_history_and_can_be_undone(store: ProgressStore) -> None:
    a, b = store.rate("a", 3, "en"), store.rate("b", 4, "en")
    assert store.reset("a") == 1
    assert store.cards() == {"b": b}
    store.undo()
    assert store.reset() == 2
    assert store.cards() == {} and len(store.reviews()) == 2
    assert store.undo() == Undone("reset", None, store._clock())
    assert store.cards() == {"a": a, "b": b}


def test_undo_reaches_a_session_that_ended_but_no_running_one(tmp_path: Path, clock: HandClock) -> None:
    with open_store(tmp_path, clock) as first:
        first.rate("a", 3, "en")
    with open_store(tmp_path, clock) as running, open_store(tmp_path, clock) as own:
        running.rate("b", 3, "en")
        undone = own.undo()
        assert undone is not None and undone.question_id == "a"
        assert own.undo() is None  # "b" belongs to the other copy
        assert running.undo() is not None


def test_undo_refuses_to_lose_what_another_copy_has_done_since(tmp_path: Path, clock: HandClock) -> None:
    with open_store(tmp_path, clock) as one, open_store(tmp_path, clock) as other:
        one.rate("q", 1, "en")
        after = other.rate("q", 3, "en")
        with pytest.raises(ProgressError, match="another running copy") as refused:
            one.undo()
        assert refused.value.code == "progress-changed"
        assert one.card("q") == after
        other.undo()
        assert one.undo() is not None  # now it can


def test_two_processes_rate_the_same_questions_at_once(tmp_path: Path) -> None:
    """40 ratings of one question from two processes: a chain of 40 states, none computed from a stale one."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom tui.progress.store import open_store\n"
        "with open_store(Path(sys.argv[1])) as store:\n"
        "    for _ in range(20): store.rate('q', 3, 'en')\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, b"")
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        chain = raw.execute("SELECT before, after FROM actions ORDER BY id").fetchall()
    assert len(chain) == 40
    assert [before for before, _ in chain] == ["null"] + [after for _, after in chain[:-1]]


def test_a_place_is_where_it_was_left(store: ProgressStore) -> None:
    assert store.place("practice") is None
    place = Place("sqrt-dk", "打到一半的回答\n第二行", None, True, 31.5, {"knobs": {"d_k": 64}})
    store.save_place("practice", place)
    assert store.place("practice") == place
    store.save_place("practice", None)
    assert store.place("practice") is None


def test_settings_and_interviews_are_kept(tmp_path: Path, clock: HandClock) -> None:
    with open_store(tmp_path, clock) as store:
        store.set_setting("language", "zh")
        store.set_setting("language", "en")
        started = clock.now
        store.save_interview({"answers": ["只有一半"]}, "zh", started)
        clock.pass_(minutes=20)
        store.save_interview({"answers": ["只有一半", "全了"]}, "zh", started, clock.now)
    with open_store(tmp_path, clock) as store:
        assert store.setting("language") == "en"
        assert store.setting("theme", "dark") == "dark"
        (interview,) = store.interviews()
    assert interview["record"] == {"answers": ["只有一半", "全了"]}
    assert interview["ended_at"] - interview["started_at"] == timedelta(minutes=20)


def test_a_failed_write_changes_nothing(store: ProgressStore, tmp_path: Path) -> None:
    store.rate("q", 3, "en")
    before = store.card("q")
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        raw.execute("CREATE TRIGGER full BEFORE INSERT ON reviews BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(ProgressError, match="disk full"):
        store.rate("q", 1, "en")
    assert store.card("q") == before
    assert len(store.reviews()) == 1


def test_a_draft_for_each_question_is_on_the_disk_at_once(store: ProgressStore, tmp_path: Path) -> None:
    store.set_draft("a", "方差随 d_k\n增长")
    store.set_draft("b", "half")
    with open_store(tmp_path) as other:
        assert other.drafts() == {"a": "方差随 d_k\n增长", "b": "half"}
    store.set_draft("b", "")
    assert store.draft("b") == "" and store.drafts() == {"a": "方差随 d_k\n增长"}


def test_a_rating_takes_its_draft_and_undo_brings_it_back(store: ProgressStore) -> None:
    store.set_draft("q", "variance")
    store.rate("q", 1, "en", Answer("variance", choice="b"))
    assert store.draft("q") == ""
    undone = store.undo()
    assert undone is not None and undone.answer is not None
    assert (undone.answer.text, undone.answer.choice, store.draft("q")) == ("variance", "b", "variance")
    store.rate("q", 1, "en", Answer("variance"))
    store.set_draft("q", "typed since")  # the question came again
    store.undo()
    assert store.draft("q") == "typed since"


KILLED = (
    "import os, signal, sys\nfrom datetime import date\nfrom pathlib import Path\n"
    "from tui.progress.store import open_store\n"
    "store = open_store(Path(sys.argv[1]))\n"
    "exec(sys.argv[2])\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("store.rate('q', 1, 'en')", "rate"),
        ("store.skip('q')", "skip"),
        ("store.bury('q', date(2026, 11, 23))", "bury"),
        ("store.suspend('q')", "suspend"),
        ("store.flag('q', 'wrong', 'en')", "flag"),
    ],
)
def test_undo_after_a_kill_takes_back_the_last_action_and_no_older_one(tmp_path: Path, action: str, kind: str) -> None:
    with open_store(tmp_path) as store:
        older = store.rate("older", 3, "en")
    finished = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), action], check=False)
    assert finished.returncode == -9
    with open_store(tmp_path) as store:
        undone = store.undo()
        assert undone is not None and (undone.kind, undone.question_id) == (kind, "q")
        assert store.cards() == {"older": older}
        assert (store.suspended(), store.flags(), store.buried(date(2026, 11, 23))) == (frozenset(), {}, frozenset())
        undone = store.undo()
        assert undone is not None and undone.question_id == "older"


def test_a_claim_ends_with_its_process(tmp_path: Path, clock: HandClock) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), "store.claim('killed')"], check=False)
    with open_store(tmp_path, clock) as store, open_store(tmp_path, clock) as other:
        assert store.claimed() == frozenset()
        other.claim("a")
        other.claim("b")
        assert store.claimed() == {"b"} and other.claimed() == frozenset()
        other.close()
        assert store.claimed() == frozenset()
    assert [path.name for path in tmp_path.iterdir() if "running" in path.name] == []


def test_a_version_1_file_is_brought_up_whole(tmp_path: Path) -> None:
    """A file that the first schema made (``files/version-1.sqlite3``), with an undone rating in it."""
    shutil.copy(Path(__file__).parent / "files" / "version-1.sqlite3", tmp_path / "progress.sqlite3")
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        actions = raw.execute("SELECT * FROM actions ORDER BY id").fetchall()
        reviews = raw.execute("SELECT * FROM reviews ORDER BY action_id").fetchall()
    raw.close()
    assert (len(actions), len(reviews)) == (6, 4)
    with open_store(tmp_path) as store:
        assert store.kept and store.notices == ()
        assert sorted(store.cards()) == ["attention-steps", "sqrt-dk"]
        assert [review.rating for review in store.reviews()] == [3, 3, 2]
        assert store.setting("language") == "zh" and store.suspended() == {"kv-cache"}
        assert store.place("practice") == Place("padding", "打到一半", None, False, 3.5, {"knobs": {"d_k": 64}})
        assert [interview["record"] for interview in store.interviews()] == [{"answers": ["一半"]}]
        with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
            assert raw.execute("SELECT * FROM actions ORDER BY id").fetchall() == actions
            brought = raw.execute("SELECT * FROM reviews ORDER BY action_id").fetchall()
            assert [row[:-1] for row in brought] == reviews
            assert [row[-1] for row in brought] == [
                0 if action[5] == "null" else json.loads(action[5])["state"]
                for action in actions
                if action[2] == "rate"
            ]
            assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        store.skip("q")
        kinds = []
        while (undone := store.undo()) is not None:
            kinds.append(undone.kind)
        assert kinds == ["skip", "suspend", "flag", "rate", "rate", "rate"]


def test_key_points_go_by_their_ids_also_those_that_an_earlier_version_wrote_by_number(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.rate("q", 3, "en", Answer("one", found=(0, 2), missed=(1, 7)))
        store.rate("q", 3, "en", Answer("two", found=(1,)))
        store.rate("own", 3, "en", Answer("three", unsure=(0,)))
        store.rate("plain", 3, "en", Answer("four"))
    with open_store(tmp_path) as store:
        ids = ["variance", "entropy", None]
        assert store.name_points({"q": ids, "plain": ["x1"]}) == 2
        assert store.name_points({"q": ["moved", "about", "since"]}) == 0  # once; what comes later moves nothing
        first, second = (review.answer for review in store.reviews("q"))
        assert (first.found, first.missed, second.found) == (["variance", 2], ["entropy", 7], ["entropy"])
        assert store.latest_marks("own", 1) == [([], [0], [])]  # its file is not open: it waits
        assert store.name_points({"own": ["first-point"]}) == 1
        assert store.latest_marks("own", 1) == [([], ["first-point"], [])]
