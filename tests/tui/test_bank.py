"""The questions read against the experiments that there are."""

from __future__ import annotations

import os
import pickle
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from questions.bank import Bank, from_json, to_json
from questions.errors import Problem
from tui import bank as shipping
from tui.bank import KEPT, KEPT_OWN, OwnFiles, known_experiments, load_bank
from tui.experiments.catalogue import NAMES, catalogue
from tui.language.usage import UsageError

OWN = """\
- id: my-own
  topic: my-topic
  level: 1
  question: {en: "Mine?"}
  answer: {en: "Mine."}
  key_points: [{en: "mine", match: ["mine"]}]
  experiment: {run: %s, with: {%s: %s}}
"""


def test_the_catalogue_has_each_experiment_under_its_own_name() -> None:
    assert list(catalogue()) == list(NAMES)
    for name, experiment in catalogue().items():
        assert experiment.name == name
        assert len({knob.name for knob in (*experiment.knobs, *experiment.hidden_knobs)}) == len(
            experiment.knobs
        ) + len(experiment.hidden_knobs)
        assert len({check.name for check in experiment.checks}) == len(experiment.checks) > 0


def test_the_bank_is_told_names_knobs_and_checks_and_no_hidden_knob() -> None:
    facts = known_experiments().experiments["scaling"]
    experiment = catalogue()["scaling"]
    assert list(facts.knob_names) == [knob.name for knob in experiment.knobs]
    assert list(facts.check_names) == [check.name for check in experiment.checks]
    assert not set(facts.knob_names) & {knob.name for knob in experiment.hidden_knobs}
    assert facts.refuse({"d_k": 64}) is None
    assert "d_k" in str(facts.refuse({"d_k": -1}))


def test_a_persons_own_questions_follow_the_shipped_ones(tmp_path: Path) -> None:
    shipped = load_bank()
    assert shipped.questions and all(question.shipped for question in shipped.questions)
    (tmp_path / "own.yaml").write_text(OWN % ("scaling", "d_k", "64"), encoding="utf-8")
    bank = load_bank([tmp_path])
    assert bank.questions[:-1] == shipped.questions
    own = bank["my-own"]
    assert not own.shipped and own.settings == {"d_k": 64}
    assert own.question.missing("zh") and own.question.say("zh") == "Mine?"


@pytest.mark.parametrize(
    ("experiment", "knob", "value", "code"),
    [("scalng", "d_k", "64", "unknown-experiment"), ("scaling", "dk", "64", "unknown-knob"),
     ("scaling", "d_k", "-5", "knob-refused")],
)  # fmt: skip
def test_what_the_experiment_does_not_have_is_a_fault(
    tmp_path: Path, experiment: str, knob: str, value: str, code: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN % (experiment, knob, value), encoding="utf-8")
    (problem,) = [problem for problem in load_bank([path]).problems if problem.file == str(path)]
    assert (problem.code, problem.line) == (code, 7)


@pytest.mark.parametrize("make", ["missing", "empty folder"])
def test_a_path_that_gives_no_file_is_wrong_usage(tmp_path: Path, make: str) -> None:
    path = tmp_path / "given"
    if make == "empty folder":
        path.mkdir()
    with pytest.raises(UsageError, match="given"):
        load_bank([path])


# --- what is kept of the shipped questions ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Bank:
    return load_bank()


def places(bank: Bank) -> list[tuple[str, int, bool]]:
    """What equality of questions leaves out."""
    return [(each.file, each.line, each.shipped) for each in (*bank.questions, *bank.tasks)]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, shipped: Bank) -> list[Bank]:
    """A line for each time that the files are read; they come to ``shipped``. Installing has kept nothing."""
    times: list[Bank] = []
    monkeypatch.setattr(shipping, "INSTALLED", Path("nowhere", KEPT))
    monkeypatch.setattr("questions.loader.load_shipped", lambda catalogue: times.append(shipped) or shipped)
    return times


def test_a_bank_as_json_comes_back_equal(shipped: Bank) -> None:
    again = from_json(to_json(shipped))
    assert again == shipped and places(again) == places(shipped) and len(again.questions) > 50 < 5 * len(again.tasks)
    for kept in (to_json(shipped)[:-1], b"", b"[]", b"{}", b'{"": "Bank"}', b'{"": "Path", "file": "/etc"}'):
        with pytest.raises((ValueError, TypeError, LookupError)):
            from_json(kept)


