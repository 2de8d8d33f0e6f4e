"""Whatever a stranger named, what the library's own commands print is text, and no line of it is the stranger's."""

from __future__ import annotations

import ast
import importlib
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import mlxformer as mf
from mlxformer.harmless import harmless, in_a_line
from tests.harmless import is_harmless
from tests.tui.commands.test_outgoing import HOSTILE
from tui.language import harmless as program

ROOT = Path(__file__).parents[2]
LIBRARY = sorted((ROOT / "mlxformer").rglob("*.py"))
COMMANDS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in LIBRARY
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]
NAMED = HOSTILE.replace("/", "")  # a file can be called so


def assert_text(*texts: str) -> None:
    for text in texts:
        acting = sorted({f"U+{ord(character):04X}" for character in text if not is_harmless(character)})
        assert not acting, (acting, text)
        assert not [line for line in text.splitlines() if line.lstrip().startswith("FORGED")], text


def test_the_library_and_the_program_write_out_the_same() -> None:
    every = "".join(map(chr, range(0x11000))) + "\r\n"
    assert harmless(every) == program.harmless(every)
    assert in_a_line(every) == program.in_a_line(every)


def printing(path: Path) -> list[int]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("print", "argparse.ArgumentParser", "sys.stdout.write", "sys.stderr.write")
    ]


def test_commands_write_through_one_place() -> None:
    allowed = {"harmless.py", "progress.py", "show.py"}  # it, a bar that redraws its line, and show's own test below
    found = {str(path.relative_to(ROOT)): printing(path) for path in LIBRARY if path.name not in allowed}
    assert {path: lines for path, lines in found.items() if lines} == {}


def ran(capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> int:
    try:
        status = int(importlib.import_module(command).main(list(arguments)))
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert_text(*capsys.readouterr())
    return status


@pytest.mark.parametrize("command", COMMANDS)
def test_arguments(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no npm: what fetches texts fails at once, and not by the network
    options = [""] + [f"--{name}" for name in ("model", "seed", "seeds", "out", "checkpoints", HOSTILE)]
    for option in options:
        for given in ([option, HOSTILE], [HOSTILE, option, HOSTILE], [HOSTILE, HOSTILE]):
            assert ran(capsys, command, *filter(None, given)) in (0, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound model and tokenizer in a folder of a hostile name, with a stranger's names in both."""
    folder = tmp_path / NAMED
    shipped = mf.load_pretrained("bert-mini")
    shipped.model.save_pretrained(folder)
    shipped.tokenizer.save_pretrained(folder)
    return folder


def test_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, "mlxformer.__main__", "--model", str(folder), f"画蛇{HOSTILE}") == 0
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, f"qa_outputs.{HOSTILE}": np.zeros(1, np.float32)}, folder / "model.safetensors")
    assert ran(capsys, "mlxformer.__main__", "--model", str(folder), "画蛇") == 0  # another head's: in the report
    save_file({**weights, HOSTILE: np.zeros(1, np.float32)}, folder / "model.safetensors")
    assert ran(capsys, "mlxformer.__main__", "--model", str(folder), "画蛇") == 2
    config = folder / "config.json"
    fields = json.loads(config.read_text(encoding="utf-8"))
    for change in ({"model_type": HOSTILE}, {"hidden_act": HOSTILE}, {HOSTILE: 1}, {"hidden_size": HOSTILE}):
        config.write_text(json.dumps(fields | change), encoding="utf-8")
        ran(capsys, "mlxformer.__main__", "--model", str(folder), "画蛇")


def test_a_pickle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({HOSTILE: HOSTILE}))
    assert ran(capsys, "mlxformer.convert", str(tmp_path)) == 2
    (tmp_path / "pytorch_model.bin").unlink()
    index = {"weight_map": {"a": HOSTILE}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index), encoding="utf-8")
    assert ran(capsys, "mlxformer.convert", str(tmp_path)) == 2


def test_what_the_library_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = mf.BertModel.from_pretrained(folder)
    shown = mf.show([[0.5, 0.5], [0.0, 1.0]], tokens=[HOSTILE, "a"], title=HOSTILE)
    assert_text(*capsys.readouterr(), repr(shown), str(shown), str(model.load_report), repr(model.load_report))
    with mf.trace() as steps:
        model(mf.backend.mx.array([[1, 2]]))
    assert_text(repr(steps), repr(steps[0]))


def test_an_error_that_nothing_catches(tmp_path: Path) -> None:
    code = f"import mlxformer as mf; mf.BertModel.from_pretrained({'./' + NAMED!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and "CheckpointError" in done.stderr
    assert_text(done.stderr)
