"""Wherever a module of the library says how a tensor was made, the float64 sum of its terms is the tensor's cell."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.errors import TraceError
from mlxformer.inspection.cells import open_cell
from tests.mlxformer.parity_cases import CASES

# What these name is made by the attention function itself, which always tells.
ALWAYS = {"scaled", "biased", "masked"}


@pytest.mark.parametrize("name", CASES)
def test_every_cell_that_opens_is_the_sum_of_its_terms(name: str) -> None:
    try:
        with mf.trace() as steps:
            CASES[name]()
    except TraceError as error:
        assert error.code == "trace-empty"  # masks and activations alone have no taps
        return
    real = [step for step in steps if step.value.size and step.value.dtype.kind == "f"]
    for step in real[:: max(len(real) // 150, 1)]:
        for flat in {0, step.value.size // 2, step.value.size - 1}:
            cell = open_cell(step, tuple(map(int, np.unravel_index(flat, step.value.shape))))
            assert cell is None or cell.agrees, cell
        assert step.made is not None or step.path.rsplit(".", 1)[-1] not in ALWAYS
