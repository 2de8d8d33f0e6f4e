"""From the command line to a ``Context`` and a subcommand's options.

``argparse`` reads the grammar, but its messages are English: everything it would refuse is refused here instead, by
code, so that it can be said in the chosen language and with the nearest valid name. Global options may stand before
or after the subcommand; so the subcommand is found first, and then one parser has the options of both.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from questions.bilingual import LANGUAGES, Language
from tui.commands import selecting
from tui.commands.context import BACKENDS, Context
from tui.language.usage import UsageError, unknown
from tui.language.words import choose_language
from tui.progress.paths import data_folder, typed_path

COMMANDS = (
    "list", "show", "ask", "interview", "lab", "check", "stats", "export", "import", "restore", "settings", "doctor",
    "mark", "code", "look", "serve",
)  # fmt: skip
_MODULES = {"import": "importing"}  # a word of Python's own is no name of a module
PROGRAM = "tformer-quiz"
_SYNTAX: Mapping[str, str] = {  # the options that take a value, and the right way to write each
    "--lang": "--lang zh|en",
    "--backend": "--backend auto|mlx|numpy",
    "--data-dir": "--data-dir DIR",
    "--questions": "--questions PATH",
    "--seed": "--seed N",
    "--set": "--set KNOB=VALUE",
    "--framework": "--framework numpy|torch|mlx",
    "--save": "--save FILE",
    "--cell": "--cell PATH[i,j,...]",
    "--interview-on": "--interview-on YYYY-MM-DD",
    "--minutes": "--minutes N",
    "--report": "--report FILE",
    "--part": "--part cross|encoder|decoder|self",
    "--layer": "--layer N",
    "--head": "--head N",
    "--token": "--token N",
    "--key": "--key N",
    "--off": "--off L.H",
    "--temperature": "--temperature T",
    "--top-k": "--top-k K",
    "--top-p": "--top-p P",
    "--beams": "--beams K",
    "--length": "--length N",
    "--host": "--host ADDRESS",
    "--port": "--port N",
    **selecting.SYNTAX,
}
COMMAND_SYNTAX: Mapping[str, str] = {
    "list": "list [--topic T] [--level N] [--source S] [--kind open|code] [--flagged] [--search S] [--json]",
    "show": "show ID [--json]",
    "ask": "ask [ID] [--topic T] [--level N] [--source S] [--kind open|code] [--flagged] [--search S]",
    "interview": "interview [--questions N] [--minutes N] [--topic T] [--level N] [--kind open|code] [--report FILE] "
    "[--new | --last]",
    "lab": "lab [NAME] [--set KNOB=VALUE]... [--save FILE [--force]] [--steps | --cell PATH[i,j,...]] [--json]",
    "check": "check [PATH]... [--run [--falsify]] [--json]",
    "stats": "stats [--json]",
    "export": "export FILE [--force]",
    "import": "import FILE [--replace] [--dry-run]",
    "restore": "restore [NAME]",
    "settings": "settings [NAME [VALUE]]",
    "doctor": "doctor [--json]",
    "mark": "mark ID [--json] < FILE",
    "serve": "serve [--host ADDRESS [--allow-network]] [--port N]",
    "code": "code [TASK [FILE]] [--framework F] [--json]",
    "look": "look [MODEL [TEXT [TEXT]]] [--layer N] [--head N] [--off L.H]... [--generate] [--save FILE] [--json]",
}


@dataclass(frozen=True)
class Request:
    """What was asked for: the subcommand (None: the screen), its options, and whether only help was wanted."""

    command: str | None
    context: Context
    options: argparse.Namespace
    help: bool
    version: bool


class _Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that never prints and never exits."""

    def error(self, message: str) -> NoReturn:  # argparse's last resort; none of our grammar leads here
        raise argparse.ArgumentError(None, message)

    def option_names(self) -> list[str]:
        return [name for name in self._option_string_actions if name.startswith("--")]


def early_language(arguments: Sequence[str]) -> Language:
    """The language for whatever goes wrong while the arguments are read: ``--lang`` if it can be found."""
    return _language(_early(arguments, "--lang"), _early(arguments, "--data-dir"))


def parse(arguments: Sequence[str]) -> Request:
    """Read the command line. Raises ``UsageError``."""
    _refuse_empty(arguments)
    command, rest = _find_command(arguments)
    parser = _Parser(prog=PROGRAM, add_help=False, allow_abbrev=False, exit_on_error=False)
    _add_globals(parser)
    if command is not None:
        command_module(command).add_arguments(parser)
    else:
        selecting.add_selection(parser)
    where = f"{PROGRAM} {command}" if command else PROGRAM
    syntax = f"{PROGRAM} {COMMAND_SYNTAX[command]}" if command else f"{PROGRAM} --help"
    try:
        options, extra = parser.parse_known_intermixed_args(rest)
    except argparse.ArgumentError as error:
        raise _option_error(error) from error
    if not (options.help or options.version):
        for given in (argument for argument in extra if argument != "--"):
            if given.startswith("-") and given != "-":
                raise unknown("unknown-option", given.partition("=")[0], parser.option_names(), command=where)
            raise UsageError("too-many-arguments", command=where, given=given, usage=syntax)
    if command == "interview":  # how many questions; a file of questions of that name is written ./6
        options.count = [given for given in options.questions if given.isdecimal()]
        options.questions = [given for given in options.questions if not given.isdecimal()]
    return Request(command, _context(options), options, options.help, options.version)


