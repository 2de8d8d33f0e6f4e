"""Data on stdout, words on stderr: the one way in which subcommands write."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from typing import Any, TextIO

from tui.language.harmless import harmless, harmless_json
from tui.text.layout import wrap

NARROWEST, WIDEST = 40, 100


class OutputError(Exception):
    """Stdout cannot take what is written to it: a full disk, a device that is gone."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(f"cannot write to the output: {reason}")
        self.code, self.fields = "output-fails", {"reason": reason}


def tell(text: str) -> None:
    """Words for the person, on stderr."""
    if sys.stderr is not None:  # None where it was closed before the start; print would then take stdout
        with contextlib.suppress(OSError):  # there is nobody left to tell
            print(harmless(text), file=sys.stderr, flush=True)


def write(text: str = "") -> None:
    """A line of data, on stdout. Raises ``OutputError``; a reader that has gone is a ``BrokenPipeError``."""
    try:
        print(harmless(text))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error) from error


def finish_output() -> None:
    """Write what Python still holds back. Raises as ``write`` does."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error) from error


def prepare_environment() -> None:
    """``NO_COLOR=`` set to nothing is not set (no-color.org), and an input method must go on working.

    Kitty's keyboard protocol, which Textual asks for, loses Chinese input in several terminals; our keys need none.
    """
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]
    os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")


def prepare_streams() -> None:
    """Never fail on a character that the terminal's encoding lacks, typed or written."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")


def width(stream: TextIO | None = None) -> int | None:
    """The width to break lines at; None where the output is no terminal, so that a pipe gets whole lines."""
    stream = stream or sys.stdout
    if stream is None or not stream.isatty():
        return None
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def paragraphs(text: str, columns: int | None, indent: str = "", hang: str | None = None) -> list[str]:
    """``text`` in lines of at most ``columns`` cells; after ``indent`` the first, after ``hang`` the others."""
    following = indent if hang is None else hang
    room = None if columns is None else max(10, columns - max(len(indent), len(following)))
    lines = text.split("\n") if room is None else wrap(text, room)
    return [(following if index else indent) + line for index, line in enumerate(lines)]


def glyph(wanted: str, otherwise: str) -> str:
    """``wanted`` where stdout's encoding has it."""
    try:
        wanted.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return otherwise
    return wanted


def write_json(value: Any, indent: int | None = 2) -> None:
    """``value`` as strict JSON. Characters are escaped where stdout's encoding could not carry them."""
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") in ("utf8", "utf8sig")
    text = json.dumps(strict(value), ensure_ascii=not unicode, allow_nan=False, indent=indent)
    write(harmless_json(text))


def strict(value: Any) -> Any:
    """``value`` without NaN and infinity: they become null, and ``nonfinite`` of the outermost object names them.

    In an array, which has no room for it, they become null only.
    """
    from tui.figures.plain import strict as to_plain

    plain, nonfinite = to_plain(value)
    return {**plain, "nonfinite": nonfinite} if nonfinite and isinstance(plain, dict) else plain
