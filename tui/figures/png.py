"""Figures as a PNG: the text drawing, painted cell by cell with a font of this machine. Needs Pillow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.terminal_theme import MONOKAI

from questions.bilingual import Language
from tui.figures.data import Figure
from tui.figures.look import Look
from tui.figures.text import figure_lines
from tui.text.layout import graphemes

CELL_WIDTH, CELL_HEIGHT, MARGIN = 10, 20, 16
COLUMNS = 100
# Monospaced or Chinese fonts where systems keep them; the first that is there draws.
FONTS = (
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansMonoCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/simsun.ttc",
)
LATIN = ("/System/Library/Fonts/Menlo.ttc", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")


class SaveError(ValueError):
    """A format that cannot be written here; ``code`` and ``fields`` let a screen say it in Chinese."""

    def __init__(self, code: str, message: str, **fields: object) -> None:
        super().__init__(message)
        self.code, self.fields = code, fields


def figures_png(figures: Sequence[Figure], language: Language) -> bytes:
    """The figures one under another, on a dark ground. Raises ``SaveError`` without Pillow or a font."""
    try:
        from PIL import Image, ImageDraw, ImageFont  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        message = "saving as PNG needs Pillow: pip install 'tformer-quiz[png]'; SVG, HTML and CSV need nothing"
        raise SaveError("save-png", message) from error
    lines = _lines(figures, language)
    text = "".join(segment.text for line in lines for segment in line)
    wide = any(cell_len(sign) > 1 for sign in set(text))
    known = [path for path in (*FONTS, *(() if wide else LATIN)) if Path(path).is_file()]
    if not known and wide:
        message = "saving as PNG needs a font with Chinese, and none was found on this machine; save as SVG or HTML"
        raise SaveError("save-png-font", message)
    font: Any = ImageFont.truetype(known[0], CELL_HEIGHT * 3 // 4) if known else ImageFont.load_default(15)
    size = (COLUMNS * CELL_WIDTH + 2 * MARGIN, len(lines) * CELL_HEIGHT + 2 * MARGIN)
    ground = tuple(MONOKAI.background_color)
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        column = 0
        for segment in line:
            ink, paper = _colors(segment)
            for sign in graphemes(segment.text):
                x, y, cells = MARGIN + column * CELL_WIDTH, MARGIN + row * CELL_HEIGHT, cell_len(sign)
                if paper is not None:
                    draw.rectangle((x, y, x + cells * CELL_WIDTH - 1, y + CELL_HEIGHT - 1), fill=paper)
                if 0x2800 <= ord(sign[0]) < 0x2900:
                    _dots(draw, ord(sign[0]) - 0x2800, x, y, ink)
                elif sign.strip():
                    draw.text((x, y + 1), sign, font=font, fill=ink)
                column += cells
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _lines(figures: Sequence[Figure], language: Language) -> list[list[Segment]]:
    console = Console(width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", no_color=False)
    options = console.options.update(no_wrap=True, overflow="ignore")
    lines: list[list[Segment]] = []
    for figure in figures:
        for line in figure_lines(figure, language, COLUMNS, Look()):
            lines += console.render_lines(line, options, pad=False)
        lines.append([])
    return lines


def _colors(segment: Segment) -> tuple[tuple[int, int, int], tuple[int, int, int] | None]:
    style = segment.style
    ink, paper = tuple(MONOKAI.foreground_color), None
    if style is not None:
        if style.color is not None:
            ink = tuple(style.color.get_truecolor(MONOKAI, True))
        if style.bgcolor is not None and style.bgcolor != Color.default():
            paper = tuple(style.bgcolor.get_truecolor(MONOKAI, False))
        if style.reverse:
            ink, paper = paper or tuple(MONOKAI.background_color), ink
        if style.dim:
            ground = MONOKAI.background_color
            ink = tuple((2 * a + b) // 3 for a, b in zip(ink, ground, strict=True))
    return ink, paper  # type: ignore[return-value]


def _dots(draw: Any, bits: int, x: int, y: int, ink: tuple[int, int, int]) -> None:
    """A sign of braille by its dots, which most fonts lack."""
    for bit, (across, down) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]):
        if bits >> bit & 1:
            left, top = x + 2 + across * CELL_WIDTH // 2, y + 2 + down * CELL_HEIGHT // 4
            draw.rectangle((left, top, left + 1, top + 1), fill=ink)
