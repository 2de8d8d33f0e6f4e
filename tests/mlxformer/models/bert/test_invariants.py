"""What must never change a BERT's output, what a trace shows of it, and the mean of its tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import BertForMaskedLM
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.pooling import mean_pooling
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, is_float32, numbers
from tests.mlxformer.models.bert.reference import inputs

GOLDEN = Path(__file__).parents[2] / "golden" / "bert"


@pytest.fixture(scope="module")
def model() -> BertModel:
    return BertModel.from_pretrained(GOLDEN)


def arrays(**given):
    return {name: mx.array(values) for name, values in given.items()}


class TestPadding:
    def test_padding_changes_nothing(self, model):
        short = inputs(2, 5)
        short["attention_mask"][:] = 1
        alone = model(**arrays(**short))
        for extra in (1, 4, 11):
            longer = {name: np.pad(values, ((0, 0), (0, extra))) for name, values in short.items()}
            padded = model(**arrays(**longer))
            assert_close(padded.last_hidden_state[:, :5], alone.last_hidden_state)
            assert_close(padded.pooler_output, alone.pooler_output)

    def test_each_row_of_a_padded_batch_is_what_it_is_alone(self, model):
        given = inputs(3, 9)
        together = model(**arrays(**given)).last_hidden_state
        for row in range(3):
            length = int(given["attention_mask"][row].sum())
            alone = model(**arrays(**{name: values[row : row + 1, :length] for name, values in given.items()}))
            assert_close(together[row : row + 1, :length], alone.last_hidden_state)

    def test_ids_and_types_at_padding_change_nothing_at_all_in_real_places(self, model):
        given = inputs(3, 9)
        out = to_numpy(model(**arrays(**given)).last_hidden_state)
        padded = given["attention_mask"] == 0
        other = given | {
            "input_ids": np.where(padded, 36 - given["input_ids"], given["input_ids"]).astype(np.int32),
            "token_type_ids": np.where(padded, 2, given["token_type_ids"]).astype(np.int32),
        }
        changed = to_numpy(model(**arrays(**other)).last_hidden_state)
        assert_bit_equal(changed[~padded], out[~padded])
        assert np.abs(changed[padded] - out[padded]).max() > 0.1

    def test_the_mask_may_be_boolean(self, model):
        given = inputs(3, 9)
        out = model(**arrays(**given)).last_hidden_state
        given["attention_mask"] = given["attention_mask"] == 1
        assert_bit_equal(model(**arrays(**given)).last_hidden_state, out)

    def test_a_row_without_a_real_token_attends_to_nothing(self, model):
        given = inputs(2, 6)
        given["attention_mask"][1] = 0
        with trace() as steps:
            traced = model(**arrays(**given))
        for layer in range(2):
            heads = steps[f"encoder.layers.{layer}.self_attention.heads"].value
            assert np.abs(heads[1]).max() == 0.0 and np.abs(heads[0]).max() > 0.1
        out = model(**arrays(**given))
        assert np.isfinite(to_numpy(out.last_hidden_state)).all()
        assert_close(out.last_hidden_state, traced.last_hidden_state)

    def test_rows_of_a_batch_do_not_meet(self, model):
        given = inputs(3, 9)
        order = [2, 0, 1]
        out = to_numpy(model(**arrays(**given)).last_hidden_state)
        turned = model(**arrays(**{name: values[order] for name, values in given.items()}))
        assert_close(turned.last_hidden_state, out[order])


class TestTrace:
    def test_traced_or_not(self, model):
        given = arrays(**inputs())
        plain = model(**given)
        with trace():
            first = model(**given)
        with trace():
            second = model(**given)
        assert_close(first.last_hidden_state, plain.last_hidden_state)
        assert_bit_equal(first.last_hidden_state, second.last_hidden_state)

    def test_under_dropout_of_weights_both_are_explicit_and_bit_equal(self):
        config = BertConfig.from_folder(GOLDEN)
        tiny_rate = replace(config, attention_probs_dropout_prob=1e-9, hidden_dropout_prob=0.0)
        model = BertModel.from_pretrained(GOLDEN, config=tiny_rate)
        model.train()
        plain = model(**arrays(**inputs()))
        with trace():
            traced = model(**arrays(**inputs()))
        assert_bit_equal(traced.last_hidden_state, plain.last_hidden_state)

    def test_paths_stand_beside_parameters(self, model):
        with trace() as steps:
            out = model(**arrays(**inputs()))
        modules = {name for name, _ in model.named_modules()}
        assert {path.rpartition(".")[0] for path in steps.paths} <= modules
        for name in ("word", "type", "position", "sum", "output"):
            assert f"embeddings.{name}" in steps
        assert steps["embeddings.position"].axes == ("time", "model")
        words = steps["embeddings.word"].value
        total = words + steps["embeddings.type"].value + steps["embeddings.position"].value
        assert_bit_equal(steps["embeddings.sum"].value, total)
        assert_bit_equal(steps["encoder.layers.0.input"].value, steps["embeddings.output"].value)
        assert_bit_equal(steps["encoder.layers.1.output"].value, to_numpy(out.last_hidden_state))
        assert_bit_equal(steps["pooler.output"].value, to_numpy(out.pooler_output))

    def test_the_masked_lm_head_and_a_head_switched_off(self):
        model = BertForMaskedLM.from_pretrained(GOLDEN)
        plain = to_numpy(model(**arrays(**inputs())).logits)
        with trace() as steps:
            steps.replace("bert.encoder.layers.0.self_attention.heads", lambda x: x * 0.0)
            out = model(**arrays(**inputs()))
        assert_bit_equal(steps["mlm_head.logits"].value, to_numpy(out.logits))
        assert steps["mlm_head.transformed"].value.shape == (3, 9, 24)
        assert np.abs(to_numpy(out.logits) - plain).max() > 0.1


class TestNewWeights:
    def test_they_are_drawn_as_berts_are(self):
        config = BertConfig(vocab_size=2000, hidden_size=60, num_hidden_layers=1, num_attention_heads=4)
        weights = dict(tree_flatten(BertForMaskedLM(config).parameters()))
        for path, value in weights.items():
            values = to_numpy(value)
            if path.endswith("norm.weight"):
                assert (values == 1).all(), path
            elif path.endswith("bias"):
                assert (values == 0).all(), path
            else:
                assert 0.015 < values.std() < 0.025 and abs(values.mean()) < 0.005, path
        assert is_float32(*weights.values())


class TestMeanPooling:
    def test_by_hand(self):
        hidden = mx.array(np.array([[[1, 2], [3, 4], [100, 100]], [[5, 6], [7, 8], [9, 10]]], np.float32))
        mask = mx.array(np.array([[1, 1, 0], [1, 0, 0]], np.int32))
        np.testing.assert_array_equal(to_numpy(mean_pooling(hidden, mask)), [[2, 3], [5, 6]])
        np.testing.assert_allclose(to_numpy(mean_pooling(hidden)), [[104 / 3, 106 / 3], [7, 8]], rtol=1e-6)

    def test_a_row_without_tokens_gives_zeros_and_padding_may_hold_anything(self):
        hidden = numbers(2, 3, 4)
        hidden[1, 1:] = [np.nan, np.inf, -np.inf, 1e38]
        mask = mx.array(np.array([[0, 0, 0], [1, 0, 0]], np.int32))
        pooled = mean_pooling(mx.array(hidden), mask)
        assert_bit_equal(pooled, np.stack([np.zeros(4, np.float32), hidden[1, 0]]))
        assert is_float32(pooled)

    def test_a_mask_of_another_shape_is_refused(self):
        with pytest.raises(ArgumentError, match=r"attention_mask must have shape \[batch=2, time=3\]; got \[2, 4\]"):
            mean_pooling(mx.array(numbers(2, 3, 4)), mx.ones((2, 4), dtype=mx.int32))


@pytest.mark.skipif(backend.name != "mlx", reason="MLX's own transformations")
class TestOnMLX:
    def test_quantized_it_still_runs_and_says_the_same_within_its_bits(self, tmp_path):
        config = BertConfig(vocab_size=64, hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
                            intermediate_size=128, initializer_range=0.2)  # fmt: skip
        model = BertForMaskedLM(config)
        model.eval()
        given = arrays(**inputs(2, 8, vocab_size=64, types=2))
        exact = to_numpy(model(**given).logits)
        nn.quantize(model, group_size=32, bits=8)
        kinds = {type(layer).__name__ for _, layer in model.named_modules()}
        assert "Linear" not in kinds and {"QuantizedLinear", "QuantizedEmbedding"} <= kinds
        quantized = to_numpy(model(**given).logits)
        assert 0 < np.abs(quantized - exact).max() < 0.05 * np.abs(exact).max()
        model.save_pretrained(tmp_path)
        again = BertForMaskedLM.from_pretrained(tmp_path)
        np.testing.assert_array_equal(to_numpy(again(**given).logits), quantized)

    def test_compiled_it_is_the_same_and_checks_lengths(self):
        model = BertModel(BertConfig(vocab_size=37, hidden_size=24, num_hidden_layers=1, num_attention_heads=3,
                                     intermediate_size=40, max_position_embeddings=16))  # fmt: skip
        model.eval()
        given = inputs(types=2)
        compiled = mx.compile(
            lambda ids, kinds, mask: model(ids, token_type_ids=kinds, attention_mask=mask).last_hidden_state
        )
        out = compiled(*arrays(**given).values())
        assert_close(out, model(**arrays(**given)).last_hidden_state)
        with pytest.raises(ArgumentError, match="has 17 tokens"):
            compiled(*(mx.zeros((1, 17), dtype=mx.int32) for _ in range(3)))
