"""MLX and NumPy compute the same: each case runs in this process and in another one on the other backend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlxformer import backend
from tests.mlxformer import parity_cases
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.observing import SEEN

pytestmark = pytest.mark.once
OTHER = {"mlx": "numpy", "numpy": "mlx"}[backend.name]
ROOT = Path(__file__).parents[2]
RUN: set[str] = set()  # the cases that have been run in this process


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Every array of every case on the other backend, by way of a file."""
    if OTHER == "mlx":
        pytest.importorskip("mlx.core", reason="MLX is not installed: there is no second backend to compare with")
    path = tmp_path_factory.mktemp("parity") / f"{OTHER}.npz"
    environment = {**os.environ, "MLXFORMER_BACKEND": OTHER}
    command = [sys.executable, "-m", "tests.mlxformer.parity_cases", str(path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(path) as stored:
        return dict(stored)


@pytest.mark.parametrize("name", parity_cases.CASES)
def test_both_backends_compute_the_same(name, theirs):
    ours = parity_cases.run([name])
    RUN.add(name)
    expected = {key: value for key, value in theirs.items() if key.startswith(f"{name}/")}
    assert ours and ours.keys() == expected.keys()
    for key, value in ours.items():
        assert value.dtype == expected[key].dtype, key
        assert value.dtype in (np.float32, np.int32, np.bool_), f"{key} is {value.dtype}"
        try:
            assert_close(value, expected[key])
        except AssertionError as error:
            raise AssertionError(f"{key}: {error}") from None


def test_every_module_of_the_library_has_a_case():
    parity_cases.run([name for name in parity_cases.CASES if name not in RUN])
    missing = parity_cases.library_modules() - SEEN - ABSTRACT
    names = sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in missing)
    assert not names, f"add a case to tests/mlxformer/parity_cases.py for {', '.join(names)}"


def _abstract() -> set[type]:
    """Bases that are never made themselves."""
    from mlxformer.generation.generate import GenerativeModel
    from mlxformer.layers.recurrent import Cell
    from mlxformer.layers.stack import Layer, Stack
    from mlxformer.models.bert.checkpoint import BertPreTrained
    from mlxformer.models.encoder_decoder import EncoderDecoder
    from mlxformer.models.folder_model import FolderModel
    from mlxformer.models.own_folder import OwnFolder

    return {Cell, BertPreTrained, EncoderDecoder, FolderModel, GenerativeModel, Layer, OwnFolder, Stack}


ABSTRACT = _abstract()
