"""The real program in a pseudo-terminal, from the start to the numbers of a sentence. To a rating: test_kills."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def walking() -> ModuleType:
    """``docs/walk.py``, which is a script and no package."""
    specification = importlib.util.spec_from_file_location("walk", ROOT / "docs" / "walk.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["walk"] = module
    specification.loader.exec_module(module)
    return module


def expected_weights(sentence: str, temperature: float) -> list[list[str]]:
    """The cells that the walk has to show, from the experiment itself."""
    from tui.bank import load_bank
    from tui.experiments.catalogue import catalogue
    from tui.figures.data import Heatmap

    question = load_bank().questions[0]
    assert question.experiment is not None
    settings: dict[str, Any] = {**question.settings, "sentence": sentence, "temperature": temperature}
    result = catalogue()[question.experiment.run].run(settings)
    heatmap = next(figure for figure in result.figures if isinstance(figure, Heatmap))
    weights = next(stage for stage in heatmap.stages if stage.name == "weights")
    return [[f"{value:.3f}" for value in row] for row in weights.values[0].tolist()]


def cells(text: str) -> list[list[str]]:
    """The rows of three-digit numbers on the screen; the one in brackets is the cursor's."""
    rows = [re.findall(r"(?<![\d.])0?\.\d{3}(?!\d)", line) for line in text.splitlines()]
    return [[f"0{number[number.index('.') :]}" for number in row] for row in rows if len(row) >= 3]


@pytest.mark.parametrize(
    ("language", "columns", "lines", "sentence", "temperature"),
    [
        ("zh", 80, 24, "春眠不觉晓", 0.7),
        pytest.param("en", 120, 40, "colourless green ideas sleep", 2.5, marks=pytest.mark.once),  # nothing of arrays
    ],
)
def test_walk_shows_the_numbers_of_the_sentence_and_knob_it_was_given(
    walking: ModuleType, tmp_path: Path, language: str, columns: int, lines: int, sentence: str, temperature: float
) -> None:
    text = walking.walk(language, columns, lines, sentence, {"temperature": str(temperature)}, str(tmp_path), None)
    expected = expected_weights(sentence, temperature)
    assert cells(text)[: len(expected)] == expected
    assert cells(text)[: len(expected)] != expected_weights(sentence, 1.0)
