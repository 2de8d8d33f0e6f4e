"""What both backends must compute alike: one case for every component. Append yours; nothing else needs to change.

    @case
    def my_layer():
        return observed(MyLayer(8), mx.array(numbers(2, 5, 8)))

A case returns named arrays; ``observed`` gives those of a module: outputs, traced steps, gradients. The comparison is
test_parity_between_backends.py, which runs this file as a program:

    MLXFORMER_BACKEND=mlx python -m tests.mlxformer.parity_cases mlx.npz
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import mlxformer
from mlxformer import positions
from mlxformer.attention.block_selection import select_blocks
from mlxformer.attention.cache import KVCache
from mlxformer.attention.delta_rule import chunked, delta_rule
from mlxformer.attention.functional import attention_weights, masks, scaled_dot_product_attention
from mlxformer.attention.latent import LatentAttention
from mlxformer.attention.linear import LinearAttentionState, linear_attention
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.attention.scores import KINDS, ScoredAttention
from mlxformer.backend import is_array, mx, to_numpy
from mlxformer.layers import activations
from mlxformer.layers.causal_stack import CausalStack
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.convolution import ConvolutionLayer
from mlxformer.layers.decoder import Decoder
from mlxformer.layers.encoder import Encoder
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.layers.gated_feed_forward import GatedFeedForward
from mlxformer.layers.mixture_of_experts import MixtureOfExperts, balance_bias_step, load_balancing_loss
from mlxformer.layers.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell, orthogonal
from mlxformer.layers.token_mixing import TokenMixing
from mlxformer.models.bert.albert import AlbertConfig, AlbertModel
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
)
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.pooling import mean_pooling
from mlxformer.models.bert.roberta import (
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    RobertaModel,
)
from mlxformer.models.bert.sentences import BiEncoder
from mlxformer.models.bert.token_heads import BertForQuestionAnswering, BertForTokenClassification
from mlxformer.models.gpt.config import GPTConfig
from mlxformer.models.gpt.model import GPT
from mlxformer.models.marian.config import MarianConfig
from mlxformer.models.marian.model import MarianModel
from mlxformer.models.modernbert.config import ModernBertConfig
from mlxformer.models.modernbert.masked_lm import ModernBertForMaskedLM
from mlxformer.models.modernbert.model import ModernBertModel
from mlxformer.models.sentences.pipeline import Dense
from mlxformer.models.seq2seq import Seq2Seq, Seq2SeqConfig
from mlxformer.models.t5.config import T5Config
from mlxformer.models.t5.model import T5Model
from mlxformer.models.transformer import Transformer, TransformerConfig
from mlxformer.teaching import mistakes
from mlxformer.teaching.attention_only import AttentionOnly, AttentionOnlyLM
from mlxformer.teaching.online_softmax import blockwise_attention
from mlxformer.teaching.quantization import dequantize, quantize
from mlxformer.teaching.quantized_products import decomposed_linear, smoothed_linear
from mlxformer.teaching.target_attention import TargetAttention
from mlxformer.tracing import Module
from mlxformer.training.lora import lora
from tests.mlxformer.comparing import booleans
from tests.mlxformer.observing import SEEN, batch, filled, observed, token_ids

CASES: dict[str, Callable[[], dict[str, Any]]] = {}


def case(function: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    assert function.__name__ not in CASES, f"two cases are called {function.__name__}"
    CASES[function.__name__] = function
    return function


def run(names: list[str] | None = None) -> dict[str, np.ndarray]:
    """Every array of the cases ``names`` (all by default) as ``case/array``."""
    results = {}
    for name in CASES if names is None else names:
        for part, value in CASES[name]().items():
            results[f"{name}/{part}"] = to_numpy(value) if is_array(value) else np.asarray(value)
    return results


def library_modules() -> set[type]:
    """Every subclass of ``Module`` that mlxformer defines, wherever it is, but those of examples in docstrings."""
    for info in pkgutil.walk_packages(mlxformer.__path__, "mlxformer."):
        if not info.name.startswith("mlxformer.backend.") and "__main__" not in info.name:
            importlib.import_module(info.name)
    found, waiting = set(), [Module]
    while waiting:
        for subclass in waiting.pop().__subclasses__():
            waiting.append(subclass)
            home = sys.modules.get(subclass.__module__)
            if subclass.__module__.startswith("mlxformer.") and getattr(home, subclass.__name__, None) is subclass:
                found.add(subclass)
    return found


# Attention, masks, positions


@case
def attention_fused() -> dict[str, Any]:
    q, k, v = batch(2, 4, 5, 64, seed=1), batch(2, 2, 7, 64, seed=2), batch(2, 2, 7, 64, seed=3)
    blind = booleans(2, 1, 5, 7)
    blind[0, :, 1] = False
    kinds = {"none": None, "causal": "causal", "window": masks.sliding_window(5, 7, 2, 1), "blind": mx.array(blind)}
    found = {name: scaled_dot_product_attention(q, k, v, mask=mask) for name, mask in kinds.items()}
    found["more_queries"] = scaled_dot_product_attention(k, k[:, :, :5], v[:, :, :5], mask="causal")
    for name, mask in kinds.items():
        slopes = mx.grad(
            lambda q, k, v, mask=mask: mx.sum(scaled_dot_product_attention(q, k, v, mask=mask) ** 2), argnums=(0, 1, 2)
        )(q, k, v)
        found |= {f"{name}_gradient_{what}": slope for what, slope in zip("qkv", slopes, strict=True)}
    return found


@case
def attention_explicit() -> dict[str, Any]:
    q, k, bias = batch(2, 4, 5, 8, seed=1), batch(2, 4, 7, 8, seed=2), batch(1, 4, 5, 7, seed=3)
    return {
        "weights": attention_weights(q, k, mask="causal"),
        "biased": attention_weights(q, k, bias=bias),
        "outputs": scaled_dot_product_attention(q, k, k, bias=bias, mask=masks.sliding_window(5, 7, 1, 1)),
        "by_blocks": blockwise_attention(q, k, k, mask="causal", block_size=3),
    }


@case
def all_masks() -> dict[str, Any]:
    valid = mx.array(booleans(2, 6))
    return {
        "causal": masks.causal(4, 6),
        "window": masks.sliding_window(6, 6, 2, 0),
        "padding": masks.padding(valid),
        "selected": select_blocks(batch(1, 2, 5, 4, seed=1), batch(1, 2, 9, 4, seed=2), 2, 2),
        "combined": masks.combine(masks.padding(valid), masks.causal(4, 6)),
    }


@case
def all_activations() -> dict[str, Any]:
    x = batch(3, 50, seed=4) * 3.0
    return {name: function(x) for name, function in activations.ACTIVATIONS.items()}


@case
def positions_without_parameters() -> dict[str, Any]:
    x = batch(1, 2, 5, 8)
    return {
        "sinusoidal": positions.SinusoidalPositions(10)(5, 3),
        "halves": positions.sinusoidal_positions(5, 10, layout="halves"),
        "rotary": positions.RotaryEmbedding(8)(x, offset=9),
        "rotary_halves": positions.RotaryEmbedding(8, layout="halves", rotary_dims=4)(x, offset=9),
        "alibi": positions.alibi_bias(6, 4, 7),
    }


@case
def learned_positions() -> dict[str, Any]:
    return observed(positions.LearnedPositions(9, 8), 4, 2)


@case
def t5_bias() -> dict[str, Any]:
    return observed(positions.T5RelativeBias(4, num_buckets=8, max_distance=16), 6, 9)


@case
def shaw_keys() -> dict[str, Any]:
    x = batch(2, 5, 16)
    layer = MultiHeadAttention(16, 4, relative_keys=positions.RelativeKeys(4, 2), rope=positions.RotaryEmbedding(4))
    SEEN.update({positions.RotaryEmbedding, positions.SinusoidalPositions})
    return observed(layer, x, x, x, "causal")


@case
def multi_head_attention() -> dict[str, Any]:
    x, memory = batch(2, 5, 16), batch(2, 7, 16, seed=1)
    valid = np.ones((2, 7), bool)
    valid[1, 3:] = False
    return observed(MultiHeadAttention(16, 4), x, memory, memory, masks.padding(mx.array(valid)))


@case
def grouped_and_tied_attention() -> dict[str, Any]:
    x, found = batch(2, 5, 16), {}
    for name, options in {"gqa": {"num_kv_heads": 2}, "kv": {"tie": "kv"}, "qk": {"tie": "qk"}}.items():
        layer = observed(MultiHeadAttention(16, 4, bias=False, **options), x, x, x, "causal")
        found |= {f"{name}.{part}": value for part, value in layer.items()}
    return found


@case
def attention_with_a_cache() -> dict[str, Any]:
    layer, x, cache = filled(MultiHeadAttention(16, 4)), batch(2, 5, 16), KVCache()
    parts = [layer(*[x[:, t : t + 1]] * 3, "causal", cache=cache) for t in range(5)]
    return {"outputs": mx.concatenate(parts, axis=1), "keys": cache.fetch()[0], "values": cache.fetch()[1]}


@case
def bounded_scores() -> dict[str, Any]:
    layer = MultiHeadAttention(16, 4, num_kv_heads=2, qk_norm=True, softcap=2.0, rope=positions.RotaryEmbedding(4))
    return observed(layer, *[batch(2, 5, 16)] * 3, "causal")


@case
def latent_attention() -> dict[str, Any]:
    x, found, cache = batch(2, 5, 16), {}, KVCache()
    for absorbed in (False, True):
        ran = observed(LatentAttention(16, 4, 6), x, x, "causal", absorbed=absorbed)
        found |= {f"{absorbed}.{part}": value for part, value in ran.items()}
        layer = LatentAttention(16, 4, 6, rope=positions.RotaryEmbedding(6))
        turned = observed(layer, x, x, "causal", absorbed=absorbed)
        found |= {f"{absorbed}.turned.{part}": value for part, value in turned.items()}
    filled(LatentAttention(16, 4, 6))(x, x, "causal", cache=cache)
    return found | {"latents": cache.fetch()}


@case
def wrong_recipes() -> dict[str, Any]:
    x = batch(2, 5, 16)
    q, k = batch(1, 2, 5, 8, seed=1), batch(1, 2, 5, 8, seed=2)
    found = observed(mistakes.MultiHeadAttentionWithoutTranspose(16, 4), x, x, x)
    found["over_queries"] = mistakes.softmax_over_queries(q, k, k)
    return found | {"late_mask": mistakes.mask_after_softmax(q, k, k)}


@case
def quantization() -> dict[str, Any]:
    x, weight = batch(1, 6, 16)[0] * 4, batch(1, 5, 16)[0]
    found = quantize(x, 4, axis=0)
    return {
        "codes": found.codes.astype(mx.int32),
        "numbers": dequantize(found),
        "decomposed": decomposed_linear(x, weight),
        "smoothed": smoothed_linear(x, weight),
    }


# Layers and models


@case
def gated_feed_forward() -> dict[str, Any]:
    return observed(GatedFeedForward(8, 12), batch(2, 5, 8))


@case
def feed_forward() -> dict[str, Any]:
    found = {}
    for name in ("relu", "gelu", "gelu_new", "silu"):
        layer = observed(FeedForward(8, 16, activation=name), batch(2, 5, 8))
        found |= {f"{name}.{part}": value for part, value in layer.items()}
    return found


@case
def encoder_post_norm() -> dict[str, Any]:
    return observed(Encoder(2, 16, 4, 32), batch(2, 5, 16), masks.sliding_window(5, 5, 1, 1))


@case
def encoder_pre_norm() -> dict[str, Any]:
    return observed(Encoder(2, 16, 4, 32, LayerConfig(norm="pre", activation="gelu")), batch(2, 5, 16))


@case
def decoder() -> dict[str, Any]:
    return observed(Decoder(2, 16, 4, 32, LayerConfig(norm="pre")), batch(2, 5, 16), batch(2, 6, 16, seed=1))


@case
def causal_stack() -> dict[str, Any]:
    stack, x = CausalStack(2, 16, 4, 32), batch(2, 5, 16)
    found, cache = observed(stack, x), filled(stack).make_cache()
    return found | {"cached": mx.concatenate([stack(x[:, t : t + 1], cache=cache) for t in range(5)], axis=1)}


@case
def transformer() -> dict[str, Any]:
    source, target = token_ids(2, 6, size=20), token_ids(2, 4, size=20, seed=1)
    found = {}
    for kind in ("sinusoidal", "learned", "rotary", "alibi", "t5"):
        config = TransformerConfig(20, 16, 4, 1, 1, 32, positions=kind, max_positions=16)
        model = observed(Transformer(config), source, target, gradients=kind == "sinusoidal")
        found |= {f"{kind}.{part}": value for part, value in model.items()}
    return found


@case
def transformer_generates() -> dict[str, Any]:
    model = filled(Transformer(TransformerConfig(20, 16, 4, 1, 2, 32)))
    source = token_ids(3, 6, size=20)
    return {
        "greedy": model.generate(source, max_length=9),
        "beams": model.generate(source, num_beams=3, max_length=9, length_penalty=0.6),
    }


def small_bert() -> BertConfig:
    return BertConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32,
        max_position_embeddings=12,
    )  # fmt: skip


@case
def bert() -> dict[str, Any]:
    ids, mask = token_ids(2, 7, size=30), mx.array(np.array([[1] * 7, [1] * 4 + [0] * 3]))
    types = mx.array((np.arange(7) > 3).astype(np.int32)[None].repeat(2, axis=0))
    found = observed(BertModel(small_bert()), ids, token_type_ids=types, attention_mask=mask)
    found["mean"] = mean_pooling(batch(2, 7, 16), mask)
    return found


@case
def albert() -> dict[str, Any]:
    config = AlbertConfig(
        vocab_size=30, embedding_size=6, hidden_size=16, num_hidden_layers=4, num_hidden_groups=2,
        num_attention_heads=4, intermediate_size=32, max_position_embeddings=12,
    )  # fmt: skip
    ids, mask = token_ids(2, 7, size=30), mx.array(np.array([[1] * 7, [1] * 4 + [0] * 3]))
    return observed(AlbertModel(config), ids, attention_mask=mask)


@case
def bert_heads() -> dict[str, Any]:
    found = {}
    for kind in (
        BertForMaskedLM, BertForNextSentencePrediction, BertForPreTraining, BertForSequenceClassification,
    ):  # fmt: skip
        head = observed(kind(small_bert()), token_ids(2, 7, size=30), gradients=kind is BertForPreTraining)
        found |= {f"{kind.__name__}.{part}": value for part, value in head.items()}
    return found


@case
def marian() -> dict[str, Any]:
    config = MarianConfig(
        vocab_size=20, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=16,
        pad_token_id=19, eos_token_id=0, decoder_start_token_id=19,
    )  # fmt: skip
    model = MarianModel(config)
    source = token_ids(2, 6, size=19)
    found = observed(model, source, token_ids(2, 4, size=19, seed=1))
    return found | {"generated": model.generate(source, max_length=8, num_beams=2)}


@case
def bert_with_labels() -> dict[str, Any]:
    sizes = {"vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 24, "max_position_embeddings": 12}  # fmt: skip
    config, ids, found = BertConfig(**sizes, id2label={0: "a", 1: "b", 2: "c"}), token_ids(2, 5, size=20), {}
    labels = mx.array(np.array([[0, -100, 2, 1, 0], [2, 2, -100, -100, 1]], np.int32))
    ends = mx.array(np.array([1, 4], np.int32))
    for name, model, given in (
        ("tokens", BertForTokenClassification(config), {"labels": labels}),
        ("questions", BertForQuestionAnswering(config), {"start_positions": ends, "end_positions": ends}),
        ("classes", BertForSequenceClassification(config), {"labels": labels[:, 0]}),
        ("roberta", RobertaModel(RobertaConfig(**sizes)), {}),
        ("roberta-masked", RobertaForMaskedLM(RobertaConfig(**sizes)), {}),
        ("roberta-classes", RobertaForSequenceClassification(RobertaConfig(**sizes)), {"labels": mx.array([0, 1])}),
    ):
        found |= {f"{name}.{part}": value for part, value in observed(model, ids, **given).items()}
    return found | observed(Dense(4, 3, True, "tanh"), batch(2, 4))


@case
def decoder_only() -> dict[str, Any]:
    llama = {"positions": "rotary", "norm_type": "rms", "activation": "silu", "gated": True, "num_kv_heads": 2,
             "attention_bias": False, "ffn_bias": False, "tie_embeddings": False}  # fmt: skip
    mask, found = mx.array(np.array([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]], np.int32)), {}
    for name, options in (("gpt2", {}), ("llama", llama)):
        model = GPT(GPTConfig(20, dims=16, num_heads=4, num_layers=2, ffn_dims=24, **options))
        ids = token_ids(2, 5, size=20)
        found |= {f"{name}.{part}": value for part, value in observed(model, ids, mask).items()}
        for how, asked in (("greedy", {}), ("beams", {"num_beams": 3}), ("drawn", {"temperature": 0.9, "seed": 1})):
            found[f"{name}.{how}"] = filled(model).generate(ids, mask, max_new_tokens=6, **asked)
    return found


@case
def text_to_text() -> dict[str, Any]:
    source, target, found = token_ids(2, 6, size=20), token_ids(2, 4, size=20, seed=1), {}
    flan = {"feed_forward_proj": "gated-gelu", "own_output": True, "scale_decoder_outputs": False}
    for name, options in (("t5", {}), ("flan", flan)):
        config = T5Config(vocab_size=20, d_model=12, d_kv=5, d_ff=20, num_layers=2, num_heads=3, **options)
        model = T5Model(config)
        found |= {f"{name}.{part}": value for part, value in observed(model, source, target).items()}
        found[f"{name}.generated"] = filled(model).generate(source, num_beams=2, max_new_tokens=6)
    return found


@case
def modern_bert() -> dict[str, Any]:
    config = ModernBertConfig(
        vocab_size=20, hidden_size=12, num_hidden_layers=3, num_attention_heads=3, intermediate_size=16,
        local_attention=4,
    )  # fmt: skip
    mask = mx.array(np.array([[1] * 9, [1] * 5 + [0] * 4]))
    found = observed(ModernBertModel(config), token_ids(2, 9, size=20), attention_mask=mask)
    masked = observed(ModernBertForMaskedLM(config), token_ids(2, 9, size=20), attention_mask=mask)
    return found | {f"masked.{name}": value for name, value in masked.items()}


# What attention is compared with


@case
def additive_attention() -> dict[str, Any]:
    layer = ScoredAttention(4, 6, 5, score="additive")
    return observed(layer, batch(2, 3, 4), batch(2, 7, 6, seed=1), masks.causal(3, 7))


@case
def recurrent_layers() -> dict[str, Any]:
    valid, found = mx.array(np.arange(6)[None] < np.array([[6], [4]])), {}
    for kind in (RNNCell, GRUCell, LSTMCell):
        layer = Recurrent(kind(4, 5), reverse=kind is GRUCell)
        ran = observed(layer, batch(2, 6, 4), valid=valid)
        found |= {f"{kind.__name__}.{part}": value for part, value in ran.items()}
    return found | {"orthogonal": orthogonal(6, 1.1, np.random.default_rng(0))}


@case
def seq2seq() -> dict[str, Any]:
    source, target, found = token_ids(2, 6, size=13), token_ids(2, 4, size=13, seed=1), {}
    plain = {"attention": False, "cell": "lstm", "bidirectional": False}
    for name, options in (("attention", {}), ("plain", plain)):
        model = Seq2Seq(Seq2SeqConfig(13, 6, 5, **options))
        found |= {f"{name}.{part}": value for part, value in observed(model, source, target).items()}
        found[f"{name}.generated"] = filled(model).generate(source, num_beams=2, max_length=7)
    return found


@case
def adapters() -> dict[str, Any]:
    x = batch(2, 5, 16)
    return observed(lora(MultiHeadAttention(16, 4), rank=2, alpha=4.0), x, x, x)


@case
def token_mixing() -> dict[str, Any]:
    return observed(TokenMixing(5, bias=True), batch(2, 5, 4))


@case
def target_attention() -> dict[str, Any]:
    found, mask = {}, masks.padding(mx.array(booleans(2, 7)))
    for pooling in ("sum", "softmax"):
        layer = TargetAttention(6, (5, 4), pooling=pooling)
        ran = observed(layer, batch(2, 3, 6), batch(2, 7, 6, seed=1), mask)
        found |= {f"{pooling}.{part}": value for part, value in ran.items()}
    return found


@case
def delta_rule_both_ways() -> dict[str, Any]:
    q, k, v = batch(2, 3, 5, 4, seed=1), batch(2, 3, 5, 4, seed=2), batch(2, 3, 5, 6, seed=3)
    k = k / mx.linalg.norm(k, axis=-1, keepdims=True)
    beta, alpha = mx.sigmoid(batch(2, 3, 5, seed=4)), mx.sigmoid(batch(2, 3, 5, seed=5))
    gated, plain, parts = delta_rule(q, k, v, beta, alpha), delta_rule(q, k, v, beta), chunked(q, k, v, beta, chunk=2)
    found = {"gated": gated[0], "state": gated[1], "plain": plain[0], "chunked": parts[0], "last": parts[1]}
    return found | {"gradient": mx.grad(lambda k: mx.sum(delta_rule(q, k, v, beta, alpha)[0] ** 2))(k)}


@case
def linear_attention_both_ways() -> dict[str, Any]:
    q, k, v = batch(2, 3, 5, 4, seed=1), batch(2, 3, 5, 4, seed=2), batch(2, 3, 5, 6, seed=3)
    state = LinearAttentionState(decay=0.9)
    return {
        "all": linear_attention(q, k, v),
        "causal": linear_attention(q, k, v, mask="causal", decay=0.9),
        "recurrent": state.update(q, k, v),
        "summary": state.summary,
        "gradient": mx.grad(lambda k: mx.sum(linear_attention(q, k, v, mask="causal") ** 2))(k),
    }


@case
def mixture_of_experts() -> dict[str, Any]:
    found = {}
    for name, top_k in (("normalized", 2), ("plain", 1)):
        layer = MixtureOfExperts(8, 16, 4, top_k, normalize_gates=name == "normalized", activation="gelu")
        found |= {f"{name}.{part}": value for part, value in observed(layer, batch(2, 5, 8)).items()}
        p, chosen, _ = layer.route(batch(10, 8))
        found[f"{name}.balance"] = load_balancing_loss(p, chosen)
    layer = MixtureOfExperts(8, 16, 4, 2, num_shared_experts=1, scoring="sigmoid", balance_bias=True)
    found |= {f"shared.{part}": value for part, value in observed(layer, batch(2, 5, 8)).items()}
    return found | {"shared.step": balance_bias_step(layer.balance_bias, layer.route(batch(10, 8))[1], 0.1)}


@case
def attention_only() -> dict[str, Any]:
    found = {}
    for residual in (True, False):
        ran = observed(AttentionOnly(2, 8, 2, residual=residual), batch(2, 5, 8), "causal")
        found |= {f"{residual}.{part}": value for part, value in ran.items()}
    ran = observed(AttentionOnlyLM(20, 9, 2, 8, 2), token_ids(2, 7, size=20))
    return found | {f"lm.{part}": value for part, value in ran.items()}


@case
def convolutions() -> dict[str, Any]:
    found = {}
    for causal in (True, False):
        layer = ConvolutionLayer(6, 3, dilation=2, causal=causal)
        found |= {f"{causal}.{part}": value for part, value in observed(layer, batch(2, 9, 6)).items()}
    return found


@case
def scored_attention() -> dict[str, Any]:
    found, mask = {}, masks.causal(3, 7)
    for score in KINDS:
        layer = ScoredAttention(4, 6, 5, 3, score=score)
        ran = observed(layer, batch(2, 3, 4), batch(2, 7, 6, seed=1), mask, temperature=0.5)
        found |= {f"{score}.{part}": value for part, value in ran.items()}
    return found


@case
def bi_encoder() -> dict[str, Any]:
    config = BertConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=12,
    )  # fmt: skip
    return observed(BiEncoder(config), token_ids(2, 6, size=30), mx.array(np.array([[1] * 6, [1] * 4 + [0] * 2])))


if __name__ == "__main__":
    np.savez(sys.argv[1], **run())
