"""What every test needs before anything heavy is imported, which tests a run has, and which backend it is for.

The suite runs twice, on NumPy and on MLX. The second run leaves out what the first has proved for both: the tests
marked ``once``, and those under ``ONCE`` that are not under ``TWICE``. ``--whole`` runs all of them again, and so does
naming a file.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from questions import loader
from questions.bank import Bank
from questions.catalogue import Catalogue

# Float32 products must be float32 on a GPU, or no tolerance below means anything.
os.environ.setdefault("MLX_ENABLE_TF32", "0")
# A test that would reach for the network has to fail.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# A process for each core is at work already: threads of its libraries (torch's, NumPy's) and our own would fight
# over the cores. What is computed by several threads is held by tests that ask for several.
for variable in (
    "MLXFORMER_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
):  # fmt: skip
    os.environ.setdefault(variable, "1")
# Screens, banks and trees are many small objects: looking through them all for garbage, as often as Python does, is a
# seventh of what the suite costs.
gc.set_threshold(200_000, 20, 20)

# How fast a busy machine draws and runs an example is nothing that a test of ours asks.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_load_shipped = loader.load_shipped
_shipped: dict[tuple[str, ...] | None, Bank] = {}


def _load_shipped_once(catalogue: Catalogue | None = None) -> Bank:
    """The shipped questions never change: reading them takes half a second, in a dozen files of tests and in each
    opened program."""
    names = None if catalogue is None else tuple(catalogue.experiments)  # a toy among them makes another bank
    if names not in _shipped:
        _shipped[names] = _load_shipped(catalogue)
    return _shipped[names]


loader.load_shipped = _load_shipped_once  # before any test or command has taken it from there

ROOT = Path(__file__).parents[1]
# No array library has a part in what these prove: texts read, progress kept, figures painted from what is handed over,
# keys and screens, terminals, code judged in processes of its own. The first loads both backends, whichever is chosen.
ONCE = (
    "tests/mlxformer/backend",
    "tests/questions",
    "tests/test_benchmarks.py",
    "tests/test_floors.py",
    "tests/test_map.py",
    "tests/test_two_runs.py",
    "tests/test_wheel.py",
    "tests/tui",
)
# What of these runs on MLX, too: the experiments, and that they run from the program.
TWICE = (
    "tests/tui/commands/test_check.py",
    "tests/tui/commands/test_lab.py",
    "tests/tui/commands/test_look.py",
    "tests/tui/experiments",
    "tests/tui/judge/test_references.py",
    "tests/tui/test_walk.py",
    "tests/tui/widgets/test_steps_panel.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="on MLX, run also what the run on NumPy proves for both")
    parser.addoption("--numbers", action="store_true", help="print how far comparisons were from what they allow")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--numbers"):
        from tests.mlxformer.comparing import MEASURED

        terminalreporter.section("the error nearest to its limit, by test")
        for test, (error, limit) in sorted(MEASURED.items()):
            terminalreporter.write_line(f"{error:8.1e} of {limit:7.1e}  {test}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "once: proved for both backends by the run on NumPy; left out on MLX")


def pytest_report_header(config: pytest.Config) -> list[str]:
    try:
        from mlxformer import backend
    except ImportError as error:
        return [f"mlxformer backend: {error}"]
    lines = [f"mlxformer backend: {backend.describe()}"]
    if _second_run(config):
        lines.append(f"left to the run on NumPy (unless --whole): tests marked once, {', '.join(ONCE)}")
        lines.append(f"of these on MLX, too: {', '.join(TWICE)}")
    return lines


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not is_left_out(collection_path) or not _second_run(config):
        return None
    on_the_way = any(path.is_relative_to(collection_path) for path in _named(config))
    within = any(collection_path.is_relative_to(path) and is_left_out(path) for path in _named(config))
    return None if on_the_way or within else True


def is_left_out(path: Path) -> bool:
    """Whether the run on MLX leaves the file, or all of the folder, to the run on NumPy."""
    twice = any(path.is_relative_to(ROOT / each) or (ROOT / each).is_relative_to(path) for each in TWICE)
    return not twice and any(path.is_relative_to(ROOT / each) for each in ONCE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _second_run(config):
        return
    named = set(_named(config))
    left_out = {item: bool(item.get_closest_marker("once")) and item.path not in named for item in items}
    config.hook.pytest_deselected(items=[item for item in items if left_out[item]])
    items[:] = [item for item in items if not left_out[item]]


def pytest_collection_finish() -> None:
    """What stands here stays to the end: pytest's last looks for garbage would go through all of it, five times."""
    gc.freeze()


def _named(config: pytest.Config) -> Iterable[Path]:
    """The files and folders of the command line."""
    return (config.invocation_params.dir / str(argument).partition("::")[0] for argument in config.args)


def _second_run(config: pytest.Config) -> bool:
    if config.getoption("whole"):
        return False
    try:
        from mlxformer import backend
    except ImportError:
        return False
    return backend.name == "mlx"
