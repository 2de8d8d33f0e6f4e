"""The wheel holds all that run time needs: built, installed outside the checkout, and used there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel in it, outside the checkout.

    Its dependencies are those of the running environment, lent by a path file. Path files there are not read in turn,
    so an editable install of the checkout stays out of sight.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("tformer_quiz-*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "-q", "--python", str(python)]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True, capture_output=True
    )
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "env" / "bin"


def run(environment: Path, *command: str) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(environment / command[0]), *command[1:]], cwd=environment, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_imports_come_from_the_wheel(environment: Path) -> None:
    code = "import mlxformer, questions, tui; print(mlxformer.__file__, questions.__file__, tui.__file__)"
    for path in run(environment, "python", "-c", code).split():
        assert Path(path).is_relative_to(environment.parent), path


def test_types_and_version_ship(environment: Path) -> None:
    code = "import mlxformer, questions, pathlib; print(mlxformer.__version__, *("
    code += "(pathlib.Path(package.__file__).parent / 'py.typed').exists() for package in (mlxformer, questions)))"
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run(environment, "python", "-c", code) == f"{declared} True True\n"


def test_bank_ships(environment: Path, tmp_path: Path) -> None:
    items = json.loads(run(environment, "tformer-quiz", "list", "--json", "--data-dir", str(tmp_path)))
    assert {"sqrt-dk", "attention-steps"} <= {item["id"] for item in items}


def test_the_first_start_reads_no_question_file(environment: Path, tmp_path: Path) -> None:
    """The bank was kept when the wheel was built, of files that are the same wherever they lie."""
    code = "import sys; from tui.cli import main; main(['--data-dir', sys.argv[1], 'list'])"
    code += "; print('yaml' in sys.modules)"
    assert run(environment, "python", "-c", code, str(tmp_path)).endswith("\nFalse\n")


def test_experiment_runs(environment: Path, tmp_path: Path) -> None:
    output = run(environment, "tformer-quiz", "lab", "scaling", "--json", "--data-dir", str(tmp_path))
    result = json.loads(output)
    assert result["checks"] and all(check["holds"] is not False for check in result["checks"])


def test_styles_and_schema_ship(environment: Path) -> None:
    """Every file of the packages that git keeps is in the wheel."""
    kept = subprocess.run(
        ["git", "ls-files", "mlxformer", "tui", "questions"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not kept:
        pytest.skip("this is not a git checkout, so there is no list of files to compare with")
    (site,) = (environment.parent / "lib").glob("python*/site-packages")
    missing = [name for name in kept if (ROOT / name).exists() and not (site / name).exists()]
    assert not missing
