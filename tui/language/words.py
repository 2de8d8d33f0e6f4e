"""The program's words in the chosen language, and which language that is.

Words are asked for by key, ``words("quiz.due", language, count=3)``: what stands before the first point is the module
of ``tui.language.messages`` that has them in its ``TABLE``, loaded when first asked. Errors of ``mlxformer``,
``questions``, ``tui.progress`` and the knobs come as English with a code and fields; ``say_error`` says them in
either language.
"""

from __future__ import annotations

import errno
import importlib
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from questions.bilingual import LANGUAGES, Bilingual, Language
from questions.errors import Problem, nearest
from tui.language.harmless import harmless, in_a_line

LONGEST = 1000  # characters of what a message names: a name of a stranger's may be as long as a file
# Where the words of an error stand, by the package that raised it: two packages may use one code.
_TABLES_OF = {"mlxformer": ("library_errors",), "questions": ("errors", "bank_errors")}


def words(key: str, language: Language, /, **fields: Any) -> str:
    """The words under ``key``, with ``fields`` in their places. A key or field that is not there is a ``KeyError``."""
    module, _, name = key.partition(".")
    return table(module)[name].say(language).format(**_spoken(fields, language))


@cache
def table(module: str) -> Mapping[str, Bilingual]:
    """The words of ``tui.language.messages.<module>`` by name."""
    found: Mapping[str, Bilingual] = importlib.import_module(f"tui.language.messages.{module}").TABLE
    return found


def say_error(error: BaseException, language: Language) -> str:
    """What ``error`` says, in ``language``: by its code and fields, else its own English message."""
    if isinstance(error, OSError) and not hasattr(error, "code"):
        return say_os_error(error, language)
    if isinstance(error, UnicodeDecodeError):
        return words(
            "system_errors.not-utf-8", language, place=error.start + 1, byte=f"0x{error.object[error.start]:02x}"
        )
    if isinstance(name := getattr(error, "sqlite_errorname", None), str):  # SQLITE_IOERR_WRITE is of SQLITE_IOERR
        said = table("system_errors").get("_".join(name.split("_")[:2]))
        return str(error) if said is None else said.say(language)
    tables = _TABLES_OF.get(type(error).__module__.partition(".")[0], ("errors",))
    return say_code(getattr(error, "code", None), getattr(error, "fields", {}), str(error), language, tables)


def say_code(
    code: str | None,
    fields: Mapping[str, Any],
    english: str,
    language: Language,
    tables: Sequence[str] = ("errors",),
) -> str:
    """The words of an error or a problem; ``english``, its own message, where the code has no words here."""
    for module in tables:
        text = table(module).get(code or "")
        said = None if text is None else (text.zh if language == "zh" else text.en)
        if said is not None:
            try:
                return said.format(**{"english": english, **_spoken(fields, language)})
            except (KeyError, IndexError, ValueError):  # raised with fewer fields than its words name
                return harmless(english)
    return harmless(english)


def say_place(problem: Problem) -> str:
    """``file:line:column: key: ``, as editors read it."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    return f"{place}: {problem.key}: " if problem.key else f"{place}: "


def say_problem(problem: Problem, language: Language) -> str:
    """What is wrong in a question file, without the place."""
    fields = problem.fields
    if language == "zh" and problem.code == "not-yaml" and "problem" in fields:
        from tui.language.messages.bank_errors import yaml_in_chinese

        fields = {**fields, "problem": yaml_in_chinese(fields["problem"])}
    return say_code(problem.code, fields, problem.message, language, ("bank_errors",))


def say_os_error(error: OSError, language: Language) -> str:
    """What the system refused, without the path."""
    said = table("system_errors").get(errno.errorcode.get(error.errno or 0, ""))
    return said.say(language) if said is not None else (error.strerror or str(error))


def choose_language(option: str | None, remembered: object, environment: Mapping[str, str] = os.environ) -> Language:
    """``--lang``, else the language last chosen, else zh where the locale begins with zh, else en."""
    for wanted in (option, remembered):
        for language in LANGUAGES:
            if wanted == language:
                return language
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):  # POSIX: the first that is set decides
        if locale := environment.get(variable):
            return "zh" if locale.lower().startswith("zh") else "en"
    return "en"


class _Count(int):
    """A number that chooses the words after it: ``{count} {count:question|questions}``."""

    def __format__(self, spec: str) -> str:
        one, bar, more = spec.partition("|")
        return (one if self == 1 else more) if bar else int.__format__(self, spec)


def listing(items: Any, language: Language) -> str:
    """Names one after another, as the language separates them."""
    return ("、" if language == "zh" else ", ").join(_name(item) for item in items)


def _name(value: object) -> str:
    """``value`` as it stands within a line, cut where it would fill the screen."""
    text = str(value)
    return in_a_line(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def _spoken(fields: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """The fields as they are read out: a list with separators, a path as text, a ``Bilingual`` in the language.

    What stands in a field stays in its line: a name cannot end the message and begin another.
    """
    spoken: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, list | tuple | set | frozenset):
            spoken[name] = listing(value, language)
        elif isinstance(value, Bilingual):
            spoken[name] = value.say(language)
        elif isinstance(value, Problem):
            spoken[name] = say_problem(value, language)
        elif isinstance(value, OSError):
            spoken[name] = say_os_error(value, language)
        elif isinstance(value, BaseException):
            spoken[name] = say_error(value, language)
        elif type(value) is int:
            spoken[name] = _Count(value)
        else:
            spoken[name] = _name(value) if isinstance(value, str | Path) else value
    spoken.setdefault("hint", _hint(fields, language))
    return spoken


def _hint(fields: Mapping[str, Any], language: Language) -> str:
    """What stands after a name that there is not: the one that was probably meant, in brackets."""
    meant = fields.get("nearest")
    if meant is None and "known" in fields:
        given = fields.get("given", fields.get("name"))
        meant = nearest(given, fields["known"]) if isinstance(given, str) else None
    if not meant:
        return ""
    return f"（是不是 {meant}？）" if language == "zh" else f" (did you mean {meant}?)"
