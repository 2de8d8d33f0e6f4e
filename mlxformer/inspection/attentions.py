"""Which attentions a model has, and where their tensors stand in a trace.

    for each in attentions(model):
        steps[f"{each.path}.weights"]

An encoder or a decoder alone has one attention in each layer, ``self``. An encoder-decoder has three kinds:
``encoder``, ``decoder`` and ``cross``, from the decoder to the encoder's output (Vaswani et al. 2017, §3.2.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.attention.scores import ScoredAttention
from mlxformer.backend import nn

PARTS = ("cross", "encoder", "decoder", "self")
_LAYER = re.compile(r"(.*\blayers\.(\d+))(?:\.(self_attention|cross_attention))?")  # a layer may be all attention


@dataclass(frozen=True)
class Attention:
    """One attention of a model.

    Args:
        part: ``self``, ``encoder``, ``decoder`` or ``cross``.
        layer: counted from 0 within its part.
        heads: H.
        path: of its module; a step of its own is ``path`` and the tap's name, ``….weights``.
        layer_path: of the layer that it is in; empty where it is in none.
        has_queries: whether its scores are products of queries and keys, which its trace then has.

    >>> import mlxformer as mf
    >>> from mlxformer.inspection.attentions import attentions
    >>> attentions(mf.Encoder(2, 8, 2, 16))[1].path
    'layers.1.self_attention'
    """

    part: str
    layer: int
    heads: int
    path: str
    layer_path: str
    has_queries: bool = True

    @property
    def name(self) -> str:
        """``cross.1``; of a model with one kind of attention the layer's number alone."""
        return str(self.layer) if self.part == "self" else f"{self.part}.{self.layer}"


def attentions(model: nn.Module) -> list[Attention]:
    """All attentions of a model, part by part as in ``PARTS``, in the order of their layers.

    Args:
        model: any module of this library.

    Returns:
        A list, empty where there is none (a recurrent network without attention).

    >>> import mlxformer as mf
    >>> from mlxformer.inspection.attentions import attentions
    >>> model = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16, num_encoder_layers=1,
    ...                                             num_decoder_layers=1))
    >>> [each.name for each in attentions(model)]
    ['cross.0', 'encoder.0', 'decoder.0']
    """
    found: dict[tuple[str, str], tuple[Any, str]] = {}  # a shared module goes by its first name, as in a trace
    modules = sorted((path, module) for path, module in model.named_modules() if _attends(module))
    is_pair = any(path.endswith("cross_attention") for path, _ in modules)
    for path, module in modules:
        match = _LAYER.fullmatch(path)
        if match is None:
            part, layer_path = "cross", ""
        elif match[3] == "cross_attention":
            part, layer_path = "cross", match[1]
        else:
            side = "decoder" if "decoder" in path.split(".") else "encoder"
            part, layer_path = side if is_pair else "self", match[1] if match[3] else ""
        found[part, path] = module, layer_path
    made = []
    for (part, path), (module, layer_path) in found.items():
        match = _LAYER.fullmatch(path)
        heads = module.num_heads if isinstance(module, MultiHeadAttention) else 1
        layer = 0 if match is None else int(match[2])
        made.append(Attention(part, layer, heads, path, layer_path, isinstance(module, MultiHeadAttention)))
    return sorted(made, key=lambda each: (PARTS.index(each.part), each.layer))


def _attends(module: nn.Module) -> bool:
    return isinstance(module, MultiHeadAttention | ScoredAttention)
