"""``lab NAME --steps`` and ``--cell``: the path of a run, and a number as the sum that made it."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from tests.tui.commands.conftest import Ran

Program = Callable[..., Ran]
NAME = ("lab", "attention-steps", "--set", "sentence=we see it")


def test_the_path_is_listed_from_the_text_to_the_output(program: Program) -> None:
    lines = program("--lang", "en", *NAME, "--steps").out.splitlines()
    assert lines[0] == "1  text  we see it" and lines[1] == "2  tokens  we/see/it"
    assert [line.split("  ")[1] for line in lines if line[0].isdigit()][2:] == [
        "queries", "keys", "values", "scores", "scaled", "weights", "heads", "output",
    ]  # fmt: skip
    listed = json.loads(program(*NAME, "--steps", "--json").out)
    assert [step["path"] for step in listed][3] == "scores" and all(step["opens"] for step in listed)
    assert listed[3]["axes"] == ["batch", "head", "query", "key"] and listed[3]["shape"] == [1, 1, 3, 3]


def test_a_cell_is_drawn_as_its_sum(program: Program) -> None:
    ran = program("--lang", "en", *NAME, "--cell", "weights[0,0,1,2]")
    assert ran.status == 0
    assert ran.out.startswith("weights [head 0, query 1 see, key 2 it] = ")
    assert "e^(s − max) / Σ e^(s − max) = " in ran.out and "3 terms, added again in float64" in ran.out
    assert [line.split()[:2] for line in ran.out.splitlines()[-5:] if line][-3:] == [
        ["0", "we"],
        ["1", "see"],
        ["2", "it"],
    ]
    chinese = program("--lang", "zh", *NAME, "--cell", "scores[0, 0, 1, 2]").out
    assert "32 项用 float64 重算得" in chinese and "✓ 一致" in chinese


def test_the_parts_in_json_add_up_to_the_cell(program: Program) -> None:
    cell = json.loads(program(*NAME, "--cell", "scores[0,0,1,2]", "--json").out)
    products = [np.prod([factor["value"] for factor in term["factors"]]) for term in cell["terms"]]
    assert len(products) == 32 and sum(products) == pytest.approx(cell["value"], rel=1e-5)
    assert cell["agrees"] and cell["terms"][4]["factors"][1] == {
        "name": "keys", "index": [0, 0, 2, 4], "value": cell["terms"][4]["factors"][1]["value"], "step": "keys",
    }  # fmt: skip
    assert json.loads(program(*NAME, "--cell", "scores", "--json").out)["index"] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("score[0,0,0,0]", "did you mean scores?). lab NAME --steps lists all"),
        ("scores[0,0,0]", "its axes are batch, head, query, key, its shape 1, 1, 3, 3"),
        ("scores[0,0,0,3]", "scores has no cell"),
        ("scores[0,0,0,-1]", "cannot read scores[0,0,0,-1]"),
        ("scores[0,,0]", "cannot read"),
        ("[0]", "cannot read"),
        ("scores[99999999999]", "cannot read"),
    ],
)
def test_what_is_no_cell_is_said(program: Program, asked: str, said: str) -> None:
    ran = program("--lang", "en", *NAME, "--cell", asked)
    assert ran.status == 2 and said in ran.err and "Traceback" not in ran.err


def test_an_input_was_made_of_nothing(program: Program) -> None:
    ran = program("--lang", "en", "lab", "training-signal", "--cell", "stack.layers.0.input")
    assert ran.status == 2 and "it is an input, or was replaced" in ran.err


def test_they_need_an_experiment(program: Program) -> None:
    for option in (["--steps"], ["--cell", "x"]):
        ran = program("--lang", "en", "lab", *option)
        assert ran.status == 2 and f"{option[0]} needs an experiment" in ran.err
