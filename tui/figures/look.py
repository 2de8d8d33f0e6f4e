"""How a figure looks where it is drawn: with or without color, on dark or light, with which glyphs and styles.

The figures draw with a ``Look`` and know nothing of terminals or themes: the command line makes one from a Rich
console, a widget from its theme.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rich.console import Console

from tui.figures.colors import ColorMap, MapName, diverging, sequential


@dataclass(frozen=True)
class Glyphs:
    """The signs outside ASCII that a figure may use.

    None of the first set is of ambiguous width except the line drawing of the sliders; a terminal that draws
    ambiguous signs two cells wide, as some Chinese set-ups do, takes ``ASCII``.
    """

    ellipsis: str = "⋯"
    holds: str = "✓"
    fails: str = "✗"
    undefined: str = "–"
    track: str = "─"
    track_done: str = "━"
    thumb: str = "●"
    left: str = "◂"
    right: str = "▸"
    above: str = "▴"
    below: str = "▾"
    on: str = "◉"
    off: str = "○"
    horizontal: str = "─"
    vertical: str = "│"
    corner: str = "└"
    tick_down: str = "┬"
    tick_left: str = "┤"
    bullet: str = "•"
    times: str = "×"
    between: str = " · "
    braille: bool = True
    ascii: bool = False


UNICODE = Glyphs()
ASCII = Glyphs(
    ellipsis="~",
    holds="v",
    fails="x",
    undefined="-",
    track="-",
    track_done="=",
    thumb="O",
    left="<",
    right=">",
    above="^",
    below="v",
    on="*",
    off="o",
    horizontal="-",
    vertical="|",
    corner="+",
    tick_down="+",
    tick_left="+",
    bullet="*",
    times="x",
    between=" - ",
    braille=False,
    ascii=True,
)


@dataclass(frozen=True)
class Look:
    """Rich styles by role. Without ``color``, a value is read from glyphs and numbers; without ``hues`` from shades.

    Where colors are ``few`` (16), they are too coarse to read a value from: glyphs say it too.
    """

    color: bool = True
    few: bool = False
    hues: bool = True  # not where colors are shown as grays
    dark: bool = True
    map_name: MapName = "viridis"
    glyphs: Glyphs = field(default=UNICODE)
    title: str = "bold"
    axis: str = "dim"
    label: str = ""
    strong: str = "bold"
    dim: str = "dim"
    accent: str = "cyan"
    good: str = "green"
    bad: str = "red"
    series: tuple[str, ...] = ("cyan", "yellow", "magenta", "green", "blue", "red")

    def map_for(self, scale: str) -> ColorMap:
        """The color map of a heatmap's scale."""
        return diverging(dark=self.dark) if scale == "signed" else sequential(self.map_name)

    def series_style(self, index: int) -> str:
        return self.series[index % len(self.series)]


PLAIN = Look(
    color=False,
    hues=False,
    title="bold",
    axis="",
    dim="",
    accent="bold",
    good="",
    bad="bold",
    series=("",),
)


def look_for(console: Console, *, color: bool | None = None, ascii: bool | None = None) -> Look:
    """The look that suits ``console``: color unless it has none, ASCII where its encoding has nothing else."""
    if color is None:
        color = console.color_system is not None and not console.no_color
    if ascii is None:
        ascii = not console.encoding.lower().startswith(("utf", "gb18030"))
    glyphs = ASCII if ascii else UNICODE
    if color:
        return Look(few=console.color_system == "standard", glyphs=glyphs)
    return replace(PLAIN, glyphs=glyphs)