def command_module(command: str) -> Any:
    """The module of a subcommand: ``add_arguments`` and ``run``."""
    return importlib.import_module(f"tui.commands.{_MODULES.get(command, command)}")


def _refuse_empty(arguments: Sequence[str]) -> None:
    """An argument that is empty was probably a variable that is not set: it must not mean the present folder."""
    for index, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if argument.strip() and not (option in _SYNTAX and equals and not value.strip()):
            continue
        before = arguments[index - 1] if index else ""
        where = option if equals else before if before in _SYNTAX else '""'
        raise UsageError("empty-argument", where=where)


def one_of(option: str, given: str, known: Sequence[str]) -> str:
    """``given`` if it is one of ``known``, in any letter case."""
    if given.lower() not in known:
        raise unknown("not-one-of", given, known, option=option)
    return given.lower()


def need(value: Any, command: str, name: str) -> Any:
    """A positional argument that the subcommand cannot do without."""
    if value is None:
        raise UsageError(
            "argument-missing", command=f"{PROGRAM} {command}", name=name, usage=f"{PROGRAM} {COMMAND_SYNTAX[command]}"
        )
    return value


def _add_globals(parser: argparse.ArgumentParser) -> None:
    for option in ("--lang", "--backend", "--data-dir", "--seed"):
        parser.add_argument(option)
    parser.add_argument("--questions", action="append", default=[])
    parser.add_argument("--interview-on")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("-h", "--help", action="store_true")


def _find_command(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The first argument that is no option and no option's value, and the arguments without it."""
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument.startswith("-") and argument != "-":
            index += 2 if argument in _SYNTAX else 1
            continue
        if argument not in COMMANDS:
            _refuse_unknown_options(arguments[:index])
            raise unknown("unknown-command", argument, COMMANDS)
        return argument, [*arguments[:index], *arguments[index + 1 :]]
    return None, list(arguments)


def _refuse_unknown_options(before: Sequence[str]) -> None:
    """Before a word that is no subcommand: it may be the value of an option that no subcommand has."""
    parser = _Parser(prog=PROGRAM, add_help=False, conflict_handler="resolve")
    _add_globals(parser)
    selecting.add_selection(parser)
    own = parser.option_names()
    for command in COMMANDS:
        command_module(command).add_arguments(parser)
    for given in (argument.partition("=")[0] for argument in before):
        if given.startswith("--") and given != "--" and given not in parser.option_names():
            raise unknown("unknown-option", given, own, command=PROGRAM)


def _option_error(error: argparse.ArgumentError) -> UsageError:
    """A ``UsageError`` for what argparse met: an option without its value, or with one that it does not take."""
    option = (error.argument_name or "").split("/")[-1]
    if option in _SYNTAX:
        return UsageError("option-needs-value", option=option, usage=_SYNTAX[option])
    return UsageError("option-takes-no-value", option=option or error.message)


def _context(options: argparse.Namespace) -> Context:
    language = None if options.lang is None else one_of("--lang", options.lang, LANGUAGES)
    backend: Any = None if options.backend is None else one_of("--backend", options.backend, BACKENDS)
    return Context(
        language=_language(language, options.data_dir),
        data_dir=data_folder(options.data_dir),
        backend=backend,
        questions=tuple(typed_path(path) for path in options.questions),
        seed=None if options.seed is None else _seed(options.seed),
        plain=options.plain,
        language_given=language is not None,
        selection=selecting.read_selection(options),
        interview_on=None if options.interview_on is None else _day(options.interview_on),
    )


def _day(given: str) -> str:
    from tui.progress.preferences import SETTINGS

    try:
        SETTINGS["interview-on"].read(given)
    except ValueError as error:
        raise UsageError("not-a-day", option="--interview-on", given=given) from error
    return given


def _seed(given: str) -> int:
    try:
        return int(given)
    except ValueError as error:
        raise UsageError("seed-not-whole", option="--seed", given=given) from error


def _language(option: str | None, data_dir: str | None) -> Language:
    if option is not None and option.lower() in LANGUAGES:
        return choose_language(option.lower(), None)
    from tui.progress.peeking import peek_setting

    return choose_language(None, peek_setting(data_folder(data_dir), "language"))


def _early(arguments: Sequence[str], option: str) -> str | None:
    """The value of ``option``, as far as it can be told before the arguments have been read."""
    for index, argument in enumerate(arguments):
        if argument == option and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(option + "="):
            return argument.partition("=")[2]
    return None
