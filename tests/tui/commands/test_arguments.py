"""The command line: global options on either side, and everything that is refused names the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from questions.bilingual import Language
from tui.commands.arguments import COMMANDS, Request, parse
from tui.language.usage import UsageError
from tui.language.words import say_error

HERE = ["--data-dir", "/nonexistent"]


def _refusal(*arguments: str, language: Language = "en") -> str:
    with pytest.raises(UsageError) as refused:
        parse([*HERE, *arguments])
    return say_error(refused.value, language)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--lang", "zh", "--seed", "7", "--plain", "--questions", "a.yaml", "list", "--json", "--questions", "b"],
        ["list", "--json", "--lang=zh", "--seed=7", "--plain", "--questions", "a.yaml", "--questions=b"],
        ["--questions", "a.yaml", "list", "--plain", "--lang", "ZH", "--json", "--questions", "b", "--seed", "7"],
        ["--json", "--questions=a.yaml", "--plain", "list", "--seed", "7", "--questions", "b", "--lang", "zh"],
    ],
)
def test_global_options_stand_before_or_after_the_subcommand(arguments: list[str]) -> None:
    request = parse([*HERE, *arguments])
    assert (request.command, request.options.json) == ("list", True)
    context = request.context
    assert (context.language, context.seed, context.plain) == ("zh", 7, True)
    assert context.questions == (Path("a.yaml"), Path("b"))
    assert context.data_dir == Path("/nonexistent")
    assert context.language_given


def test_a_value_that_looks_like_a_subcommand_is_a_value() -> None:
    request = parse([*HERE, "--questions", "list", "show", "export"])
    assert (request.command, request.options.id) == ("show", "export")
    assert request.context.questions == (Path("list"),)


def test_without_a_subcommand() -> None:
    request = parse([*HERE, "--backend", "numpy"])
    assert (request.command, request.context.backend) == (None, "numpy")
    assert parse(HERE).context.backend is None


def test_positionals_and_options_in_any_order() -> None:
    request = parse([*HERE, "check", "a.yaml", "--run", "b", "--falsify", "c", "--json"])
    assert request.options.paths == ["a.yaml", "b", "c"]
    assert (request.options.run, request.options.falsify, request.options.json) == (True, True, True)
    request = parse([*HERE, "lab", "--set", "d_k=-3", "scaling", "--set", "seed=1"])
    assert (request.options.name, request.options.set) == ("scaling", ["d_k=-3", "seed=1"])


def test_a_negative_seed_is_a_seed() -> None:
    assert parse([*HERE, "--seed", "-5"]).context.seed == -5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_subcommand_has_help_in_both_languages(command: str) -> None:
    from tui.language.words import words

    for language in ("zh", "en"):
        text = words(f"help.{command}", language)  # type: ignore[arg-type]
        assert text.count(f"tformer-quiz {command}") >= 2  # the usage and an example
    assert parse([*HERE, command, "--help"]).help
    assert parse([*HERE, "-h", command]).command == command


def test_help_is_shown_even_where_something_else_is_wrong() -> None:
    request: Request = parse([*HERE, "list", "--help", "--nonsense"])
    assert request.help


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"),
    [
        (["lst"], "there is no subcommand lst (did you mean list?)", "没有 lst 这个子命令（是不是 list？）"),
        (["list", "--jsn"], "tformer-quiz list has no option --jsn (did you mean --json?)", "是不是 --json？"),
        (["list", "--lang", "fr"], "--lang takes one of zh, en; got fr", "--lang 只能是 zh、en 之一，给的却是 fr"),
        (["--backend", "mxl", "list"], "got mxl (did you mean mlx?)", "是不是 mlx？"),
        (["list", "--backend"], "--backend needs a value: --backend auto|mlx|numpy", "后面要跟一个值"),
        (["lab", "x", "--set"], "--set needs a value: --set KNOB=VALUE", "--set 后面要跟一个值"),
        (["list", "--json=3"], "--json takes no value", "--json 后面不带值"),
        (["list", "--plain=3"], "--plain takes no value", "--plain 后面不带值"),
        (["list", "--seed", "x"], "--seed takes a whole number; got x", "--seed 要一个整数"),
        (["list", "a"], "tformer-quiz list cannot take a: tformer-quiz list [--topic T]", "用不上 a"),
        (["show", "a", "b"], "tformer-quiz show cannot take b", "用不上 b"),
        (["--nonsense"], "tformer-quiz has no option --nonsense", "没有 --nonsense 这个选项"),
        (["--language", "zh"], "has no option --language (did you mean --lang?)", "没有 --language 这个选项"),
        (["--json", "lst"], "there is no subcommand lst", "没有 lst 这个子命令"),
    ],
)
def test_what_is_refused_is_said_in_both_languages(arguments: list[str], english: str, chinese: str) -> None:
    assert english in _refusal(*arguments)
    assert chinese in _refusal(*arguments, language="zh")


def test_a_home_that_is_not_there_is_refused() -> None:
    for option in ("--data-dir", "--questions"):
        with pytest.raises(UsageError, match="there is no user no-such-user"):
            parse([option, "~no-such-user/d", "list", "--lang", "en"])


def test_two_dashes_are_passed_over() -> None:
    assert parse([*HERE, "--", "list"]).command == "list"
    assert parse([*HERE, "show", "--", "sqrt-dk"]).options.id == "sqrt-dk"


def test_no_abbreviation_is_guessed() -> None:
    """An abbreviation that works today breaks when an option is added."""
    assert "did you mean --plain?" in _refusal("list", "--pla")
