"""What is loaded when: each import runs in a fresh interpreter, and ``sys.modules`` tells what it brought along.

The command line, the catalogue and the first frame must need neither NumPy nor MLX; experiments and figures know no
screen; the library and the bank know neither each other nor the program.
"""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tui.bank import load_bank

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "mlx", "mlxformer", "safetensors", "tokenizers")
SCREENS = ("textual",)


def _loaded(statement: str) -> set[str]:
    """The modules in ``sys.modules`` after ``statement``, in a fresh interpreter; its own output goes nowhere."""
    program = (
        "import sys, os, json\nout = os.dup(1)\nos.dup2(os.open(os.devnull, os.O_WRONLY), 1)\n"
        f"{statement}\nsys.stdout.flush()\nos.write(out, json.dumps(sorted(sys.modules)).encode())\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, env=_environment())
    assert finished.returncode == 0, finished.stderr.decode()
    return set(json.loads(finished.stdout))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}


def _intruders(loaded: Collection[str], forbidden: Collection[str]) -> list[str]:
    """The forbidden packages among ``loaded``, each once."""
    return sorted({name for module in loaded for name in forbidden if module == name or module.startswith(name + ".")})


def _modules(package: str, skip: Collection[str] = ()) -> Iterator[str]:
    """The modules of ``package``, found on the disk so that finding them loads nothing."""
    folder = ROOT / package.replace(".", "/")
    for found in pkgutil.walk_packages([str(folder)], package + "."):
        if not any(found.name.endswith(part) for part in skip):
            yield found.name


def _import_all(names: Collection[str]) -> str:
    assert names, "there is nothing to import: the test would prove nothing"
    return "\n".join(f"import {name}" for name in names)


@pytest.mark.parametrize(
    "statement",
    [
        "import tui.cli",
        "from tui.experiments.catalogue import catalogue; catalogue()",
        "import tui.progress.store, tui.progress.schedule, tui.progress.statistics, tui.progress.export",
        "import tui.judge.catalogue, tui.judge.contract, tui.judge.memory, tui.commands.code",
        "import tui.practice.session, tui.proof.evidence, tui.bank, tui.commands.context",
        "from tui.cli import main; main(['--help']); main(['list', '--help'])",
        "from tui.cli import main; main(['--data-dir', '/nonexistent', 'list'])",
        "from tui.cli import main; main(['--data-dir', '/nonexistent', 'list', '--json'])",
        "from tui.cli import main; main(['--data-dir', '/nonexistent', 'check'])",
        "from tui.cli import main; main(['--data-dir', '/nonexistent', 'lab'])",
        "from tui.cli import main; main(['--data-dir', '/nonexistent', 'lst'])",
    ],
)
def test_no_array_library_is_loaded(statement: str) -> None:
    assert _intruders(_loaded(statement), HEAVY + SCREENS) == []


def test_the_help_waits_for_nothing_it_does_not_need() -> None:
    loaded = _loaded("from tui.cli import main; main(['--help'])")
    assert _intruders(loaded, ("yaml", "fsrs", "rich.console", "textual", "asyncio")) == []


def test_the_first_question_waits_for_nothing_that_marks_an_answer() -> None:
    loaded = _loaded("import tui.app, tui.screens.practice, tui.practice.session")
    assert "tui.screens.practice" in loaded
    assert _intruders(loaded, ("questions.marking", "questions.words", "yaml")) == []
    later = ("tui.screens.live_panel", "tui.figures.data", "tui.experiments", "markdown_it", "fsrs", "questions.spans")
    assert _intruders(loaded, later) == []


def test_the_first_question_is_shown_before_any_experiment_is_read(tmp_path: Path) -> None:
    load_bank((), tmp_path)
    loaded = _loaded(
        f"""
import asyncio
from pathlib import Path
from tui.app import QuizApp
from tui.bank import load_bank
from tui.progress.store import open_store
from tui.screens.passage import Passage
from tui.screens.practice import PracticeScreen
async def nothing(screen):  # what an answer needs is brought once the question stands there
    pass
PracticeScreen._bring_answer = nothing
async def show(questions):
    app = QuizApp(questions, open_store(None), language="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.screen.practice.attempt.question.question.en in app.screen.query_one("#question", Passage)._text
asyncio.run(show(load_bank((), Path({str(tmp_path)!r})).questions))
"""
    )
    assert "tui.experiments.catalogue" in loaded
    later = ("tui.experiments.contract", "tui.figures.data", "tui.screens.live_panel", "yaml", "fsrs", "numpy")
    assert _intruders(loaded, later) == []


def test_a_kept_bank_is_listed_without_what_reads_and_judges_one(tmp_path: Path) -> None:
    load_bank((), tmp_path)
    loaded = _loaded(f"from tui.cli import main; main(['--data-dir', {str(tmp_path)!r}, 'list'])")
    reading = ("yaml", "questions.loader", "questions.item", "tui.experiments", "asyncio")
    assert "questions.bank" in loaded and _intruders(loaded, reading) == []


def test_figures_load_neither_arrays_nor_screens() -> None:
    assert _intruders(_loaded(_import_all(list(_modules("tui.figures")))), HEAVY + SCREENS) == []


def test_all_of_the_program_but_the_experiments_bodies_needs_no_arrays() -> None:
    """The screens too, so that the first frame does not wait for NumPy."""
    skip = (".body", ".falsify", ".theory")
    names = [n for n in _modules("tui", skip) if not n.startswith(("tui.experiments.", "tui.figures.", "tui.judge."))]
    names += [n for n in _modules("tui.experiments", skip) if n.endswith(".declaration")]
    assert _intruders(_loaded(_import_all(names)), HEAVY) == []


def test_experiments_load_no_screen() -> None:
    loaded = _loaded(_import_all(list(_modules("tui.experiments"))))
    assert "numpy" in loaded  # the bodies were among them
    assert _intruders(loaded, SCREENS) == []


def test_the_bank_and_the_library_know_neither_each_other_nor_the_program() -> None:
    bank = _loaded(_import_all(list(_modules("questions"))))
    assert _intruders(bank, ("mlxformer", "tui", "numpy", "mlx", "textual", "rich")) == []
    library = _loaded(_import_all(list(_modules("mlxformer", ("__main__",)))))
    assert _intruders(library, ("questions", "tui", "textual", "rich")) == []


def test_an_intruder_is_found() -> None:
    """The test can fail: what it forbids is seen where it is loaded."""
    assert _intruders(_loaded("import tui.cli, numpy"), HEAVY) == ["numpy"]
    assert _intruders({"numpyro", "textually", "mlx.core"}, HEAVY + SCREENS) == ["mlx"]
