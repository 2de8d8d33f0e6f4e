"""A cell opened: by hand, in every kind of origin, and followed back to where its terms came from."""

from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.inspection.cells import FUNCTIONS, open_cell
from mlxformer.layers.activations import ACTIVATIONS
from mlxformer.layers.config import LayerConfig
from mlxformer.origins import Function, Product, Rows, Share, Softmax, Total, Where, projection
from mlxformer.tracing import Step, tap

ATTENTION = "layers.0.self_attention"


def array(seed: int, *shape: int) -> mx.array:
    return mx.array(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def encoder(**config: object) -> mf.Encoder:
    model = mf.Encoder(2, 8, 2, 16, LayerConfig(**config))  # type: ignore[arg-type]
    model.eval()
    return model


def every_cell(steps: mf.Trace) -> dict[str, int]:
    """Opens three cells of each step; how often each rule made one. Fails where a sum is not its cell."""
    rules: dict[str, int] = {}
    for step in steps:
        size = step.value.size
        for flat in sorted({0, size // 2, size - 1}):
            cell = open_cell(step, np.unravel_index(flat, step.value.shape))  # type: ignore[arg-type]
            rule = "none" if cell is None else cell.rule
            rules[rule] = rules.get(rule, 0) + 1
            assert cell is None or cell.agrees, cell
    return rules


def test_the_steps_of_attention_by_hand() -> None:
    q, k = mx.array([[[[1.0, 2.0]]]]), mx.array([[[[3.0, 4.0], [0.0, 1.0]]]])
    v = mx.array([[[[10.0], [20.0]]]])
    with mf.trace() as steps:
        mf.scaled_dot_product_attention(q, k, v, scale=0.5)
    score = open_cell(steps["scores"], (0, 0, 0, 0))
    assert [term.value for term in score.terms] == [3.0, 8.0] and score.total == 11.0
    assert [(factor.index, factor.value) for factor in score.terms[1].factors] == [
        ((0, 0, 0, 1), 2.0),
        ((0, 0, 0, 1), 4.0),
    ]
    scaled = open_cell(steps["scaled"], (0, 0, 0, 1))
    assert scaled.total == 1.0 and scaled.terms[0].factors[0].step is steps["scores"]
    weight = open_cell(steps["weights"], (0, 0, 0, 1))
    facts = dict(weight.facts)
    assert facts["maximum"] == 5.5 and facts["sum"] == pytest.approx(1 + math.exp(-4.5), abs=1e-15)
    assert weight.total == pytest.approx(math.exp(-4.5) / (1 + math.exp(-4.5)), abs=1e-15)
    head = open_cell(steps["heads"], (0, 0, 0, 0))
    assert [term.axis for term in head.terms] == ["key", "key"]
    assert head.total == pytest.approx(20 - 10 / (1 + math.exp(-4.5)), abs=1e-5)


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("mask", [None, "causal"])
def test_every_step_of_an_encoder_is_the_sum_of_its_parts(norm: str, mask: str | None) -> None:
    model = encoder(norm=norm, activation="gelu")
    with mf.trace() as steps:
        model(array(0, 2, 5, 8), mask)
    rules = every_cell(steps)
    assert rules.pop("none") == 3  # what goes in: the first layer's input
    assert set(rules) == {"product", "softmax", "total", "function", *(["where"] if mask else []), "norm"}


@pytest.mark.parametrize(
    "layer",
    [
        mf.MultiHeadAttention(8, 4, num_kv_heads=2),
        mf.MultiHeadAttention(8, 2, rope=mf.RotaryEmbedding(4)),
        mf.MultiHeadAttention(8, 2, rope=mf.RotaryEmbedding(4, layout="halves")),
        mf.MultiHeadAttention(8, 2, tie="kv", sinks="one"),
        mf.MultiHeadAttention(8, 2, relative_keys=mf.RelativeKeys(4, 2)),
    ],
    ids=["grouped", "rotary", "rotary-halves", "tied-sinks", "relative"],
)
def test_every_kind_of_attention(layer: mf.MultiHeadAttention) -> None:
    x = array(1, 1, 5, 8)
    with mf.trace() as steps:
        layer(x, x, x, "causal")
    # How far keys are from queries is looked up, not added up; what is added to the scores is that step.
    assert every_cell(steps).get("none", 0) == (3 if layer.relative_keys is not None else 0)


def test_grouped_queries_share_their_keys() -> None:
    layer, x = mf.MultiHeadAttention(8, 4, num_kv_heads=2, bias=False), array(1, 1, 3, 8)
    with mf.trace() as steps:
        layer(x, x, x)
    factors = open_cell(steps["scores"], (0, 3, 1, 2)).terms[0].factors
    assert [(factor.name, factor.index) for factor in factors] == [("queries", (0, 3, 1, 0)), ("keys", (0, 1, 2, 0))]


def test_terms_lead_from_the_output_to_what_went_in() -> None:
    model = encoder()
    with mf.trace() as steps:
        model(array(0, 1, 4, 8))
    step, index = steps["layers.1.output"], (0, 2, 3)
    seen = []
    while (cell := open_cell(step, index)) is not None:
        seen.append(step.path)
        leads = [factor for term in cell.terms for factor in term.factors if factor.step is not None]
        step, index = leads[-1].step, leads[-1].index
        assert float(step.value[index]) == leads[-1].value
    assert step.path == "layers.0.input"
    assert f"{ATTENTION}.output" in seen and "layers.1.feed_forward.activated" in seen


def test_a_cache_leads_back_to_the_call_that_filled_it() -> None:
    layer, x, cache = mf.MultiHeadAttention(8, 2), array(2, 1, 4, 8), mf.KVCache()
    with mf.trace() as steps:
        layer(x[:, :3], x[:, :3], x[:, :3], "causal", cache=cache)
        layer(x[:, 3:], x[:, 3:], x[:, 3:], "causal", cache=cache)
    first, second = steps.all("keys")
    assert open_cell(second, (0, 1, 1, 2)).terms[0].factors[0].step is first
    new = open_cell(second, (0, 1, 3, 2)).terms[0].factors[0]
    assert new.index == (0, 1, 0, 2) and new.step.path == "new_keys" and open_cell(new.step, new.index).agrees
    every_cell(steps)


def test_embeddings_and_logits_of_both_models() -> None:
    config = mf.TransformerConfig(11, dims=8, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, ffn_dims=16)
    model = mf.Transformer(config)
    model.eval()
    ids = mx.array([[3, 4, 5]])
    with mf.trace() as steps:
        model(ids, ids)
    tokens = open_cell(steps["source_tokens"], (0, 1, 2))
    assert dict(tokens.facts) == {"id": 4.0, "scale": pytest.approx(math.sqrt(8))}
    assert set(every_cell(steps)) >= {"row", "norm", "where"}
    bert = mf.BertForMaskedLM(
        mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    )
    bert.eval()
    with mf.trace() as steps:
        bert(ids)
    assert every_cell(steps) == {"row": 9, "total": 6, "norm": 12, "product": 33, "softmax": 3, "function": 3}


def of(value: object, made: object) -> Step:
    array = np.asarray(value, dtype=np.float32)
    return Step("x", 0, tuple("abcd"[: array.ndim]), "", array, made)  # type: ignore[arg-type]


def step(value: object) -> Step:
    return of(value, None)


def test_what_a_mask_hides_and_where_nothing_is_seen() -> None:
    scores, allowed = step([[1.0, 5.0], [2.0, 3.0]]), step([[1, 0], [0, 0]])
    weights = of([[1.0, 0.0], [0.0, 0.0]], Softmax(scores, allowed))
    assert [open_cell(weights, (row, column)).total for row in (0, 1) for column in (0, 1)] == [1.0, 0.0, 0.0, 0.0]
    hidden = open_cell(of([[1.0, -9.0]], Where(step([[1, 0]]), step([[1.0, 5.0]]), -9.0)), (0, 1))
    assert hidden.total == -9.0 and hidden.terms[0].value == 5.0


def test_a_softmax_over_the_wrong_axis_and_shares() -> None:
    made = Softmax(step([[0.0, 1.0], [0.0, 2.0]]), None, axis=-2)
    assert open_cell(of([[0.5, 0.0], [0.5, 0.0]], made), (0, 0)).total == 0.5
    share = open_cell(of([[0.25, 0.75]], Share(step([[1.0, 3.0]]))), (0, 1))
    assert share.total == 0.75 and share.agrees
    assert math.isnan(open_cell(of([[math.nan]], Share(step([[math.inf]]))), (0, 0)).total)


def test_a_group_of_letters_is_one_axis_that_holds_two() -> None:
    weight = step(np.arange(8).reshape(4, 2))  # (h d) c
    made = Product("btc,(hd)c->bhtd", (step([[[1.0, 10.0]]]), weight))
    cell = open_cell(of(np.full((1, 2, 1, 2), 54.0), made), (0, 1, 0, 0))
    assert [factor.index for factor in cell.terms[1].factors] == [(0, 0, 1), (2, 1)] and cell.total == 54.0
    joined = Product("bhtd->bt(hd)", (step(np.arange(4).reshape(1, 2, 1, 2)),))
    assert open_cell(of(np.zeros((1, 1, 4)), joined), (0, 0, 3)).terms[0].factors[0].index == (0, 1, 0, 1)


def test_a_sum_that_is_not_the_cell_says_so() -> None:
    right = of([3.0], Total((step([1.0]), step([2.0]))))
    wrong = of([3.0001], Total((step([1.0]), step([2.0]))))
    assert open_cell(right, (0,)).agrees and not open_cell(wrong, (0,)).agrees


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_a_function_is_the_activation_of_its_name(name: str) -> None:
    numbers = np.array([-3.0, -0.5, 0.0, 0.7, 4.0], dtype=np.float32)
    expected = mf.backend.to_numpy(ACTIVATIONS[name](mx.array(numbers)))
    found = [open_cell(of(expected, Function(name, step(numbers))), (at,)).total for at in range(5)]
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert name in FUNCTIONS


def test_bad_cells_are_refused_and_inputs_have_no_sum() -> None:
    with mf.trace() as steps:
        encoder()(array(0, 1, 3, 8))
    assert open_cell(steps["layers.0.input"], (0, 0, 0)) is None
    scores = steps[f"{ATTENTION}.scores"]
    for index in [(0, 0, 0), (0, 0, 0, 3), (0, 0, 0, -1), (0, 0, 0, 0, 0)]:
        with pytest.raises(ArgumentError, match="there is no cell") as error:
            open_cell(scores, index)
        assert error.value.code == "cell-outside"


def test_a_replaced_step_has_no_sum_and_what_follows_is_made_of_it() -> None:
    model = encoder()
    with mf.trace() as steps:
        steps.replace(f"{ATTENTION}.heads", lambda heads: 0 * heads)
        model(array(0, 1, 3, 8))
    heads = steps[f"{ATTENTION}.heads"]
    assert heads.made is None
    joined = open_cell(steps[f"{ATTENTION}.concatenated"], (0, 1, 5))
    assert joined.total == 0.0 and joined.terms[0].factors[0].step is heads


def test_a_narrow_trace_keeps_no_origins_unless_asked() -> None:
    x = array(0, 1, 3, 8)
    for origins, known in [(None, False), (True, True)]:
        with mf.trace(only="*weights", origins=origins) as steps:
            encoder()(x)
        assert (steps[0].made is not None) == known
    with mf.trace(origins=False) as steps:
        encoder()(x)
    assert all(step.made is None for step in steps)


def test_steps_keep_parameters_and_no_module() -> None:
    model = encoder()
    gone = weakref.ref(model)
    with mf.trace() as steps:
        model(array(0, 1, 3, 8))
    del model
    gc.collect()
    assert gone() is None and open_cell(steps[f"{ATTENTION}.queries"], (0, 1, 2, 3)).agrees


def test_a_quantized_or_changed_layer_has_no_plain_sum() -> None:
    class Adapted(nn.Linear):
        pass

    assert projection(array(0, 1, 2, 3), Adapted(3, 4), "W") is None


def test_rows_of_a_table_scaled() -> None:
    made = Rows(step([[1.0, 2.0], [3.0, 4.0]]), step([[1.0]]), 2.0)
    cell = open_cell(of([[[6.0, 8.0]]], made), (0, 0, 1))
    assert cell.total == 8.0 and cell.terms[0].factors[0].index == (1, 1)


def test_an_untraced_tap_asks_for_no_origin() -> None:
    asked: list[int] = []
    tap("y", mx.ones((2,)), axes=("time",), of=lambda: asked.append(1))  # type: ignore[arg-type,return-value]
    assert asked == []
