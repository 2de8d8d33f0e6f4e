"""The four regular forms, and a poem as text and as lines.

A poem is written as it is printed today: a comma after each odd line, a full stop after each even one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COMMA, STOP = "，", "。"
_MARKS = re.compile("[，。？！；：、]")


@dataclass(frozen=True)
class Form:
    """A regular form.

    Args:
        name: as Chinese calls it.
        width: characters of a line.
        lines: of a poem.

    >>> from mlxformer.pretrained.poems.forms import FORMS
    >>> FORMS["七绝"].length
    32
    """

    name: str
    width: int
    lines: int

    @property
    def length(self) -> int:
        """Tokens of a poem: its characters and its marks."""
        return self.lines * (self.width + 1)


FORMS = {form.name: form for form in (Form("五绝", 5, 4), Form("七绝", 7, 4), Form("五律", 5, 8), Form("七律", 7, 8))}


def lines_of(text: str) -> list[str]:
    """The lines of a poem without their marks.

    Args:
        text: with any Chinese marks.

    Returns:
        The lines that are not empty.

    >>> from mlxformer.pretrained.poems.forms import lines_of
    >>> lines_of("春眠不觉晓，处处闻啼鸟。")
    ['春眠不觉晓', '处处闻啼鸟']
    """
    return [line for line in _MARKS.split(text) if line]


def form_of(lines: list[str]) -> Form | None:
    """The form that these lines have.

    Args:
        lines: without marks.

    Returns:
        None where they have none: lines of unlike length, or another number of them.

    >>> from mlxformer.pretrained.poems.forms import form_of
    >>> form_of(["白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼"]).name
    '五绝'
    """
    widths = {len(line) for line in lines}
    for form in FORMS.values():
        if widths == {form.width} and len(lines) == form.lines:
            return form
    return None


def written(lines: list[str]) -> str:
    """A poem as it is written, and as the models read it.

    Args:
        lines: without marks.

    Returns:
        A comma after each odd line, a full stop after each even one.

    >>> from mlxformer.pretrained.poems.forms import written
    >>> written(["白日依山尽", "黄河入海流"])
    '白日依山尽，黄河入海流。'
    """
    return "".join(line + (COMMA if number % 2 == 0 else STOP) for number, line in enumerate(lines))
