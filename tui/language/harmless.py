"""The one place through which text leaves the program: what would act on a terminal, or hide or turn round what is
read, is written out, whoever wrote it.

Questions, knobs, ids, file names, arguments, figures and answers may all come from a stranger. The streams, the files
that are written and the screen call this on everything; words call it on what is put into them, so that nothing in a
name can end the line that it stands in and go on as a message of the program's.
"""

from __future__ import annotations

import re

# Controls but for tab and line end (a carriage return too, where it ends a line), C1 codes, marks and overrides of
# direction, separators that some take for a line end, byte-order marks, annotations, no characters, halves of pairs,
# tags (a sentence in them is there, for whatever reads the text, and is not seen).
_ACTS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
)
_ACTING = re.compile(f"[{_ACTS}]|\r(?!\n)")
ACTING_OR_PARTING = re.compile(f"[{_ACTS}\t\n\r]")
_FORMULA = re.compile(r"((?:^|[;\t\r\n])[^\S;\t\r\n]*)(?=[=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊﬩][^\n])")
_TAG_OR_PICTURE = re.compile(r"(?<!\\)(<(?=[A-Za-z/!?])(?!https?://)|(?<=!)\[)")
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def harmless(text: str) -> str:
    """``text`` in its lines, with what would act written out: an escape is ``\\x1b``, an override ``\\u202e``."""
    return _ACTING.sub(_written, text)


def in_a_line(text: str) -> str:
    """The same for what stands within a line: tabs and line ends are written out too."""
    return ACTING_OR_PARTING.sub(_written, text)


def harmless_json(text: str) -> str:
    """A JSON document in which the same stands as ``\\u001b``: it reads back exactly as it was.

    JSON escapes the first 32 itself; the others only stand within its strings, where an escape reads as the same.
    """
    return _ACTING.sub(_as_json, text)


def without_acting(text: str) -> str:
    """``text`` without them: the last guard, where there is no more room to write them out. None takes a cell."""
    return ACTING_OR_PARTING.sub("", text)


def as_cell(text: str) -> str:
    """``text`` as a cell of a table that a spreadsheet shows and does not compute: a quote mark before what begins as
    a formula does. Full-width signs count, and what stands after a semicolon, a tab or a line end: where numbers have
    a decimal comma, a spreadsheet begins a cell there.
    """
    return _FORMULA.sub(r"\1'", text)


def as_written(markdown: str) -> str:
    """Markdown in which tags and pictures stand as they were written: a viewer would act on them, or fetch them."""
    return _TAG_OR_PICTURE.sub(r"\\\1", markdown)


def _as_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()  # beyond U+FFFF a pair
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _written(found: re.Match[str]) -> str:
    character = found[0]
    return _NAMED.get(character) or ascii(character)[1:-1]
