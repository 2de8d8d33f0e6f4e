"""What each layer would predict, if the model ended there: its hidden state through the model's own last step.

    logits_l = Head(Norm(h_l)),   h_0 the embeddings, h_N the last layer's output: logits_N are the model's own

Norm is the norm after the last layer of a pre-norm model; a post-norm model has none. A hidden state of the middle was
never trained to be read this way: what comes out shows where an answer arises, not what a layer "thinks".

Source: nostalgebraist 2020, "interpreting GPT: the logit lens"; Belrose et al. 2023, "Eliciting Latent Predictions",
§2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlxformer.axes import MODEL
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.heads import BertForMaskedLM, BertForPreTraining
from mlxformer.models.encoder_decoder import EncoderDecoder
from mlxformer.models.gpt.model import GPT
from mlxformer.models.modernbert.masked_lm import ModernBertForMaskedLM
from mlxformer.validation import require_floating, require_shape


def lens_paths(model: nn.Module) -> list[str]:
    """The steps of a trace that the lens reads: what enters the first layer, then what leaves each.

    Args:
        model: one that predicts tokens by layers: an encoder with its masked-LM head, a GPT, an encoder-decoder (then
            it is its decoder).

    Returns:
        N + 1 paths; none where the model predicts no tokens, or has no layers.

    >>> import mlxformer as mf
    >>> from mlxformer.inspection.lens import lens_paths
    >>> lens_paths(mf.GPT(mf.GPTConfig(20, dims=8, num_heads=2, num_layers=2)))
    ['stack.layers.0.input', 'stack.layers.0.output', 'stack.layers.1.output']
    """
    if isinstance(model, GPT):
        stack, count = "stack", len(model.stack.layers)
    elif isinstance(model, EncoderDecoder):
        stack, count = "decoder", len(model.decoder.layers)
    elif isinstance(model, BertForMaskedLM | BertForPreTraining):
        stack, count = "bert.encoder", len(model.bert.encoder.layers)
    elif isinstance(model, ModernBertForMaskedLM):
        stack, count = "", len(model.layers)
    else:
        return []
    layers = f"{stack}.layers" if stack else "layers"
    return [f"{layers}.0.input", *(f"{layers}.{layer}.output" for layer in range(count))]


def read_out(model: nn.Module, hidden: mx.array) -> mx.array:
    """The logits that a model makes of a hidden state, as if it were its last layer's output.

    Args:
        model: as in ``lens_paths``.
        hidden: h, floating point [B, T, C].

    Returns:
        [B, T, V].

    Raises:
        ArgumentError: the model predicts no tokens, or its hidden states are of another width.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.lens import read_out
    >>> gpt, ids = mf.GPT(mf.GPTConfig(20, dims=8, num_heads=2, num_layers=2)), mx.array([[5, 6]])
    >>> with mf.trace() as steps:
    ...     logits = gpt(ids)
    >>> last = mx.array(steps["stack.layers.1.output"].value)
    >>> bool(mx.all(mx.abs(read_out(gpt, last) - logits) < 1e-6))
    True
    """
    require_floating("hidden", hidden)
    if isinstance(model, GPT):
        require_shape("hidden", hidden, MODEL, (None, None, model.config.dims))
        return model._logits(model.stack.with_final_norm(hidden))
    if isinstance(model, EncoderDecoder):
        require_shape("hidden", hidden, MODEL, (None, None, model.decoder.dims))
        return model._logits(model.decoder.with_final_norm(hidden))
    if isinstance(model, BertForMaskedLM | BertForPreTraining):
        require_shape("hidden", hidden, MODEL, (None, None, model.config.hidden_size))
        return model.mlm_head(hidden, model.bert.embeddings.word_embeddings)
    if isinstance(model, ModernBertForMaskedLM):
        require_shape("hidden", hidden, MODEL, (None, None, model.config.hidden_size))
        return model.predict(model.final_norm(hidden))
    message = f"a {type(model).__name__} predicts no tokens: it has no head that its hidden states could go through"
    raise ArgumentError("lens-no-head", message, model=type(model).__name__)


def lens(model: nn.Module, states: Mapping[str, np.ndarray], place: int) -> mx.array:
    """The logits of every layer at one place.

    Args:
        model: as in ``lens_paths``.
        states: path -> [1, T, C], for each path of ``lens_paths(model)``.
        place: which of the T tokens.

    Returns:
        [N + 1, V]: the embeddings' first, the model's own last.

    Raises:
        ArgumentError: the model predicts no tokens.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.lens import lens
    >>> gpt = mf.GPT(mf.GPTConfig(20, dims=8, num_heads=2, num_layers=2))
    >>> with mf.trace() as steps:
    ...     logits = gpt(mx.array([[5, 6]]))
    >>> lens(gpt, {step.path: step.value for step in steps}, 1).shape
    (3, 20)
    """
    paths = lens_paths(model)
    rows = [states[path][:, place : place + 1] for path in paths]
    stacked = mx.array(np.concatenate(rows) if rows else np.zeros((1, 1, 1), np.float32))  # [N + 1, 1, C]
    return read_out(model, stacked)[:, 0]