def test_the_second_start_reads_what_the_first_one_kept(tmp_path: Path, read: list[Bank], shipped: Bank) -> None:
    assert [load_bank((), tmp_path) == shipped for _ in range(3)] == [True] * 3 and len(read) == 1
    assert places(load_bank((), tmp_path)) == places(shipped)
    assert [file.name for file in tmp_path.iterdir()] == [KEPT]
    load_bank()  # asked for anew, as ``check`` and ``doctor`` ask
    assert len(read) == 2


def test_the_first_start_takes_what_installing_has_kept_but_not_of_other_files(
    tmp_path: Path, read: list[Bank], shipped: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    installed = shipping.keep_shipped(tmp_path)
    assert installed is not None and len(read) == 1
    monkeypatch.setattr(shipping, "INSTALLED", installed)
    bank = load_bank((), data)
    assert bank == shipped and places(bank) == places(shipped) and len(read) == 1 and not list(data.iterdir())
    kept = installed.read_bytes()
    for hurt in (kept[:-1], kept.replace(b"sqrt-dk", b"sqrt-dq", 1), b"", kept.partition(b"\n")[0]):
        installed.write_bytes(hurt)
        assert load_bank((), data) == shipped and (data / KEPT).read_bytes() == kept
        (data / KEPT).unlink()
    read.clear()
    installed.write_bytes(kept)
    monkeypatch.setattr(shipping, "_digest", lambda: "another")  # a question was written since
    assert [load_bank((), data) == shipped for _ in range(2)] == [True] * 2 and len(read) == 1
    assert installed.read_bytes() == kept and (data / KEPT).read_bytes() != kept


def test_what_is_kept_of_other_files_or_was_damaged_is_not_taken(
    tmp_path: Path, read: list[Bank], shipped: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_bank((), tmp_path)
    kept = (tmp_path / KEPT).read_bytes()
    other = b"1" if kept.startswith(b"0") else b"0"
    hurt = [b"", b"\xff", kept[:-1], kept.replace(b"sqrt-dk", b"sqrt-dq", 1), other + kept[1:]]
    for times, data in enumerate(hurt, 2):
        (tmp_path / KEPT).write_bytes(data)
        assert load_bank((), tmp_path) == shipped and len(read) == times, data[:20]
        assert (tmp_path / KEPT).read_bytes() == kept  # and mended
    read.clear()
    monkeypatch.setattr(shipping, "_digest", lambda: "another")
    assert load_bank((), tmp_path) == shipped and len(read) == 1


def test_a_pipe_in_the_place_of_what_is_kept_is_not_waited_for(tmp_path: Path, read: list[Bank]) -> None:
    os.mkfifo(tmp_path / KEPT)
    loading = threading.Thread(target=load_bank, args=((), tmp_path), daemon=True)
    loading.start()
    loading.join(timeout=20)
    assert not loading.is_alive() and len(read) == 1 and (tmp_path / KEPT).is_file()


def test_every_file_that_decides_what_the_bank_is_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte more in any of them is another digest: questions, tasks, reader, declarations, cards."""
    files = {
        name: tmp_path / name
        for name in ("questions/a.yaml", "questions/code/b.yaml", "questions/item.py", "questions/lexicon.txt",
                     "tui/experiments/contract.py", "tui/experiments/c/declaration.py",
                     "tui/experiments/shared/knobs.py", "tui/judge/catalogue.py", "tui/proof/cards.py", "tui/bank.py",
                     "cards/card.json")
    }  # fmt: skip
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    monkeypatch.setattr(shipping, "__file__", str(tmp_path / "tui" / "bank.py"))
    monkeypatch.setattr(shipping, "card_files", lambda: [tmp_path / "cards" / "card.json"])
    seen = {shipping._digest()}
    for file in files.values():
        file.write_text("y")
        seen.add(shipping._digest())
    assert len(seen) == len(files) + 1
    same = shipping._digest()
    (tmp_path / "questions" / "item.pyc").write_text("")
    elsewhere = tmp_path.with_name(f"{tmp_path.name}-moved")
    tmp_path.rename(elsewhere)
    monkeypatch.setattr(shipping, "__file__", str(elsewhere / "tui" / "bank.py"))
    monkeypatch.setattr(shipping, "card_files", lambda: [elsewhere / "cards" / "card.json"])
    assert shipping._digest() == same
    (elsewhere / "questions" / "new.yaml").write_text("")
    assert shipping._digest() not in seen


def test_nothing_is_kept_of_a_faulty_bank_of_files_in_change_or_where_it_cannot_be(
    tmp_path: Path, read: list[Bank], shipped: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_bank((), tmp_path / "none") == shipped and not (tmp_path / "none").exists()
    changing = iter("abcdef")
    with monkeypatch.context() as patch:
        patch.setattr(shipping, "_digest", lambda: next(changing))  # saved while they were read
        load_bank((), tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / KEPT).mkdir()  # so that no file can be put in its place
    assert load_bank((), tmp_path) == shipped
    assert [file.name for file in tmp_path.iterdir()] == [KEPT]
    (tmp_path / KEPT).rmdir()
    faulty = replace(shipped, problems=(Problem("questions/a.yaml", 1, 1, "", "not-yaml", "", {}),))
    monkeypatch.setattr("questions.loader.load_shipped", lambda catalogue: faulty)
    assert load_bank((), tmp_path) == faulty and shipping.keep_shipped(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_of_a_kept_question_the_rest_is_read_when_it_is_asked_for(shipped: Bank) -> None:
    again = from_json(to_json(shipped))
    for item, whole in zip((*again.questions, *again.tasks), (*shipped.questions, *shipped.tasks), strict=True):
        head = vars(item)
        assert "follow_ups" not in head and (item.id, item.topic, item.sees) == (whole.id, whole.topic, whole.sees)
        assert item.question == whole.question and places(Bank((item,))) == places(Bank((whole,)))
        assert "follow_ups" not in head
        sent = pickle.dumps(item)  # it alone, and not all that it was read from
        assert pickle.loads(sent) == whole == replace(item, level=whole.level) and len(sent) < 100_000
        assert "follow_ups" in head
    assert again["sqrt-dk"].predict == shipped["sqrt-dk"].predict is not None


def test_own_questions_are_kept_with_the_shipped_ones_until_a_file_of_them_changes(
    tmp_path: Path, read: list[Bank], shipped: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, own = tmp_path / "data", tmp_path / "own"
    data.mkdir()
    own.mkdir()
    text = OWN % ("scaling", "d_k", "64")
    (own / "a.yaml").write_text(text, encoding="utf-8")
    told: list[tuple[float, str]] = []
    bank = load_bank([own], data, lambda share, where: told.append((share, where)))
    assert (
        [each for each in told if each[1] != str(own)] == [(0.0, str(own / "a.yaml"))]
        and len(read) == 1
        and bank["my-own"].settings == {"d_k": 64}
    )
    with monkeypatch.context() as patch:
        patch.setattr("questions.loader.load", None)  # it would be called in vain
        assert load_bank([own], data) == bank and places(load_bank([own], data)) == places(bank)
    for change in (
        lambda: (own / "a.yaml").write_text(text.replace("Mine?", "Yours?"), encoding="utf-8"),
        lambda: (own / "b.yml").write_text(text.replace("my-own", "other"), encoding="utf-8"),
        lambda: (own / "a.yaml").unlink(),
    ):
        change()
        assert load_bank([own], data) == load_bank([own]) != bank
    (own / "c.yaml").write_text("- id: faulty\n", encoding="utf-8")
    (data / KEPT_OWN).unlink()
    assert load_bank([own], data).problems and not (data / KEPT_OWN).exists()


def test_folders_are_named_as_they_are_searched_also_where_no_question_is_found(tmp_path: Path) -> None:
    own, data = tmp_path / "own", tmp_path / "data"
    for name in ("a/b", "c", ".hidden/d"):
        (own / name).mkdir(parents=True)
    data.mkdir()
    told: list[tuple[float, str]] = []
    with pytest.raises(UsageError):
        load_bank([own], data, lambda share, where: told.append((share, where)))
    assert set(told) == {(0.0, str(folder)) for folder in (own, own / "a", own / "a" / "b", own / "c")}
    searched = len(told)
    OwnFiles([own], Bank(()), lambda share, where: told.append((share, where)))
    assert len(told) == searched + 4


def test_of_every_check_something_would_change_what_its_question_runs() -> None:
    told = known_experiments()
    assert told.breaks is not None
    for name, experiment in catalogue().items():
        for check in experiment.checks:
            assert told.breaks(name, check.name, {}), (name, check.name)


def test_a_check_whose_break_is_set_already_has_none() -> None:
    told = known_experiments()
    assert told.breaks is not None and told.numbers is not None
    hidden = {"plain_growth": 3}
    assert told.breaks("influence", "convolution-reach", {**hidden, "depth": 3}) == "depth=2"
    assert told.breaks("influence", "convolution-reach", {**hidden, "depth": 2}) is None
    assert told.numbers("scaling", {"d_k": 64})[0] == 64
