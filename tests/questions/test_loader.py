"""Files to a bank: every problem is found, named with its place and its cure, and hides no other."""

from __future__ import annotations

import errno
import importlib.resources
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from questions.brief import spoken_length
from questions.catalogue import Catalogue
from questions.errors import Problem, UnknownQuestionError
from questions.item import as_data, read_item
from questions.loader import Bank, load
from questions.model import KnobValue, See
from questions.nodes import compose_items
from questions.reading import Reading, line_starts

GOOD = """\
- id: mine
  topic: 我的
  level: 2
  question: {zh: 为什么？}
  answer: {en: Because.}
  key_points:
    - {zh: 方差, match: [方差, [std, sqrt]]}
"""


@dataclass(frozen=True)
class ToyExperiment:
    """What the program tells of one experiment."""

    name: str = "scaling"
    knob_names: tuple[str, ...] = ("d_k", "scale", "causal", "sentence")
    check_names: tuple[str, ...] = ("saturated-rows", "variance-grows")

    def refuse(self, settings: Mapping[str, KnobValue]) -> str | None:
        for name, value in settings.items():
            wanted = {"d_k": int, "scale": str, "causal": bool, "sentence": str}[name]
            if type(value) is not wanted:
                return f"knob {name!r} takes a {wanted.__name__}; got {value!r}"
        return None


CATALOGUE = Catalogue({"scaling": ToyExperiment()})


def read(tmp_path: Path, text: str | bytes, catalogue: Catalogue | None = CATALOGUE, **more: Bank) -> Bank:
    file = tmp_path / "mine.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load([file], catalogue, **more)


def only(bank: Bank) -> Problem:
    assert len(bank.problems) == 1, [str(problem) for problem in bank.problems]
    return bank.problems[0]


def test_a_user_s_file_may_have_one_language_and_little_else(tmp_path):
    bank = read(tmp_path, GOOD)
    assert bank.problems == ()
    question = bank["mine"]
    assert question.question.say("en") == "为什么？" and question.question.missing("en")
    assert question.key_points[0].match == ("方差", ("std", "sqrt"))
    assert (question.line, question.shipped, question.experiment) == (1, False, None)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark(tmp_path, mark):
    assert read(tmp_path, mark + GOOD.encode())["mine"].level == 2


def test_words_that_yaml_would_take_for_something_else(tmp_path):
    text = GOOD.replace("为什么？", "12:30").replace("Because.", "no").replace("[方差,", "[on, 2026-11-23, 1e3,")
    question = read(tmp_path, text)["mine"]
    assert (question.question.zh, question.answer.en) == ("12:30", "no")
    assert question.key_points[0].match[:3] == ("on", "2026-11-23", "1e3")


