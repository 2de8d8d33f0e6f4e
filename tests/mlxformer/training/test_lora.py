"""LoRA: it starts as the model, trains A and B alone, folds in, and comes back from its folder; on every model."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.layers.token_mixing import TokenMixing
from mlxformer.training.lora import ATTENTION, LoRALinear
from tests.mlxformer.models.test_half_precision import BERT, MODELS, outputs


def disturbed(model: Any) -> Any:
    """With a B that is not zero, so that the adapters do something."""
    generator = np.random.default_rng(1)
    for _, layer in model.named_modules():
        if isinstance(layer, LoRALinear):
            numbers = 0.1 * generator.standard_normal(layer.lora_b.shape).astype(np.float32)
            layer.lora_b = mx.array(numbers).astype(layer.lora_b.dtype)
    return model


def values_of(model: Any, call: Any) -> list[np.ndarray]:
    return [to_numpy(x).astype(np.float64) for x in outputs(call(model))]


@pytest.mark.parametrize("name", MODELS)
def test_on_every_model(name: str, tmp_path: Any) -> None:
    make, call = MODELS[name]
    model = make()
    model.eval()
    before = values_of(model, call)
    frozen = {path for path, _ in tree_flatten(model.parameters())} - {
        path for path, _ in tree_flatten(model.trainable_parameters())
    }
    assert mf.lora(model, rank=2, alpha=4) is model
    for ours, was in zip(values_of(model, call), before, strict=True):  # B is zero
        np.testing.assert_allclose(ours, was, atol=1e-6)  # a fused GRU is summed in another order
    trainable = [path for path, _ in tree_flatten(model.trainable_parameters())]
    assert trainable and all(path.endswith(("lora_a", "lora_b")) for path in trainable)
    disturbed(model)
    adapted = values_of(model, call)
    assert any(np.abs(ours - was).max() > 1e-6 for ours, was in zip(adapted, before, strict=True))

    mf.save_adapters(model, tmp_path)
    again = make()
    again.eval()
    plain = dict(tree_flatten(mf.merge_lora(copy.deepcopy(model)).parameters()))
    base = {
        path.replace(".base.", "."): value for path, value in tree_flatten(model.parameters()) if "lora_" not in path
    }
    again.load_weights([(path, base[path]) for path, _ in tree_flatten(again.parameters())])
    mf.load_adapters(again, tmp_path)
    for ours, wanted in zip(values_of(again, call), adapted, strict=True):
        np.testing.assert_array_equal(ours, wanted)

    merged = mf.merge_lora(model)
    for ours, wanted in zip(values_of(merged, call), adapted, strict=True):
        np.testing.assert_allclose(ours, wanted, atol=2e-5 * max(1, np.abs(wanted).max()))
    assert {path for path, _ in tree_flatten(merged.parameters())} == set(plain)
    now = {path for path, _ in tree_flatten(merged.parameters())} - {
        path for path, _ in tree_flatten(merged.trainable_parameters())
    }
    assert now == frozen  # Marian's constant stays one


def test_the_formula() -> None:
    """W x + (α / r) B A x, by hand."""
    layer = nn.Linear(2, 2, bias=False)
    layer.weight = mx.array([[1.0, 2.0], [3.0, 4.0]])
    adapter = LoRALinear(layer, 2, 2, rank=1, alpha=3.0)
    adapter.lora_a, adapter.lora_b = mx.array([[1.0, 1.0]]), mx.array([[2.0], [-1.0]])
    np.testing.assert_allclose(to_numpy(adapter(mx.array([[1.0, 10.0]]))), [[21 + 66, 43 - 33]])
    np.testing.assert_allclose(to_numpy(adapter.merged().weight), [[7.0, 8.0], [0.0, 1.0]])


def test_training_moves_the_adapters_alone() -> None:
    mx.random.seed(0)
    model = mf.lora(mf.BertForSequenceClassification(BERT), rank=4, targets=["query_proj", "classifier", "dense"])
    model.eval()  # without dropout
    ids, labels = mx.array([[5, 6, 7], [8, 9, 10]]), mx.array([0, 1])
    before = {path: to_numpy(value) for path, value in tree_flatten(model.parameters())}

    def loss(model: Any) -> Any:
        return nn.losses.cross_entropy(model(ids).logits, labels, reduction="mean")

    step, optimizer = nn.value_and_grad(model, loss), optimizers.Adam(0.02)
    first, _ = step(model)
    for _ in range(30):
        _, grads = step(model)
        optimizer.update(model, grads)
    last, _ = step(model)
    assert float(last) < 0.2 * float(first)
    for path, value in tree_flatten(model.parameters()):
        moved = not np.array_equal(to_numpy(value), before[path])
        assert moved == ("lora_" in path and "key" not in path), path


def test_what_is_chosen() -> None:
    model = mf.lora(mf.BertModel(BERT))
    chosen = [path for path, layer in model.named_modules() if isinstance(layer, LoRALinear)]
    assert sorted({path.rpartition(".")[2] for path in chosen}) == sorted(ATTENTION) and len(chosen) == 8
    one = mf.lora(mf.BertModel(BERT), targets="encoder.layers.1.feed_forward.up_proj")
    assert [path for path, layer in one.named_modules() if isinstance(layer, LoRALinear)] == [
        "encoder.layers.1.feed_forward.up_proj"
    ]
    all_of_it = mf.lora(mf.FeedForward(8, 16))
    assert isinstance(all_of_it.up_proj, LoRALinear) and isinstance(all_of_it.down_proj, LoRALinear)


def test_saving_the_model_stores_what_it_computes(tmp_path: Any) -> None:
    model = disturbed(mf.lora(mf.BertModel(BERT)))
    model.eval()
    ids = mx.array([[5, 6, 7]])
    model.save_pretrained(tmp_path)
    again = mf.BertModel.from_pretrained(tmp_path)
    np.testing.assert_allclose(
        to_numpy(again(ids).last_hidden_state), to_numpy(model(ids).last_hidden_state), atol=1e-5
    )


@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_it_travels(way: Any) -> None:
    model = disturbed(mf.lora(mf.BertModel(BERT)))
    model.eval()
    ids = mx.array([[5, 6, 7]])
    moved = way(model)
    np.testing.assert_array_equal(to_numpy(moved(ids).pooler_output), to_numpy(model(ids).pooler_output))
    assert [path for path, _ in tree_flatten(moved.trainable_parameters())] == [
        path for path, _ in tree_flatten(model.trainable_parameters())
    ]
    mf.merge_lora(moved)


def test_in_half_precision(tmp_path: Any) -> None:
    model = mf.BertModel(BERT)
    model.eval()
    model.set_dtype(mx.float16)
    disturbed(mf.lora(model))
    ids = mx.array([[5, 6, 7]])
    wanted = model(ids).last_hidden_state
    assert wanted.dtype == mx.float16
    assert {str(value.dtype).rpartition(".")[2] for _, value in tree_flatten(model.parameters())} == {"float16"}
    mf.save_adapters(model, tmp_path)
    got = mf.merge_lora(model)(ids).last_hidden_state
    assert got.dtype == mx.float16
    np.testing.assert_allclose(to_numpy(got), to_numpy(wanted), atol=0.02)


@pytest.mark.skipif(mf.backend.name != "mlx", reason="NumPy quantizes nothing")
def test_beside_quantized_projections(tmp_path: Any) -> None:
    config = mf.BertConfig(
        vocab_size=64, hidden_size=64, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    model = mf.BertModel(config)
    model.eval()
    nn.quantize(model, group_size=32, bits=8)
    ids = mx.array([[5, 6, 7]])
    before = to_numpy(model(ids).last_hidden_state)
    mf.lora(model, rank=2)
    np.testing.assert_array_equal(to_numpy(model(ids).last_hidden_state), before)
    disturbed(model)
    adapted = to_numpy(model(ids).last_hidden_state)
    assert np.abs(adapted - before).max() > 1e-3
    mf.save_adapters(model, tmp_path)
    with pytest.raises(ArgumentError, match="cannot take an adapter in") as caught:
        mf.merge_lora(model)
    assert caught.value.code == "lora-quantised"


@pytest.mark.skipif(mf.backend.name != "mlx", reason="NumPy quantizes nothing")
@pytest.mark.parametrize("absorbed", [False, True])
def test_quantized_layers_that_read_their_matrix(absorbed: bool) -> None:
    layer = mf.LatentAttention(64, 2, 32)
    x = mx.array(np.random.default_rng(0).standard_normal((1, 5, 64)).astype(np.float32))
    exact = to_numpy(layer(x, x, absorbed=absorbed))
    nn.quantize(layer, group_size=32, bits=8)
    assert type(layer.key_up).__name__ == "QuantizedLinear"
    np.testing.assert_allclose(to_numpy(layer(x, x, absorbed=absorbed)), exact, atol=0.02)
    for module in (TokenMixing(5), mf.T5RelativeBias(4), mf.RelativeKeys(8, 2), mf.LatentAttention(64, 2, 8)):
        nn.quantize(module, group_size=32, bits=8)  # odd widths stay as they are
    mixing = TokenMixing(64, bias=True)
    y = mx.array(np.random.default_rng(0).standard_normal((1, 64, 3)).astype(np.float32))
    exact = to_numpy(mixing(y))
    nn.quantize(mixing, group_size=32, bits=8)
    np.testing.assert_allclose(to_numpy(mixing(y)), exact, atol=0.02)
    model = mf.Transformer(mf.TransformerConfig(64, dims=64, num_heads=2, ffn_dims=64, positions="t5"))
    nn.quantize(model, group_size=32, bits=8)
    assert model(mx.array([[5, 6]]), mx.array([[1, 4]])).shape == (1, 2, 64)


def test_numpy_names_the_cure() -> None:
    if mf.backend.name != "numpy":
        pytest.skip("an error of the NumPy backend")
    with pytest.raises(mf.MlxformerError, match=r"nn\.quantize is not on the list.*MLXFORMER_BACKEND=mlx"):
        nn.quantize(mf.BertModel(BERT))


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (lambda m: mf.lora(m, rank=0), "not-positive"),
        (lambda m: mf.lora(m, alpha=0.0), "not-a-positive-number"),
        (lambda m: mf.lora(m, alpha=float("nan")), "not-a-positive-number"),
        (lambda m: mf.lora(m, targets=["q_proj"]), "unknown-choice"),
        (lambda m: mf.lora(m, targets=[]), "lora-no-projections"),
        (lambda m: mf.lora(m, targets=5), "unknown-choice"),
        (lambda m: mf.lora(5), "wrong-kind"),
        (lambda m: mf.merge_lora(type(m)), "wrong-kind"),
        (lambda m: mf.lora(mf.lora(m)), "lora-twice"),
        (lambda m: mf.lora(nn.LayerNorm(4)), "lora-no-projections"),
        (lambda m: mf.merge_lora(m), "lora-none"),
        (lambda m: mf.save_adapters(m, "nowhere"), "lora-none"),
    ],
)
def test_bad_arguments(run: Any, code: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        run(mf.BertModel(BERT))
    assert caught.value.code == code


def test_folders_that_do_not_fit(tmp_path: Any) -> None:
    with pytest.raises(CheckpointError, match=r"has no adapter_config\.json"):
        mf.load_adapters(mf.BertModel(BERT), tmp_path)
    mf.save_adapters(mf.lora(mf.BertModel(BERT), rank=2), tmp_path)
    with pytest.raises(CheckpointError, match="has no projection 'encoder"):
        mf.load_adapters(mf.FeedForward(4, 8), tmp_path)
    wide = mf.BertConfig(vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=2)
    with pytest.raises(CheckpointError, match=r"needs A \[2, 32\] and B \[32, 2\]; stored are"):
        mf.load_adapters(mf.BertModel(wide), tmp_path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"adapters": {}}))
    with pytest.raises(CheckpointError, match="names no adapters"):
        mf.load_adapters(mf.BertModel(BERT), tmp_path)
