"""Encoder and decoder against ``torch.nn.TransformerEncoder`` and ``TransformerDecoder``, with their weights."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder import Decoder
from mlxformer.layers.encoder import Encoder
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.golden.make_torch_stacks import FILE, arrays
from tests.mlxformer.torch_stacks import CASES, LAYERS, TT, C, F, H, inputs, make, renamed, run


def ours(kind, norm, activation, final_norm, weights):
    stack = {"encoder": Encoder, "decoder": Decoder}[kind](
        LAYERS, C, H, F, LayerConfig(norm=norm, activation=activation), final_norm=final_norm
    )
    stack.load_weights([(path, mx.array(value)) for path, value in renamed(weights, kind)])
    stack.eval()
    return stack


def output(stack, kind, given):
    source, target = mx.array(given["source"]), mx.array(given["target"])
    mask = masks.padding(mx.array(given["valid"]))
    return stack(source, mask) if kind == "encoder" else stack(target, source, "causal", mask)


@pytest.fixture(scope="module")
def golden():
    with np.load(FILE) as file:
        return dict(file)


def stored(golden, name):
    given = {key: golden[f"given/{key}"] for key in ("source", "target", "valid")}
    weights = {
        key.removeprefix(f"{name}/weights/"): value
        for key, value in golden.items()
        if key.startswith(f"{name}/weights/")
    }
    return given, weights, golden[f"{name}/output"]


@pytest.mark.parametrize("name", CASES)
def test_as_torch_computed_once(golden, name):
    given, weights, wanted = stored(golden, name)
    assert_close(output(ours(*CASES[name], weights), CASES[name][0], given), wanted)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_as_torch_computes_now(name, seed):
    pytest.importorskip("torch", reason="the live comparison needs torch")
    given, stack = inputs(seed), make(*CASES[name], seed=seed)
    weights = {path: value.numpy() for path, value in stack.state_dict().items()}
    assert_close(output(ours(*CASES[name], weights), CASES[name][0], given), run(stack, CASES[name][0], given))


def test_golden_values_are_what_torch_computes(golden):
    pytest.importorskip("torch", reason="torch makes the golden values")
    made = arrays()
    assert made.keys() == golden.keys()
    for name, value in made.items():
        assert_close(golden[name].astype(np.float64), value.astype(np.float64), 1e-6)


@pytest.mark.parametrize("name", ["encoder post", "decoder pre"])
def test_no_parameter_can_be_lost(golden, name):
    """Each one neutral in turn: the comparison fails, but for a key's bias, which softmax cannot feel."""
    given, weights, wanted = stored(golden, name)
    stack = ours(*CASES[name], weights)
    limit = 1e-5 * max(1.0, np.abs(wanted).max())
    for path, value in tree_flatten(stack.parameters()):
        neutral = np.full(value.shape, float(path.endswith("norm.weight")), np.float32)
        stack.load_weights([(path, mx.array(neutral))], strict=False)
        error = np.abs(to_numpy(output(stack, CASES[name][0], given)) - wanted).max()
        assert error <= limit if path.endswith("key_proj.bias") else error > 10 * limit, path
        stack.load_weights([(path, value)], strict=False)


def test_a_final_norm_in_post_norm_mode_is_another_model(golden):
    """torch.nn.Transformer and mlx.nn.Transformer have it; the paper has not (§3.1)."""
    given, weights, wanted = stored(golden, "encoder post final")
    without = [entry for entry in renamed(weights, "encoder") if not entry[0].startswith("final_norm")]
    stack = Encoder(LAYERS, C, H, F, LayerConfig(activation="gelu"))
    stack.load_weights([(path, mx.array(value)) for path, value in without])
    stack.eval()
    assert np.abs(to_numpy(output(stack, "encoder", given)) - wanted).max() > 0.1


def test_a_fully_masked_source_row_differs_from_torch_on_purpose(golden):
    """torch gives NaN where nothing may be attended to; ours adds nothing and goes on."""
    given, weights, _ = stored(golden, "decoder post")
    given["valid"] = given["valid"].copy()
    given["valid"][0] = False
    found = to_numpy(output(ours(*CASES["decoder post"], weights), "decoder", given))
    assert found.shape == (3, TT, C) and np.isfinite(found).all()
