"""``set_dtype`` holds through every model: what comes out is half, and is what float32 computes but for rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.models.transformer import POSITIONS
from tests.mlxformer.models.families import FAMILIES

HALVES = ["float16", *(["bfloat16"] if mf.backend.name == "mlx" else [])]
SOURCE = np.array([[5, 6, 7, 8], [9, 10, 0, 0]], np.int32)
TARGET = np.array([[1, 4, 5], [1, 7, 8]], np.int32)
SMALL: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}
BERT = mf.BertConfig(vocab_size=20, **SMALL)


def two(model: Any) -> Any:
    return model(mx.array(SOURCE), mx.array(TARGET))


def one(model: Any) -> Any:
    return model(mx.array(SOURCE), attention_mask=mx.array((SOURCE != 0).astype(np.int32)))


def transformer(positions: str, **more: Any) -> Any:
    sizes = {"dims": 16, "num_heads": 2, "num_encoder_layers": 2, "num_decoder_layers": 2, "ffn_dims": 32}
    return lambda: mf.Transformer(mf.TransformerConfig(20, positions=positions, **sizes, **more))  # type: ignore[arg-type]


def marian() -> Any:
    sizes = {"layers": 1, "ffn_dim": 32, "attention_heads": 2}
    both = {f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in sizes.items()}
    ids = {"pad_token_id": 0, "decoder_start_token_id": 1, "eos_token_id": 2}
    return mf.MarianModel(mf.MarianConfig(vocab_size=20, d_model=16, scale_embedding=True, **both, **ids))


def seq2seq(cell: str, **more: Any) -> Any:
    return lambda: mf.Seq2Seq(mf.Seq2SeqConfig(20, dims=8, hidden_dims=16, cell=cell, **more))  # type: ignore[arg-type]


def stack(**more: Any) -> Any:
    def make() -> Any:
        return mf.CausalStack(2, 16, 2, 32, mf.LayerConfig(norm="pre", **more))

    return make


def embedded(model: Any) -> Any:
    x = mx.array(np.random.default_rng(0).standard_normal((2, 4, 16)).astype(np.float32))
    return model(x.astype(next(iter(dict(tree_flatten(model.parameters())).values())).dtype))


MODELS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    **{f"transformer-{kind}": (transformer(kind), two) for kind in POSITIONS},
    "transformer-pre-rms-gqa": (transformer("rotary", norm="pre", norm_type="rms", num_kv_heads=1), two),
    "transformer-untied": (transformer("sinusoidal", tie_embeddings=False), two),
    "marian": (marian, two),
    **{f"seq2seq-{cell}": (seq2seq(cell), two) for cell in ("rnn", "gru", "lstm")},
    "seq2seq-bottleneck": (seq2seq("gru", attention=False, bidirectional=False), two),
    "bert": (lambda: mf.BertModel(BERT), one),
    "bert-masked": (lambda: mf.BertForMaskedLM(BERT), one),
    "bert-next": (lambda: mf.BertForNextSentencePrediction(BERT), one),
    "bert-pretraining": (lambda: mf.BertForPreTraining(BERT), one),
    "bert-classifier": (lambda: mf.BertForSequenceClassification(BERT), one),
    "albert": (lambda: mf.AlbertModel(mf.AlbertConfig(vocab_size=20, embedding_size=8, **SMALL)), one),
    **{
        name: (family.make, family.call)
        for name, family in FAMILIES.items()
        if name.startswith(("T5", "GPT, GPT", "GPT, Llama", "Roberta", "Modern", "BertForToken", "BertForQuestion"))
    },
    "gpt-like": (stack(), embedded),
    "llama-like": (
        stack(norm_type="rms", activation="silu", gated=True, num_kv_heads=1, rope=mf.RotaryEmbedding(8)),
        embedded,
    ),
    "experts": (lambda: mf.MixtureOfExperts(16, 32, 4), embedded),
    "latent": (lambda: mf.LatentAttention(16, 2, 8), lambda m: embedded(Calling(m, absorbed=False))),
    "latent-absorbed": (lambda: mf.LatentAttention(16, 2, 8), lambda m: embedded(Calling(m, absorbed=True))),
    "shaw": (
        lambda: mf.MultiHeadAttention(16, 2, relative_keys=mf.RelativeKeys(8, 2), sinks="learned"),
        lambda m: embedded(Calling(m, thrice=True)),
    ),
}


class Calling:
    """A call of a module with further arguments, which still has its parameters."""

    def __init__(self, module: Any, *, thrice: bool = False, **more: Any) -> None:
        self.module, self.thrice, self.more = module, thrice, more

    def parameters(self) -> Any:
        return self.module.parameters()

    def __call__(self, x: mx.array) -> Any:
        return self.module(*[x] * (3 if self.thrice else 2), **self.more)


def outputs(found: Any) -> list[mx.array]:
    return [x for x in found if x is not None] if isinstance(found, tuple) else [found]


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", MODELS)
def test_half_stays_half(name: str, dtype: str, traced: bool) -> None:
    make, call = MODELS[name]
    mx.random.seed(0)
    model = make()
    model.eval()
    wanted = [to_numpy(x) for x in outputs(call(model))]
    model.set_dtype(getattr(mx, dtype))
    if traced:
        with mf.trace():
            found = outputs(call(model))
    else:
        found = outputs(call(model))
    for got, right in zip(found, wanted, strict=True):
        assert got.dtype == getattr(mx, dtype)
        error = np.abs(to_numpy(got).astype(np.float64) - right).max() / max(1.0, np.abs(right).max())
        print(f"{name} {dtype} traced={traced}: {error:.1e}")
        assert error < (0.02 if dtype == "float16" else 0.15)


GENERATING = [name for name in MODELS if name.startswith(("transformer", "marian", "seq2seq", "GPT", "T5"))]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", GENERATING)
def test_generating_in_half(name: str, dtype: str) -> None:
    model = MODELS[name][0]()
    model.eval()
    model.set_dtype(getattr(mx, dtype))
    for beams in (1, 2):
        ids = model.generate(mx.array(SOURCE), max_length=6, num_beams=beams)
        assert ids.shape[0] == 2 and ids.dtype == mx.int32


@pytest.mark.parametrize("dtype", HALVES)
def test_a_cache_of_halves(dtype: str) -> None:
    model = MODELS["llama-like"][0]()
    model.set_dtype(getattr(mx, dtype))
    x = mx.array(np.random.default_rng(0).standard_normal((1, 5, 16)).astype(np.float32)).astype(getattr(mx, dtype))
    whole, cache = model(x), model.make_cache()
    for token in range(5):
        y = model(x[:, token : token + 1], cache=cache)
        assert y.dtype == x.dtype
    np.testing.assert_allclose(to_numpy(y)[:, 0], to_numpy(whole)[:, -1], atol=0.02 if dtype == "float16" else 0.15)
