"""Color maps for heatmaps: perceptually even, readable with color blindness, and still ordered when turned to gray.

viridis and cividis (CC0; Smith and van der Walt 2015; Nunez, Anderton and Renslow 2018) have a luminance that only
rises, so that ``NO_COLOR``, which turns them to gray, keeps their order. A signed map has two ends of like luminance
and needs a sign glyph beside it: berlin (Crameri, MIT) is dark at zero, for dark themes; RdBu (ColorBrewer, Apache 2)
is light at zero, for light ones.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

RGB = tuple[int, int, int]
MapName = Literal["viridis", "cividis", "grey"]
MAP_NAMES: tuple[MapName, ...] = ("viridis", "cividis", "grey")

LEVELS = 256


class ColorMap:
    """A map from 0..1 to colors, by straight lines between evenly spaced anchors."""

    def __init__(self, name: str, anchors: str) -> None:
        self.name = name
        self._anchors = [(int(a[:2], 16), int(a[2:4], 16), int(a[4:], 16)) for a in anchors.split()]

    @cached_property
    def levels(self) -> list[RGB]:
        """The colors at 0, 1/255, ..., 1."""
        return [self._between(level / (LEVELS - 1)) for level in range(LEVELS)]

    def at(self, fraction: float) -> RGB:
        """The color at ``fraction``; what lies outside 0..1 takes the nearer end."""
        return self.levels[level_of(fraction)]

    def _between(self, fraction: float) -> RGB:
        place = fraction * (len(self._anchors) - 1)
        below = min(int(place), len(self._anchors) - 2)
        share = place - below
        low, high = self._anchors[below], self._anchors[below + 1]
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
        return red, green, blue


def level_of(fraction: float) -> int:
    """The level, 0 to 255, of a fraction; NaN is level 0."""
    if not fraction > 0.0:
        return 0
    return LEVELS - 1 if fraction >= 1.0 else int(fraction * (LEVELS - 1) + 0.5)


def luminance(color: RGB) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2): 0.2126 R + 0.7152 G + 0.0722 B of the linear channels."""
    red, green, blue = (_linear(channel / 255) for channel in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink_on(color: RGB) -> RGB:
    """Black or white, whichever has the higher contrast on ``color``."""
    light = luminance(color)
    return (0, 0, 0) if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else (255, 255, 255)


def hex_of(color: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


VIRIDIS = ColorMap(
    "viridis",
    "440154 470d60 48186a 482374 472d7b 453681 424086 3f4989 3b528b 375a8d 33638d "
    "2f6a8e 2c728e 297a8e 26818e 23898e 21908c 1f988b 1f9f88 21a685 28ae80 31b57b "
    "3ebc74 4cc26c 5dc963 6ece58 82d34c 96d83f abdc32 c0df24 d5e21a eae51a fde725",
)
CIVIDIS = ColorMap(
    "cividis",
    "00224e 00285b 002e6a 043371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 52596d "
    "5a5f6e 61656f 686a71 6f7073 757676 7c7b78 848179 8b8778 938d78 9b9376 a39a75 "
    "aba072 b3a670 bbad6c c3b469 ccba64 d4c15f ddc958 e6d051 efd748 f8df3c fee838",
)
GRAY = ColorMap("grey", "111111 f2f2f2")
DIVERGING_DARK = ColorMap(
    "berlin",
    "9eb0ff 86adf3 6ca9e6 529fd3 3d8fbb 307ca0 286886 21556e 1a4256 14313f 11212a "
    "111518 190c09 240c02 310f00 401201 501803 65220d 7c331d 924632 a75949 bc6e61 "
    "d2827a e89893 ffadad",
)
DIVERGING_LIGHT = ColorMap(
    "RdBu",
    "053061 0e4178 175290 1f63a7 2a71b2 347fb9 3f8dc0 529cc8 6bacd0 83bcd9 9ac9e0 "
    "aed3e6 c1ddec d3e6f0 dfecf3 ebf1f5 f7f7f6 f9eee8 fbe6d9 fdddca fbcdb6 f8bda0 "
    "f5ac8b ee9878 e58267 dc6d57 d25749 c6403e bb2a34 ad162a 960f26 7e0823 67001f",
)
_SEQUENTIAL: dict[str, ColorMap] = {"viridis": VIRIDIS, "cividis": CIVIDIS, "grey": GRAY}


def sequential(name: MapName) -> ColorMap:
    """The map for values from 0 upward."""
    return _SEQUENTIAL[name]


def diverging(*, dark: bool) -> ColorMap:
    """The map for values about 0, which is the quiet color of a dark or a light screen."""
    return DIVERGING_DARK if dark else DIVERGING_LIGHT
