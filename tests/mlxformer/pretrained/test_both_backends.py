"""Every shipped model gives the same probabilities on both backends: in two processes, as a process has one backend."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mlxformer as mf
from mlxformer import backend
from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained import pretrained_names
from mlxformer.pretrained.masked.samples import samples
from mlxformer.pretrained.poems.samples import held_out
from mlxformer.pretrained.poems.vocabulary import ids_of
from mlxformer.pretrained.repeats.signs import twice

pytestmark = pytest.mark.once

_RUN = """
import sys
import numpy as np
from tests.mlxformer.pretrained.test_both_backends import probabilities
from mlxformer.pretrained import pretrained_names
np.savez(sys.argv[1], **{name: probabilities(name) for name in pretrained_names()})
"""


def probabilities(name: str) -> np.ndarray:
    """[N, T, V] of the next or the masked tokens, on some inputs of the model's own kind."""
    reader = mf.load_pretrained(name)
    if name.startswith("dates"):
        source = reader.tokenizer.pad([reader.tokenizer.source(text) for text in ("23 Nov 2026", "二〇二六年十月一日")])
        target = reader.tokenizer.pad([reader.tokenizer.target(text) for text in ("2026-11-23", "2026-10-01")])
        logits = reader.model(mx.array(source), mx.array(target[:, :-1]))
    elif name.startswith("reverse"):
        texts = ["transformer", "abcdefghijklmnopqrstuvwxyz"]
        source_ids = mx.array(reader.tokenizer.source_batch(texts, reader.source_length))
        targets = mx.array(np.full((2, 6), 5, np.int32))
        logits = reader.model(source_ids, targets)
    elif name.startswith("poet"):
        logits = reader.model(mx.array(ids_of(held_out()[:4])["五绝"][:, :-1]))
    elif name.startswith("induction"):
        logits = reader.model(mx.array(twice(np.random.default_rng(0), 12, 4)))
    else:
        kind = "idioms" if name == "bert-mini" else "book"
        logits = reader.logits(reader.tokenizer([text.replace(text[1], "[MASK]", 1) for text in samples(kind)[:8]]))
    return np.asarray(to_numpy(mx.softmax(logits, axis=-1)))


@pytest.mark.skipif(importlib.util.find_spec("mlx") is None, reason="MLX is not installed: there is one backend only")
def test_probabilities_agree_between_backends(tmp_path: Path) -> None:
    other = {"numpy": "mlx", "mlx": "numpy"}[backend.name]
    environment = {**os.environ, "MLXFORMER_BACKEND": other}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(tmp_path / "theirs.npz")], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "theirs.npz") as theirs:
        assert sorted(theirs.files) == sorted(pretrained_names())
        for name in pretrained_names():
            ours = probabilities(name)
            np.testing.assert_allclose(ours.sum(-1), 1, atol=1e-3)
            np.testing.assert_allclose(theirs[name], ours, rtol=0, atol=1e-3, err_msg=name)
