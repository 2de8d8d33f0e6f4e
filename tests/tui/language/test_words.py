"""Both languages say everything, and an error is said in the language that was chosen."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import tui.language.messages
from mlxformer.errors import ArgumentError
from questions.bilingual import Bilingual, Language
from questions.errors import NumberError, Problem
from questions.nodes import compose_items
from tui.experiments.contract import Knob, KnobError
from tui.language.words import choose_language, say_error, say_problem, table, words

ROOT = Path(__file__).resolve().parents[3]
MODULES = [module.name for module in pkgutil.iter_modules(tui.language.messages.__path__)]
CHINESE_ONLY = ("library_errors", "bank_errors")  # their English is the error's own message


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("module", MODULES)
def test_every_entry_has_both_languages_and_the_same_fields_in_both(module: str) -> None:
    for name, said in table(module).items():
        assert isinstance(said, Bilingual), name
        assert said.zh, f"{module}.{name} has no Chinese"
        if module in CHINESE_ONLY:
            assert said.en is None, f"{module}.{name}: the English stands where the error is raised"
            continue
        assert said.en, f"{module}.{name} has no English"
        # "wanted" is an English phrase that comes with a knob's error; the Chinese is made from its bounds
        english = _fields(said.en) - ({"wanted"} if name.startswith("knob-") else set())
        extra = {"minimum", "maximum", "choices", "max_length"} if name.startswith("knob-") else set()
        assert _fields(said.zh) - extra <= _fields(said.en) and english <= _fields(said.zh) | {"given"}, (
            f"{module}.{name}: {_fields(said.zh)} and {_fields(said.en)}"
        )


@pytest.mark.parametrize("module", [module for module in MODULES if module not in CHINESE_ONLY])
def test_the_chinese_is_chinese_and_the_english_is_not(module: str) -> None:
    han = re.compile("[\u4e00-\u9fff]")
    switch = {"key-language", "switch-language"}  # what changes the language is written in the other one
    for name, said in table(module).items():
        assert said.en is not None
        assert name in switch or not han.search(said.en), f"{module}.{name}: {said.en}"


def _said_keys() -> dict[str, str]:
    """Every literal first argument of ``words(...)`` in the program, and where it stands."""
    found: dict[str, str] = {}
    for path in (ROOT / "tui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "words"):
                continue
            for part in ast.walk(node.args[0]):
                text = part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""
                if re.fullmatch(r"[a-z_]+\.[a-z0-9-]*[a-z0-9]", text):
                    found[text] = f"{path.name}:{node.lineno}"
    return found


def test_every_key_that_is_asked_for_is_there() -> None:
    keys = _said_keys()
    assert len(keys) > 40
    for key, place in keys.items():
        module, _, name = key.partition(".")
        assert module in MODULES and name in table(module), f"{place} asks for {key}"


CODE = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")
FIRST = ("Error", "problem", "report", "report_place", "Fault")  # the code is the first argument of a call so named
LATER = {"_file_problem": 1, "Problem": 4}
JUDGE = "tui/judge"
JUDGED = {"Fault": "", "Wrong": "", "RefusedError": "refused-"}  # the judge says these kinds, after this, by ``code``


@dataclass(frozen=True)
class Raised:
    """A place in the source that makes an error: its code, and the fields that it gives."""

    place: str
    fields: frozenset[str] | None  # None: given as **fields


@cache
def _raised(package: str) -> dict[str, list[Raised]]:
    """Every error code of ``package`` that stands as a literal where an error or a problem is made.

    Of ``tui/judge`` these are the kinds of what is wrong with a person's code; its errors are those of ``tui``.
    """
    found: dict[str, list[Raised]] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            judged = path.is_relative_to(ROOT / JUDGE) and called in JUDGED
            if judged != (package == JUDGE):
                continue
            index = 0 if judged or called.endswith(FIRST) else LATER.get(called)
            if index is None or len(node.args) <= index:
                continue
            fields = (
                None if any(k.arg is None for k in node.keywords) else frozenset(k.arg or "" for k in node.keywords)
            )
            if judged:  # a fault is said with these; what is wrong with a value brings its own
                fields = None if called == "Wrong" else frozenset({"text", "name", "wanted"})
            elif called in ("Problem", "Fault"):
                fields = None
            for code in _literals(node.args[index]):
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.setdefault(JUDGED[called] + code if judged else code, []).append(Raised(place, fields))
    return found


def _literals(argument: ast.expr) -> list[str]:
    """The codes that an argument may be: a literal, or either of two."""
    parts = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return [text for text in texts if CODE.fullmatch(text)]


PACKAGES = [("mlxformer", "library_errors"), ("questions", "bank_errors"), ("tui", "errors"), (JUDGE, "code")]


@pytest.mark.parametrize(("package", "module"), PACKAGES)
def test_every_error_code_can_be_said_in_chinese(package: str, module: str) -> None:
    raised = _raised(package)
    assert len(raised) > 10
    own = {"number-differs", "number-unmeasured", "check-undefined", "card-differs"}  # faults of ``check``: its words
    silent = {code: sites[0].place for code, sites in raised.items() if code not in table(module) and code not in own}
    assert not silent, f"no Chinese in tui/language/messages/{module}.py for: {silent}"


@pytest.mark.parametrize(("package", "module"), PACKAGES)
def test_the_chinese_names_only_fields_that_every_place_gives(package: str, module: str) -> None:
    """Otherwise the person would get the English: right, but not what they chose."""
    for code, sites in _raised(package).items():
        said = table(module).get(code)
        wanted = _fields(said.zh or "") - {"hint", "english"} if said is not None else set()
        for site in sites:
            assert site.fields is None or wanted <= site.fields, f"{site.place}: {code} lacks {wanted - site.fields}"


def test_an_error_of_the_library_is_said_by_its_code_and_fields() -> None:
    error = ArgumentError("not-positive", "dims must be a whole number of at least 1; got 0", name="dims", given=0)
    assert say_error(error, "en") == "dims must be a whole number of at least 1; got 0"
    said = say_error(error, "zh")
    assert "dims" in said and "0" in said and said != str(error)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_error_without_words_or_without_its_fields_says_what_it_says(language: Language) -> None:
    assert say_error(ValueError("plain [/] {braces}"), language) == "plain [/] {braces}"
    assert say_error(ArgumentError("no-such-code", "its own message"), language) == "its own message"
    assert say_error(ArgumentError("not-positive", "its own message"), language) == "its own message"


def test_what_a_person_typed_is_not_taken_for_a_field() -> None:
    assert words("errors.unknown-command", "en", given="{known} {0} %s", known=["list"], nearest=None).startswith(
        "there is no subcommand {known} {0} %s. There is: list"
    )


def test_the_nearest_name_is_offered_in_brackets() -> None:
    knob = Knob("d_k", "d_k", "number", 64, minimum=1, maximum=128)
    with pytest.raises(KnobError) as refused:
        knob.parse(1000)
    assert say_error(refused.value, "zh") == "旋钮 d_k 只能取 1 到 128，给的却是 1000"
    fields = {"experiment": "scaling", "knob": "dk", "nearest": "d_k", "known": ["d_k", "seed"]}
    said = say_error(KnobError("knob-unknown", "…", **fields), "zh")
    assert said == "实验 scaling 没有 dk 这个旋钮（是不是 d_k？）。旋钮有：d_k、seed"


def test_one_code_of_two_packages_is_said_in_the_words_of_each() -> None:
    library = ArgumentError("not-a-number", "dropout must be a number; got 'x'", name="dropout", given="x")
    bank = NumberError("not-a-number", "'x' is not a number", written="x")
    assert say_error(library, "zh").startswith("dropout 要是一个数")
    assert say_error(bank, "zh").startswith("x 不是链接里能写的数")


def test_a_problem_is_said_with_what_is_wrong_only() -> None:
    problem = Problem("mine.yaml", 3, 5, "a: level", "no-such-file", "there is no such file or folder")
    assert say_problem(problem, "en") == "there is no such file or folder"
    assert re.search("[\u4e00-\u9fff]", say_problem(problem, "zh"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- id: [a\n", "[ 没有用 ]"),
        ("- {id: a\n", "{ 没有用 }"),
        ("- id: 'abc\n", "引号没有收住"),
        ("- id: a: b\n", "不该有冒号"),
        ("- id: a\n  question: @x\n", "不能以这个符号开头"),
        ("- id: a\n  question: >x\n", "后面要换行"),
        ("- id: a\n  b: }\n", "缺内容"),
        ('- id: "x" y\n', "引号后面不能再有字"),
        ("- id: a\nb\n", "上一行不是"),
        ("- id: *\n", "以 * 开头"),
        ("- id: &\n", "以 & 开头"),
        ("- !<x y\n", "以 ! 开头"),
        ("%\n", "行首不能是 %"),
        ("- a\n...\nb\n", "“...”之后"),
        ('- "\\q"\n', "这个转义"),
    ],
)
def test_what_is_not_yaml_is_said_without_the_english_of_its_parser(text: str, said: str) -> None:
    found: list[str] = []

    def report(code: str, message: str, line: int, column: int, **fields: object) -> None:
        if code in ("not-yaml", "not-an-escape"):
            found.append(say_problem(Problem("mine.yaml", line, column, "", code, message, fields), "zh"))

    compose_items(text, report)
    chinese = found[0]
    assert said in chinese and not re.search("while|did not|found", chinese)


@pytest.mark.parametrize(
    ("option", "remembered", "environment", "expected"),
    [
        ("en", "zh", {"LANG": "zh_CN.UTF-8"}, "en"),
        (None, "zh", {"LANG": "en_US.UTF-8"}, "zh"),
        (None, None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, None, {"LANG": "zh_TW"}, "zh"),
        (None, None, {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, None, {"LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "C"}, "zh"),
        (None, None, {}, "en"),
        (None, "klingon", {"LANG": "de_DE"}, "en"),
        (None, ["zh"], {}, "en"),
    ],
)
def test_which_language(option: str | None, remembered: object, environment: dict[str, str], expected: str) -> None:
    assert choose_language(option, remembered, environment) == expected


def test_one_is_not_said_in_the_plural() -> None:
    for key, fields, one in (
        ("screens.found", {"count": 1}, "1 question"),
        ("quiz.marked", {"found": 1, "of": 1}, "Your answer: 1 of 1 key point"),
        ("interview.asked", {"asked": 1, "planned": 1, "more": 0}, "answered 1 of 1 question; follow-ups: 0"),
        ("code.failed", {"failed": 1, "passed": 1}, "not passed: 1 case fails, 1 passes"),
        ("look.tokens", {"count": 1, "tokens": "a"}, "1 token: a"),
    ):
        assert words(key, "en", **fields) == one
    assert words("screens.found", "en", count=0) == "0 questions" and words("screens.found", "zh", count=1) == "1 题"
    assert words("code.failed", "en", failed=2, passed=3) == "not passed: 2 cases fail, 3 pass"


def test_the_tables_are_found_by_the_name_of_their_module() -> None:
    for module in MODULES:
        assert table(module) is importlib.import_module(f"tui.language.messages.{module}").TABLE
