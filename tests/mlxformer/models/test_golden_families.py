"""The families against numbers that transformers computed once (golden/make_families.py): where torch is absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.models.hub import ours

GOLDEN = Path(__file__).parents[1] / "golden" / "families"
CLASSES: dict[str, Any] = {
    "gpt2": mf.GPT, "llama": mf.GPT, "t5": mf.T5Model, "flan-t5": mf.T5Model, "modernbert": mf.ModernBertModel,
    "roberta": mf.RobertaModel, "albert": mf.AlbertModel,
}  # fmt: skip
SEARCHES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beams": {"num_beams": 3, "length_penalty": 0.7},
    "rules": {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "min_length": 8},
}


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_what_transformers_computed(name: str, traced: bool) -> None:
    model = CLASSES[name].from_pretrained(GOLDEN / name)
    with np.load(GOLDEN / name / "expected.npz") as stored:
        expected = dict(stored)
    tokens, mask = ours(expected["input_ids"]), ours(expected["attention_mask"])
    real = expected["attention_mask"].astype(bool)

    def run() -> np.ndarray:
        if "target_ids" in expected:
            valid = mf.masks.padding(mx.array(real))
            return to_numpy(model(tokens, ours(expected["target_ids"]), valid))
        if "logits" in expected:
            return to_numpy(model(tokens, mask))[real]
        return to_numpy(model(tokens, attention_mask=mask).last_hidden_state)[real]

    wanted = expected["logits"] if "logits" in expected else expected["hidden"]
    wanted = wanted if "target_ids" in expected else wanted[real]
    if not traced:
        assert_close(run(), wanted, 3e-5)
        for search, options in SEARCHES.items():
            if f"tokens_{search}" in expected:
                found = to_numpy(model.generate(tokens, mask, max_new_tokens=8, **options))
                assert found.tolist() == expected[f"tokens_{search}"].tolist(), search
        return
    with mf.trace(model) as steps:
        assert_close(run(), wanted, 3e-5)
    assert any(path.endswith(".weights") for path in steps.paths)


def test_the_searches_are_worth_comparing_with() -> None:
    for name in ("gpt2", "llama", "t5", "flan-t5"):
        with np.load(GOLDEN / name / "expected.npz") as stored:
            greedy, *others = (stored[f"tokens_{search}"].tolist() for search in SEARCHES)
        assert any(other != greedy for other in others), name


def test_golden_values_are_still_what_transformers_computes() -> None:
    pytest.importorskip("torch", reason="torch makes the golden values")
    transformers = pytest.importorskip("transformers", reason="transformers makes the golden values")
    from tests.mlxformer.golden import make_families

    assert make_families.FAMILIES.keys() == CLASSES.keys() and make_families.SEARCHES == SEARCHES
    for name, make in make_families.FAMILIES.items():
        kind = type(make())
        options = {"attn_implementation": "eager"} if kind is transformers.ModernBertModel else {}
        fresh = make_families.expected(kind.from_pretrained(GOLDEN / name, **options).eval())
        with np.load(GOLDEN / name / "expected.npz") as stored:
            assert fresh.keys() == stored.keys()
            for part, value in fresh.items():
                assert_close(value, stored[part], 1e-5)