# what is changed in GOOD, and the problem's code, line, column, key and a word of its message
BAD = [
    ("topic: 我的", "topik: 我的", "unknown-key", 2, 3, "mine: topik", "did you mean 'topic'?"),
    ("  level: 2\n", "", "missing-key", 1, 3, "mine", "needs the key 'level'"),
    ("level: 2", "level: 4", "not-a-whole-number", 3, 10, "mine: level", "from 1 to 3"),
    ("level: 2", "level: '2'", "not-a-whole-number", 3, 10, "mine: level", "'2'"),
    ("level: 2", "level: 2.0", "not-a-whole-number", 3, 10, "mine: level", "'2.0'"),
    ("id: mine", "id: Mine", "malformed", 1, 7, "Mine: id", "small letters"),
    ("id: mine", "id: " + "a" * 65, "malformed", 1, 7, "a" * 64 + ": id", "at most 64"),
    ("{zh: 为什么？}", "{}", "missing-language", 4, 13, "mine: question", "'zh', 'en' or both"),
    ("{zh: 为什么？}", "为什么？", "not-a-map", 4, 13, "mine: question", "zh, en"),
    ("{zh: 为什么？}", "{zh: 为什么？, fr: pourquoi}", "unknown-key", 4, 24, "mine: question.fr", "there is: zh, en"),
    ("zh: 为什么？", "zh: null", "empty", 4, 18, "mine: question.zh", "leave the key out"),
    ("zh: 为什么？", "zh: ''", "empty", 4, 18, "mine: question.zh", "missing"),
    ("zh: 为什么？", "zh: [a]", "not-a-text", 4, 18, "mine: question.zh", "not a list"),
    ("Because.", '"a\\eb"', "control-character", 5, 16, "mine: answer.en", "U+001B"),
    ("Because.", "because 61 % of", "bare-number", 5, 24, "mine: answer.en", "[61 %](check:NAME)"),
    ("Because.", "'[61 %](chek:a)'", "link-unknown", 5, 17, "mine: answer.en", "did you mean 'check'?"),
    ("Because.", "'[most](source:1)'", "not-a-number", 5, 17, "mine: answer.en", "61 ± 5 %"),
    ("Because.", "'x [28.4](source:1)'", "unknown-source", 5, 19, "mine: answer.en", "from 1 to 0"),
    ("Because.", "'[61 %](check:a)'", "check-without-experiment", 5, 17, "mine: answer.en", "experiment"),
    ("Because.", "'[61 %](card:model)'", "unknown-card", 5, 17, "mine: answer.en", "MODEL/ENTRY"),
    ("match: [方差, [std, sqrt]]", "mach: [方差]", "unknown-key", 7, 16, "mine: key_points[0].mach", "'match'"),
    ("[方差, [std, sqrt]]", "方差", "not-a-list", 7, 23, "mine: key_points[0].match", "'- '"),
    ("[方差, [std, sqrt]]", "[]", "count", 7, 23, "mine: key_points[0].match", "1 to 100"),
    ("[方差, [std, sqrt]]", "[方差, '…']", "phrase-empty", 7, 28, "mine: key_points[0].match[1]", "saturat*"),
    ("[方差, [std, sqrt]]", "[[std, [a]]]", "not-a-text", 7, 30, "mine: key_points[0].match[0][1]", "a phrase"),
]


@pytest.mark.parametrize(("old", "new", "code", "line", "column", "key", "message"), BAD)
def test_what_is_wrong_is_named_with_its_place_and_its_cure(tmp_path, old, new, code, line, column, key, message):
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    bank = read(tmp_path, text + GOOD.replace("id: mine", "id: other"))
    problems = [problem for problem in bank.problems if problem.key != "mine" or code == "missing-key"]
    found = [problem for problem in problems if problem.code == code]
    assert len(found) == 1, [str(problem) for problem in bank.problems]
    problem = found[0]
    assert (problem.line, problem.column, problem.key) == (line, column, key)
    assert message in problem.message
    assert str(problem).startswith(f"{tmp_path / 'mine.yaml'}:{line}:{column}: {key}: ")
    assert [question.id for question in bank.questions] == ["other"]  # the bad one hides no other


def test_all_problems_of_all_items_are_found_at_once(tmp_path):
    text = GOOD.replace("level: 2", "level: 9").replace("为什么？", "要 61 %") + GOOD.replace("topic: 我的", "")
    found = [(problem.code, problem.line) for problem in read(tmp_path, text).problems]
    assert found == [("not-a-whole-number", 3), ("bare-number", 4), ("missing-key", 8), ("duplicate-id", 8)]


