"""GPT-2's and Llama's tensors, and ours.

GPT-2 stores queries, keys and values as one matrix, and every matrix [in, out], transposed (its ``Conv1D``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from mlxformer.checkpoints.pieces import piece
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.models.folder_model import Reading, replaced
from mlxformer.models.gpt.config import GPTConfig

_GPT2 = (
    ("token_embedding.", "wte."),
    ("positions.embedding.", "wpe."),
    ("stack.final_norm.", "ln_f."),
    ("stack.layers.", "h."),
    (".self_attention_norm.", ".ln_1."),
    (".feed_forward_norm.", ".ln_2."),
    (".self_attention.out_proj.", ".attn.c_proj."),
    (".feed_forward.up_proj.", ".mlp.c_fc."),
    (".feed_forward.down_proj.", ".mlp.c_proj."),
    (".self_attention.query_proj.", ".attn.c_attn.query."),
    (".self_attention.key_proj.", ".attn.c_attn.key."),
    (".self_attention.value_proj.", ".attn.c_attn.value."),
    ("output_proj.", "lm_head."),
)
_LLAMA = (
    ("token_embedding.", "model.embed_tokens."),
    ("stack.final_norm.", "model.norm."),
    ("stack.layers.", "model.layers."),
    (".self_attention_norm.", ".input_layernorm."),
    (".feed_forward_norm.", ".post_attention_layernorm."),
    (".self_attention.query_proj.", ".self_attn.q_proj."),
    (".self_attention.key_proj.", ".self_attn.k_proj."),
    (".self_attention.value_proj.", ".self_attn.v_proj."),
    (".self_attention.out_proj.", ".self_attn.o_proj."),
    (".feed_forward.", ".mlp."),
    ("output_proj.", "lm_head."),
)
_SPELLINGS: dict[str, tuple[tuple[str, str], ...]] = {"gpt2": _GPT2, "llama": _LLAMA}
_MATRICES = (".attn.c_proj.weight", ".mlp.c_fc.weight", ".mlp.c_proj.weight")
_PARTS = ("query", "key", "value")
# Buffers of older versions: causal masks, and the angles' steps.
_BUFFERS = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")


def reading(tensors: Mapping[str, StoredTensor], config: GPTConfig, kind: str, paths: Iterable[str]) -> Reading:
    """How the tensors of a folder become the parameters of a ``GPT``.

    Args:
        tensors: as stored.
        config: of the model.
        kind: ``"gpt2"``, ``"llama"`` or our own.
        paths: of the parameters.

    Returns:
        Tensors by one spelling, cut and transposed, and the names of the parameters among them.

    >>> import mlxformer as mf
    >>> from mlxformer.models.gpt.checkpoint import reading
    >>> reading({}, mf.GPTConfig(20, dims=8), "gpt2", ["stack.layers.0.self_attention.key_proj.bias"]).names
    {'stack.layers.0.self_attention.key_proj.bias': 'h.0.attn.c_attn.key.bias'}
    """
    spellings = _SPELLINGS.get(kind, ())
    names = {path: replaced(path, spellings) for path in paths}
    found: dict[str, StoredTensor] = {}
    unused = []
    for stored, tensor in tensors.items():
        name = _canonical(stored, kind)
        if stored.endswith(_BUFFERS) and kind in _SPELLINGS:
            unused.append(name)
        elif kind == "gpt2" and ".attn.c_attn." in name:
            before, _, leaf = name.rpartition(".")
            axis = len(tensor.shape) - 1
            for part, label in enumerate(_PARTS):
                cut = piece(tensor, label, axis=axis, part=part, of=3, transposed=leaf == "weight")
                found[f"{before}.{label}.{leaf}"] = cut
            continue
        elif kind == "gpt2" and name.endswith(_MATRICES):
            tensor = piece(tensor, transposed=True)
        found[name] = tensor
    words = replaced("token_embedding.weight", spellings)
    tied = {"lm_head.weight": words} if config.tie_embeddings and kind in _SPELLINGS else {}
    return Reading(found, names, tied, unused=tuple(unused))


def writing(parameters: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """The tensors of a folder, as transformers stores them.

    Args:
        parameters: of a ``GPT`` by path.
        kind: as in ``reading``.

    Returns:
        stored name -> values.

    >>> from mlxformer.models.gpt.checkpoint import writing
    >>> sorted(writing({"token_embedding.weight": np.zeros((4, 2))}, "gpt2"))
    ['transformer.wte.weight']
    """
    named = {replaced(path, _SPELLINGS.get(kind, ())): values for path, values in parameters.items()}
    if kind != "gpt2":
        return named
    found = {}
    for name, values in named.items():
        if name.endswith(_MATRICES):
            values = values.T
        if ".attn.c_attn.query." in name:
            parts = [named[name.replace(".query.", f".{label}.")] for label in _PARTS]
            name, values = name.replace(".query.", "."), np.concatenate([part.T for part in parts], axis=-1)
        elif ".attn.c_attn." in name:
            continue
        found[name if name.startswith("lm_head.") else f"transformer.{name}"] = values
    return found


def _canonical(stored: str, kind: str) -> str:
    """One name for a tensor's spellings: without ``transformer.`` (GPT-2), with ``model.`` (Llama)."""
    if kind == "gpt2":
        return stored.removeprefix("transformer.")
    bare = stored.startswith(("embed_tokens.", "layers.", "norm."))
    return f"model.{stored}" if kind == "llama" and bare else stored
