"""BERT's ledger: counted from modules, equal to formulas written apart from them, and to published totals."""

from __future__ import annotations

import math

import pytest

import mlxformer as mf
from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.bert_ledger.arithmetic import Sizes
from tui.experiments.bert_ledger.body import counted
from tui.experiments.bert_ledger.declaration import EXPERIMENT

BASE = Sizes(30_522, 512, 12, 768, 3072)


def test_the_published_numbers() -> None:
    values = values_of(EXPERIMENT)
    assert values["all-parameters"] == 109_482_240
    assert values["with-pretraining-heads"] == 110_106_428
    assert values["embedding-parameters"] == 23_837_184
    assert values["layer-parameters"] == 7_087_872
    assert values_of(EXPERIMENT, {"vocabulary": 21_128})["all-parameters"] == 102_267_648


def test_every_entry_is_its_formula_and_the_entries_are_all_there_is() -> None:
    config = mf.BertConfig(vocab_size=700, hidden_size=48, num_hidden_layers=3, num_attention_heads=4,
                           intermediate_size=80, max_position_embeddings=20)  # fmt: skip
    sizes = Sizes(700, 20, 3, 48, 80)
    assert counted(config) == sizes.parts()
    assert sum(sizes.parts().values()) == sizes.with_heads
    assert sizes.encoder == mf.count_parameters(config)


def test_a_second_matrix_for_the_masked_words_would_be_counted() -> None:
    untied = counted(mf.BertConfig(tie_word_embeddings=False))
    # A matrix and its biases, which take the place of the tied head's.
    assert untied["mlm_decoder"] == 30_522 * 768 + 30_522 and "mlm_bias" not in untied


@pytest.mark.parametrize("heads", ["1", "2", "16"])
def test_heads_change_nothing(heads: str) -> None:
    assert values_of(EXPERIMENT, {"heads": heads}) == values_of(EXPERIMENT)


def test_the_table_adds_up() -> None:
    for with_heads, total in ((False, BASE.encoder), (True, BASE.with_heads)):
        result = EXPERIMENT.run({"with_heads": with_heads})
        table = next(figure for figure in result.figures if figure.name == "ledger")
        counts = [int(str(row[3]).replace(",", "")) for row in table.rows]
        assert counts[-1] == sum(counts[:-1]) == total
        assert math.isclose(sum(float(str(row[4])) for row in table.rows[:-1]), 100, abs_tol=0.5)