EXPERIMENT = GOOD + "  experiment: {run: scaling, with: {d_k: 512}}\n"


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "message"),
    [
        ("run: scaling", "run: scalin", "unknown-experiment", (8, 21), "did you mean 'scaling'?"),
        ("d_k: 512", "dk: 512", "unknown-knob", (8, 37), "did you mean 'd_k'?"),
        ("d_k: 512", "d_k: many", "knob-refused", (8, 42), "takes a int; got 'many'"),
        ("d_k: 512", "d_k: [1]", "knob-refused", (8, 42), "one value"),
        ("Because.", "'[61 %](check:saturated-row)'", "unknown-check", (5, 17), "did you mean 'saturated-rows'?"),
        ("{zh: 方差,", "{zh: 方差, check: varianc-grows,", "unknown-check", (7, 23), "did you mean 'variance-grows'?"),
    ],
)
def test_what_the_program_does_not_have_is_refused(tmp_path, old, new, code, place, message):
    assert EXPERIMENT.count(old) == 1
    problem = only(read(tmp_path, EXPERIMENT.replace(old, new)))
    assert (problem.code, (problem.line, problem.column)) == (code, place)
    assert message in problem.message
    assert only_codes(read(tmp_path, EXPERIMENT.replace(old, new), catalogue=None)) <= {code} & {"knob-refused"}


def only_codes(bank: Bank) -> set[str]:
    return {problem.code for problem in bank.problems}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("d_k: 512", 512),
        ("d_k: 1_024", 1024),
        ("scale: none", "none"),
        ("scale: 1", "1"),  # a text where no number will do
        ("causal: true", True),
        ("sentence: no", "no"),
        ("sentence: 2026-11-23", "2026-11-23"),
        ("sentence: true", "true"),
        ("sentence: '12'", "12"),
    ],
)
def test_a_knob_s_value_is_what_the_experiment_takes(tmp_path, written, value):
    question = read(tmp_path, EXPERIMENT.replace("d_k: 512", written))["mine"]
    assert list(question.settings.values()) == [value]
    assert type(next(iter(question.settings.values()))) is type(value)


PREDICT = EXPERIMENT.replace("512", "64, scale: none") + (
    "  predict: {question: {en: q}, choices: {a: {en: x}, b: {en: y}}, answer: b,"
    " why: {en: 'it is [2](check:variance-grows)'}, with: {d_k: 256}}\n"
)


def test_a_predict_item_runs_at_its_own_knobs_over_the_question_s(tmp_path):
    question = read(tmp_path, PREDICT.replace("Because.", "'[1](check:variance-grows)'"))["mine"]
    assert question.predict_settings == {"d_k": 256, "scale": "none"}
    found = {number.key: (dict(number.settings), number.language) for number in question.numbers()}
    assert found == {
        "answer": ({"d_k": 64, "scale": "none"}, "en"),
        "predict.why": ({"d_k": 256, "scale": "none"}, "en"),
    }
    assert question.checks == ("variance-grows",)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("answer: b", "answer: c", "answer-not-a-choice"),
        ("answer: b", "answer: e", "malformed"),
        ("b: {en: y}", "c: {en: y}", "keys"),
        (", b: {en: y}", "", "keys"),
        ("b: {en: y}", "b: {en: y}, e: {en: z}", "keys"),
    ],
)
def test_choices_go_from_a_to_d_and_hold_the_answer(tmp_path, old, new, code):
    assert code in only_codes(read(tmp_path, PREDICT.replace(old, new)))


