"""``python -m mlxformer``: what it prints is true, fits 80 columns, and needs nothing but NumPy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from unicodedata import east_asian_width

import numpy as np
import pytest

import mlxformer as mf
from mlxformer import __main__ as first_look
from mlxformer import backend
from mlxformer.backend import to_numpy, tree_flatten
from mlxformer.folder_look import folder_look

ROOT = Path(__file__).parents[2]


def cells(line: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in line)


def printed(capsys, *arguments: str) -> str:
    assert first_look.main(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--causal",),
        ("猫",),
        ("The cat, which was very hungry, sat.", "--causal", "--seed", "7"),
        ("我" * 60,),
        ("antidisestablishmentarianism " * 8,),
    ],
)
def test_every_line_fits_80_columns(capsys, arguments):
    lines = printed(capsys, *arguments).splitlines()
    assert len(lines) < 60
    for line in lines:
        assert cells(line) <= 80, line


def test_it_says_what_runs_and_that_the_weights_are_random(capsys):
    text = printed(capsys)
    flat = " ".join(text.split())
    assert str(backend.describe()) in flat
    assert "我 爱 吃 苹 果 。" in text and "random (seed 0) and not trained" in flat


def test_every_step_of_attention_is_there_with_its_shape_and_numbers(capsys):
    text = printed(capsys, "--causal")
    shapes = dict(re.findall(r"^  (\w+) +(\[[\d, ]+\])", text, flags=re.MULTILINE))
    assert shapes == {
        "input": "[1, 6, 16]", "queries": "[1, 2, 6, 8]", "keys": "[1, 2, 6, 8]", "values": "[1, 2, 6, 8]",
        "scores": "[1, 2, 6, 6]", "scaled": "[1, 2, 6, 6]", "masked": "[1, 2, 6, 6]", "weights": "[1, 2, 6, 6]",
        "heads": "[1, 2, 6, 8]", "concatenated": "[1, 6, 16]", "output": "[1, 6, 16]",
    }  # fmt: skip
    assert re.search(r"weights +\[1, 2, 6, 6\] +0\.1667 ± ", text)  # rows of six that sum to one
    assert "30 of 72 masked" in text  # above the diagonal, in each of two heads
    assert "1e+" not in text and "nan" not in text  # no fill value in a mean


def test_the_table_of_weights_is_lower_triangular_when_causal_and_its_rows_sum_to_one(capsys):
    rows = re.findall(r"^ +[我爱吃苹果。] ((?: +\d\.\d{3}){6})$", printed(capsys, "--causal"), flags=re.MULTILINE)
    table = np.array([list(map(float, row.split())) for row in rows])
    assert table.shape == (6, 6)
    np.testing.assert_array_equal(np.triu(table, 1), 0)
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=0.004)
    assert "0.000  0.000  0.000  0.000  0.000\n" not in printed(capsys)  # without the mask all are seen


def test_the_seed_decides_the_numbers_on_both_backends():
    generator = np.random.default_rng(0)
    weight = dict(tree_flatten(first_look.seeded_attention(generator).parameters()))["key_proj.weight"]
    again = np.random.default_rng(0).standard_normal((16, 16)).astype(np.float64) / 4
    np.testing.assert_allclose(to_numpy(weight), again, rtol=1e-6)
    assert first_look.first_look(["a", "b"], seed=1) == first_look.first_look(["a", "b"], seed=1)
    assert first_look.first_look(["a", "b"], seed=1) != first_look.first_look(["a", "b"], seed=2)


def test_text_is_cut_into_characters_and_words():
    assert first_look.tokenize("我爱NLP, 真的！ it's 2026") == [
        "我", "爱", "NLP", ",", "真", "的", "！", "it", "'", "s", "2026",
    ]  # fmt: skip


@pytest.mark.parametrize(("arguments", "says"), [(["  "], "no token"), (["x", "--seed", "-1"], "0 or more")])
def test_bad_arguments_exit_with_2(capsys, arguments, says):
    with pytest.raises(SystemExit) as caught:
        first_look.main(arguments)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def test_as_a_program_it_needs_no_screen_library():
    code = (
        "import runpy, sys; sys.argv = ['mlxformer'];"
        "\ntry: runpy.run_module('mlxformer', run_name='__main__')"
        "\nexcept SystemExit as end: assert not end.code"
        "\nprint(sorted({'rich', 'textual', 'torch', 'scipy', 'transformers'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
    assert "Weights of head 0" in done.stdout


def test_a_terminal_without_chinese_and_a_closed_pipe_are_survived():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "mlxformer"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == 0 and b"Weights of head 0" in done.stdout
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    _, errors = process.wait(), process.stderr.read()
    assert process.returncode == 0 and errors == b""


def test_a_folder_of_marian_is_looked_into(tmp_path):
    pytest.importorskip("sentencepiece", reason="the extra `marian` installs SentencePiece")
    tokenizer = mf.MarianTokenizer.from_pretrained(Path(__file__).parent / "golden" / "marian-tokenizer")
    sizes = {"layers": 1, "ffn_dim": 16, "attention_heads": 2}
    both = {f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in sizes.items()}
    ids = {"pad_token_id": tokenizer.pad_id, "decoder_start_token_id": tokenizer.pad_id, "eos_token_id": 0}
    mf.MarianModel(mf.MarianConfig(vocab_size=tokenizer.vocab_size, d_model=8, **both, **ids)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    said = folder_look(tmp_path, "Good morning")
    assert "44 tensors loaded" in said and "9 tokens: ▁ G o od ▁m or n in g" in said and "Written greedily: " in said
