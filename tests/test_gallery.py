"""The gallery shows each experiment in both languages, and the moving picture is small and complete."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style

from tui.experiments.catalogue import catalogue

pytestmark = pytest.mark.once
DOCS = Path(__file__).parents[1] / "docs"
sys.path.append(str(DOCS))
MB = 1 << 20


def test_the_index_shows_every_experiment_in_both_languages_and_nothing_else() -> None:
    from gallery import index

    page = (DOCS / "gallery" / "README.md").read_text(encoding="utf-8")
    assert page == index(catalogue().values()), "run python docs/gallery.py"
    shown = set(re.findall(r"\]\(([^)]+\.svg)\)", page))
    assert shown == {f"{name}.{language}.svg" for name in catalogue() for language in ("zh", "en")}
    files = {path.name: path.stat().st_size for path in (DOCS / "gallery").glob("*.svg")}
    assert set(files) == shown and sum(files.values()) <= 6 * MB


def test_a_figure_is_drawn_as_it_stands_in_the_gallery() -> None:
    """One of them, quick and of whole numbers: the command still makes the file that is there."""
    from gallery import draw

    for language, svg in draw(catalogue()["kv-cache"]).items():
        assert svg == (DOCS / "gallery" / f"kv-cache.{language}.svg").read_text(encoding="utf-8")


def test_the_moving_picture_is_twenty_seconds_and_small() -> None:
    picture = DOCS / "moving.svg"
    assert picture.stat().st_size <= 2 * MB
    text = picture.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    (seconds,) = {float(found) for found in re.findall(r"animation:k\d+ ([\d.]+)s", text)}
    assert 18 <= seconds <= 22
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert readme.index("docs/moving.svg") < readme.index("## Start") and "docs/gallery/README.md" in readme


def test_a_line_is_written_once_for_as_long_as_it_stays() -> None:
    from moving import moving_svg

    def line(text: str, background: str = "#121212") -> tuple[Segment, ...]:
        return (Segment(text, Style(color="#ffffff", bgcolor=background)),)

    frames = [([line("stays"), line("一 b")], 1.0), ([line("stays"), line("two", "#ff0000")], 3.0)]
    svg = moving_svg(frames, (6, 2))
    ElementTree.fromstring(svg)
    assert svg.count(">stays<") == svg.count(">一<") == svg.count(">b<") == svg.count(">two<") == 1
    assert "0%{visibility:visible}25.000%{visibility:hidden}" in svg
    assert "0%{visibility:hidden}25.000%{visibility:visible}" in svg
    assert svg.count("<rect") == 2  # the whole, and what is behind "two"
    assert 'x="35.2"' in svg  # b stands in the fourth cell: the Chinese character takes two