def test_an_id_stands_once_in_all_files(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(GOOD)
    problem = only(load([tmp_path]))
    assert (problem.code, problem.file) == ("duplicate-id", str(tmp_path / "b.yml"))
    assert problem.fields["first"] == f"{tmp_path / 'a.yaml'}:1"
    shipped = load([tmp_path / "a.yaml"])
    assert only(load([tmp_path / "b.yml"], None, shipped)).code == "duplicate-id"


def test_a_file_named_twice_is_read_once(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    bank = load([tmp_path, tmp_path / "a.yaml", tmp_path / "." / "a.yaml"])
    assert (len(bank.questions), bank.problems) == (1, ())


def test_a_folder_is_searched_below_and_hidden_ones_are_not(tmp_path):
    for name in ("b/x.yml", "a/y.YAML", ".hidden/z.yaml", "c/.w.yaml", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(GOOD.replace("mine", Path(name).stem.strip(".")))
    bank = load([tmp_path])
    assert [question.id for question in bank.questions] == ["y", "x"] and bank.problems == ()


def test_paths_that_cannot_be_read_are_problems_with_a_cure(tmp_path):
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")  # opening it would wait for ever
    problems = load([tmp_path / "none.yaml", tmp_path / "empty", tmp_path / "pipe.yaml"]).problems
    assert [problem.code for problem in problems] == ["no-such-file", "no-files", "not-a-file"]
    assert "name a folder of question files" in problems[1].message
    assert str(problems[0]) == f"{tmp_path / 'none.yaml'}: there is no such file or folder"


def test_a_disk_that_fails_while_a_file_is_read(tmp_path, monkeypatch):
    """What the system says of a read names no file, as it does of an opening."""

    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "mine.yaml").write_text(GOOD)
    monkeypatch.setattr(Path, "open", lambda path, mode: Failing())
    (problem,) = load([tmp_path / "mine.yaml"]).problems
    assert (problem.code, problem.file) == ("unreadable", str(tmp_path / "mine.yaml"))


def test_a_follow_up_elsewhere_must_be_somewhere(tmp_path):
    text = GOOD + "  follow_ups: [{see: other}]\n"
    problem = only(read(tmp_path, text))
    assert (problem.code, problem.line, problem.key) == ("unknown-question", 8, "mine: follow_ups[0].see")
    bank = read(tmp_path, text + GOOD.replace("mine", "other"))
    assert bank.problems == () and bank["mine"].follow_ups == (See("other"),)
    assert read(tmp_path, text, shipped=Bank(bank.questions[1:])).problems == ()


def test_a_card_is_refused_by_who_has_the_cards(tmp_path):
    catalogue = Catalogue({}, lambda entry: None if entry == "m/top1" else f"no card entry {entry!r}")
    assert read(tmp_path, GOOD.replace("Because.", "'[61 %](card:m/top1)'"), catalogue).problems == ()
    problem = only(read(tmp_path, GOOD.replace("Because.", "'[61 %](card:m/top2)'"), catalogue))
    assert (problem.code, problem.message) == ("unknown-card", "no card entry 'm/top2'")


def test_the_shipped_bank_is_held_to_more():
    problems: list[Problem] = []
    reading = Reading("f", GOOD, line_starts(GOOD), True, CATALOGUE, problems.append)
    assert read_item(compose_items(GOOD, lambda *_, **__: None)[0], reading) is None
    missing = sorted(problem.fields["name"] for problem in problems if problem.code == "missing-key")
    assert missing == ["en", "en", "experiment", "follow_ups", "id", "predict", "sources", "zh"]
    assert {"count", "unknown-topic"} <= {problem.code for problem in problems}


def test_the_guide_s_example_is_a_question(tmp_path):
    guide = importlib.resources.files("questions").joinpath("README.md").read_text(encoding="utf-8")
    example = guide.split("```yaml\n")[1].split("```")[0]
    bank = read(tmp_path, example)
    assert bank.problems == () and bank["my-first-question"].key_points[0].match == ("方差", "variance")


BRIEF = GOOD.replace("  answer:", "  brief: {zh: 短, en: Short.}\n  answer:")


@pytest.mark.parametrize(
    ("old", "new", "code", "column", "count", "limit"),
    [
        ("zh: 短", "zh: " + "短" * 221, "brief-too-long", 15, 221, 220),
        ("en: Short.", "en: " + "a " * 130 + "b", "brief-too-long", 22, 131, 130),
        ("en: Short.", "en: '" + "[1](source:1) " * 4 + "'", "brief-numbers", 22, 4, 3),
    ],
)
def test_a_brief_is_said_in_a_minute(tmp_path, old, new, code, column, count, limit):
    sourced = BRIEF + "  sources: [{title: a paper}]\n"
    bank = read(tmp_path, sourced)
    assert bank.problems == () and (bank["mine"].brief.zh, bank["mine"].brief.en) == ("短", "Short.")
    assert [key for key, _ in bank["mine"].texts()][:3] == ["question", "brief", "answer"]
    problem = only(read(tmp_path, sourced.replace(old, new)))
    assert (problem.code, problem.line, problem.column) == (code, 5, column)
    assert (problem.fields["count"], problem.fields["limit"]) == (count, limit)
    assert str(count) in problem.message and str(limit) in problem.message


@pytest.mark.parametrize("brief", ["zh: " + "短" * 220 + " and any words", "en: " + "a " * 130 + "`x y z`", "en: 短"])
def test_a_brief_at_the_limit(tmp_path, brief):
    assert read(tmp_path, BRIEF.replace("zh: 短, en: Short.", brief)).problems == ()


@pytest.mark.parametrize(
    ("language", "text", "length"),
    [
        ("zh", "除以 `√d_k`，方差〇变", 6),
        ("zh", "占 [61 %](check:rows) 的[行](https://example.org/行)", 3),
        ("en", "It is [61 %](check:rows) of `q · k`, or [the rows](https://a.b/c)", 9),
        ("en", "", 0),
        ("en", "a\n\n```\ncode block\n```\nb", 2),
    ],
)
def test_what_is_counted_is_what_is_said(language, text, length):
    assert spoken_length(text, language) == length


POINTS = GOOD.replace("{zh: 方差", "{id: variance, zh: 方差") + (
    "    - {id: root, en: root, match: [root]}\n"
    "  follow_ups:\n"
    "    - {when: good, question: {en: q}, answer: {en: a}, key_points: [{id: deeper, en: p, match: [p]}]}\n"
    "    - {when: thin, see: mine}\n"
)


def test_key_points_and_follow_ups_say_what_they_are(tmp_path):
    question = read(tmp_path, POINTS)["mine"]
    assert [point.id for point in question.key_points] == ["variance", "root"]
    assert [follow_up.when for follow_up in question.follow_ups] == ["good", "thin"]
    assert as_data(question)["follow_ups"][1] == {"when": "thin", "see": "mine"}


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "key", "message"),
    [
        ("id: root", "id: variance", "duplicate-point-id", 8, "key_points[1].id", "first in line 7"),
        ("id: deeper", "id: root", "duplicate-point-id", 10, "follow_ups[0].key_points[0].id", "first in line 8"),
        ("id: root", "id: The Root", "malformed", 8, "key_points[1].id", "small letters"),
        ("when: thin", "when: thinn", "not-a-choice", 11, "follow_ups[1].when", "did you mean 'thin'?"),
        ("when: good", "when: [good]", "not-a-choice", 10, "follow_ups[0].when", "good or thin"),
    ],
)
def test_what_is_wrong_with_ids_and_when(tmp_path, old, new, code, line, key, message):
    problem = only(read(tmp_path, POINTS.replace(old, new)))
    assert (problem.code, problem.line, problem.key) == (code, line, f"mine: {key}")
    assert message in problem.message


def test_an_unknown_id_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UnknownQuestionError, match="did you mean 'mine'") as raised:
        read(tmp_path, GOOD)["mne"]
    assert raised.value.code == "unknown-question"


def test_many_problems_are_cut_off(tmp_path):
    problems = read(tmp_path, "- x\n" * 3000).problems
    assert len(problems) == 1001 and problems[-1].code == "too-many-problems"


def test_a_long_key_costs_no_time(tmp_path):
    problem = only(read(tmp_path, GOOD + "  " + "x" * 900 + ": 1\n"))
    assert problem.code == "unknown-key" and len(problem.message) < 400


def test_data_written_and_read_again_is_the_question(tmp_path):
    question = read(tmp_path, PREDICT + "  follow_ups: [{see: mine}]\n  source: [p1-q6]\n")["mine"]
    data = as_data(question)
    assert data["source"] == "p1-q6" and data["experiment"] == {"run": "scaling", "with": {"d_k": 64, "scale": "none"}}
    assert read(tmp_path, json.dumps([data], ensure_ascii=False)).questions == (question,)
