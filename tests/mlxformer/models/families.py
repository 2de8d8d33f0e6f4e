"""Every model that is public, tiny: how it is made, how it is called, and what it can do besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx

V, C, PAD = 24, 32, 0  # C is one group of nn.quantize
SOURCE = np.array([[5, 6, 7, 8], [9, 10, PAD, PAD]], np.int32)
TARGET = np.array([[1, 4, 5], [1, 7, 8]], np.int32)
REAL = SOURCE != PAD
BERT: dict[str, Any] = {
    "vocab_size": V, "hidden_size": C, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """make: a new model. call: of that model, an array or a tuple with arrays. generates, cached: whether it does, by
    ``generate`` and with a cache of its own."""

    make: Callable[[], Any]
    call: Callable[[Any], Any]
    generates: bool = False
    cached: bool = False


def encoded(model: Any) -> Any:
    return model(mx.array(SOURCE), attention_mask=mx.array(REAL.astype(np.int32)))


def translated(model: Any) -> Any:
    return model(mx.array(SOURCE), mx.array(TARGET))


def encoder(model: Any, config: Any, **more: Any) -> Family:
    return Family(lambda: model(config(**BERT | more)), encoded)


def gpt(**more: Any) -> Family:
    sizes: dict[str, Any] = {"dims": C, "num_heads": 2, "num_layers": 2, "ffn_dims": 32, "pad_id": PAD, "eos_ids": (2,)}
    return Family(lambda: mf.GPT(mf.GPTConfig(V, **sizes | more)), encoded, generates=True, cached=True)


def t5(**more: Any) -> Family:
    sizes: dict[str, Any] = {"vocab_size": V, "d_model": C, "d_kv": 16, "d_ff": 32, "num_layers": 2, "num_heads": 2}
    return Family(lambda: mf.T5Model(mf.T5Config(**sizes | more)), translated, generates=True, cached=True)


def transformer(**more: Any) -> Family:
    sizes: dict[str, Any] = {
        "dims": C, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 2, "ffn_dims": 32,
    }  # fmt: skip
    config = mf.TransformerConfig(V, **sizes | more)
    return Family(lambda: mf.Transformer(config), translated, generates=True, cached=True)


def marian() -> Any:
    sizes = {"layers": 1, "ffn_dim": 32, "attention_heads": 2}
    both: Any = {f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in sizes.items()}
    ids = {"pad_token_id": PAD, "decoder_start_token_id": 1, "eos_token_id": 2, "forced_eos_token_id": 2}
    return mf.MarianModel(mf.MarianConfig(vocab_size=V, d_model=C, **both, **ids))


LLAMA: dict[str, Any] = {
    "positions": "rotary", "norm_type": "rms", "activation": "silu", "gated": True, "num_kv_heads": 1,
    "attention_bias": False, "ffn_bias": False, "tie_embeddings": False,
}  # fmt: skip
BETWEEN = {"positions": "rotary", "norm_type": "layer", "activation": "gelu", "num_kv_heads": 1, "max_positions": 32}

FAMILIES: dict[str, Family] = {
    "Transformer": transformer(),
    "Transformer, pre-norm, T5": transformer(norm="pre", positions="t5", tie_embeddings=False),
    "Transformer, learned": transformer(positions="learned", max_positions=16, num_kv_heads=1, norm_type="rms"),
    "Seq2Seq": Family(
        lambda: mf.Seq2Seq(mf.Seq2SeqConfig(V, dims=C, hidden_dims=C, readout_dims=C)), translated, generates=True
    ),
    "MarianModel": Family(marian, translated, generates=True, cached=True),
    "T5Model": t5(),
    "T5Model, Flan": t5(feed_forward_proj="gated-gelu", own_output=True, scale_decoder_outputs=False),
    "GPT, GPT-2": gpt(),
    "GPT, Llama": gpt(**LLAMA),
    "GPT, between": gpt(**BETWEEN),
    "BertModel": encoder(mf.BertModel, mf.BertConfig),
    "BertForMaskedLM": encoder(mf.BertForMaskedLM, mf.BertConfig),
    "BertForNextSentencePrediction": encoder(mf.BertForNextSentencePrediction, mf.BertConfig),
    "BertForPreTraining": encoder(mf.BertForPreTraining, mf.BertConfig),
    "BertForSequenceClassification": encoder(mf.BertForSequenceClassification, mf.BertConfig),
    "BertForTokenClassification": encoder(mf.BertForTokenClassification, mf.BertConfig),
    "BertForQuestionAnswering": encoder(mf.BertForQuestionAnswering, mf.BertConfig),
    "AlbertModel": encoder(mf.AlbertModel, mf.AlbertConfig, embedding_size=32),
    "RobertaModel": encoder(mf.RobertaModel, mf.RobertaConfig),
    "RobertaForMaskedLM": encoder(mf.RobertaForMaskedLM, mf.RobertaConfig),
    "RobertaForSequenceClassification": encoder(mf.RobertaForSequenceClassification, mf.RobertaConfig),
    "ModernBertForMaskedLM": encoder(mf.ModernBertForMaskedLM, mf.ModernBertConfig, local_attention=2),
    "ModernBertModel": encoder(mf.ModernBertModel, mf.ModernBertConfig, local_attention=2),
}
