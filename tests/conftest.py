"""What every test needs before anything heavy is imported, which tests a run has, and which backend it is for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Float32 products must be float32 on a GPU, or no tolerance below means anything.
os.environ.setdefault("MLX_ENABLE_TF32", "0")
# A test that would reach for the network has to fail.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# A process for each core is at work already (`-n auto`): its libraries' own threads would fight over the same cores.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(variable, "1")

ROOT = Path(__file__).parents[1]
# The run on MLX leaves these to the run on NumPy, unless they are named on the command line or `--whole` is given.
ONCE = (
    # They compare the two backends themselves, whichever they run on.
    "tests/mlxformer/test_parity_between_backends.py",
    "tests/mlxformer/pretrained/test_both_backends.py",
    "tests/tui/experiments/test_both_backends.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="on MLX, too, run what the run on NumPy has proved")


def pytest_report_header(config: pytest.Config) -> list[str]:
    try:
        from mlxformer import backend
    except ImportError as error:
        return [f"mlxformer backend: {error}"]
    lines = [f"mlxformer backend: {backend.describe()}"]
    if _leaves_out(config):
        lines.append(f"left to the run on NumPy (--whole runs them here too): {', '.join(ONCE)}")
    return lines


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not any(collection_path == ROOT / once for once in ONCE) or not _leaves_out(config):
        return None
    asked_for = (Path(config.invocation_params.dir, str(arg).partition("::")[0]) for arg in config.args)
    return None if any(path.is_relative_to(collection_path) for path in asked_for) else True


def _leaves_out(config: pytest.Config) -> bool:
    """Whether this is the second of the two runs."""
    from mlxformer import backend

    return backend.name == "mlx" and not config.getoption("whole")
