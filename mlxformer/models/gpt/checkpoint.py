"""GPT-2's and Llama's tensors, and ours.

GPT-2 stores queries, keys and values as one matrix, and every matrix [in, out], transposed (its ``Conv1D``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mlxformer.checkpoints.pieces import piece
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.models.folder_model import replaced, spelled
from mlxformer.models.gpt.config import OWN, GPTConfig

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


def kind_of(tensors: Iterable[str], config: GPTConfig) -> str:
    """Whose names the tensors of a folder bear: ``"gpt2"``, ``"llama"``, or ours.

    Args:
        tensors: their stored names.
        config: of the model.

    >>> import mlxformer as mf
    >>> kind_of(["transformer.wte.weight"], mf.GPTConfig(20, dims=8))
    'gpt2'
    """
    if any(name.startswith(("token_embedding.", "stack.")) for name in tensors):
        return OWN
    return "gpt2" if config.positions == "learned" else "llama"


def stored_name(path: str, kind: str) -> str:
    """The name of a parameter among ``cut``'s.

    Args:
        path: of a parameter of a ``GPT``.
        kind: of ``kind_of``.

    Returns:
        The name.

    >>> from mlxformer.models.gpt.checkpoint import stored_name
    >>> stored_name("stack.layers.0.self_attention.key_proj.bias", "gpt2")
    'h.0.attn.c_attn.key.bias'
    """
    return replaced(path, _SPELLINGS.get(kind, ()))


def cut(tensors: Mapping[str, StoredTensor], kind: str) -> dict[str, StoredTensor]:
    """The tensors by one spelling, cut and transposed as a ``GPT`` has them.

    Args:
        tensors: as stored.
        kind: of ``kind_of``.

    Returns:
        name -> tensor.

    >>> from mlxformer.models.gpt.checkpoint import cut
    >>> cut({}, "gpt2")
    {}
    """
    found: dict[str, StoredTensor] = {}
    for name, tensor in spelled(tensors, lambda stored: canonical_name(stored, kind)).items():
        if kind == "gpt2" and ".attn.c_attn." in name:
            before, _, leaf = name.rpartition(".")
            axis = len(tensor.shape) - 1
            for part, label in enumerate(_PARTS):
                third = piece(tensor, label, axis=axis, part=part, of=3, transposed=leaf == "weight")
                found[f"{before}.{label}.{leaf}"] = third
            continue
        transposed = kind == "gpt2" and name.endswith(_MATRICES)
        found[name] = piece(tensor, transposed=True) if transposed else tensor
    return found


def others(tensors: Iterable[str], config: GPTConfig, kind: str) -> dict[str, Any]:
    """Which tensors are copies, and which are buffers of older versions.

    Args:
        tensors: stored names.
        config: of the model.
        kind: of ``kind_of``.

    Returns:
        ``tied`` and ``unused``, as ``load_into`` takes them.

    >>> import mlxformer as mf
    >>> from mlxformer.models.gpt.checkpoint import others
    >>> others(["transformer.h.0.attn.bias"], mf.GPTConfig(20, dims=8), "gpt2")
    {'tied': {'lm_head.weight': 'wte.weight'}, 'unused': ('h.0.attn.bias',)}
    """
    if kind == OWN:
        return {}
    tied = {"lm_head.weight": stored_name("token_embedding.weight", kind)} if config.tie_embeddings else {}
    unused = tuple(canonical_name(name, kind) for name in tensors if name.endswith(_BUFFERS))
    return {"tied": tied, "unused": unused}


def writing(parameters: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """The tensors of a folder, as transformers stores them.

    Args:
        parameters: of a ``GPT`` by path.
        kind: of ``kind_of``.

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


def canonical_name(stored: str, kind: str) -> str:
    """One name for a tensor's spellings: without ``transformer.`` (GPT-2), with ``model.`` (Llama).

    Args:
        stored: the name in a checkpoint.
        kind: of ``kind_of``.

    >>> canonical_name("transformer.wte.weight", "gpt2"), canonical_name("norm.weight", "llama")
    ('wte.weight', 'model.norm.weight')
    """
    if kind == "gpt2":
        return stored.removeprefix("transformer.")
    bare = stored.startswith(("embed_tokens.", "layers.", "norm."))
    return f"model.{stored}" if kind == "llama" and bare else stored
