"""Figures in files, read back."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tests.tui.figures.examples import ALL, attention
from tui.figures.data import Figure, Heatmap, Stage
from tui.figures.export import figure_csv, figure_svg


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_csv_has_every_digit_of_a_float32() -> None:
    figure = attention(2)
    rows = table(figure_csv(figure, stage="scaled", head=1))
    assert rows[0] == ["query", "我", "看见", "猫"]
    assert [row[0] for row in rows[1:]] == ["我", "看见", "猫"]
    assert np.array_equal(np.array([row[1:] for row in rows[1:]], np.float32), figure.stages[1].values[1])


def test_csv_of_the_mean() -> None:
    figure = attention(2)
    rows = table(figure_csv(figure, head=None))
    wanted = figure.stages[3].values.mean(0, dtype=np.float64)
    np.testing.assert_allclose(np.array([row[1:] for row in rows[1:]], float), wanted, rtol=1e-8)


def test_labels_are_quoted_and_are_no_formulas() -> None:
    figure = Heatmap("t", [Stage("s", "s", [[[1.0, 2.0, 3.0]]])], ['say "hi", you'], ["=1+1", "-", "a\nb"])
    assert table(figure_csv(figure)) == [["query", "'=1+1", "-", "a\nb"], ['say "hi", you', "1", "2", "3"]]


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.kind)
def test_svg_is_xml_and_has_the_figure_in_it(figure: Figure) -> None:
    root = ElementTree.fromstring(figure_svg(figure, "en", width=80))
    text = "".join(root.itertext()).replace("\u00a0", " ")
    assert root.tag.endswith("svg")
    assert figure.title.say("en") in text if not isinstance(figure.title, str) else figure.title in text


def test_svg_has_the_colors_of_the_chosen_map() -> None:
    assert "#fde725" in figure_svg(attention(1), "en")  # viridis at 1
    assert "#fee838" in figure_svg(attention(1), "en", map_name="cividis")


def test_chinese_in_an_svg_is_as_wide_as_its_cells() -> None:
    """Rich gives each text the length of so many characters, and a browser squeezes a Chinese one to half its width."""
    from rich.cells import cell_len

    root = ElementTree.fromstring(figure_svg(attention(1), "zh"))
    texts = [each for each in root.iter() if each.get("textLength") and cell_len(each.text or "")]
    widths = {round(float(each.get("textLength", "0")) / cell_len(each.text or ""), 3) for each in texts}
    assert len(widths) == 1 and any(cell_len(each.text or "") > len(each.text or "") for each in texts)
