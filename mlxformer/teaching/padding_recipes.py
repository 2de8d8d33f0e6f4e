"""Other ways to keep padding out than a boolean mask: one that is used, and two that go wrong or look alike.

Kept to be looked at. What this library uses is ``mf.masks.padding``: a boolean mask of the keys, before the softmax.
"""

from __future__ import annotations

from typing import Any

from mlxformer.attention.functional import attention_weights
from mlxformer.attention.masks import padding
from mlxformer.backend import mx
from mlxformer.tracing import tap
from mlxformer.validation import require_floating, require_shape


def additive_padding(valid: Any, fill: float, dtype: Any = None) -> Any:
    """``(1 − valid) · fill``, to be given as ``bias``: [B, Tk] -> [B, 1, 1, Tk] of ``dtype`` (float32 unless given).

    Google's BERT adds −10000 (google-research/bert, modeling.py, attention_layer). It stands for minus infinity only as
    long as ``fill`` outweighs every score; in a row without a real key it cancels out of the softmax; and −1e9
    becomes minus infinity in float16, whose least number is −65504.
    """
    dtype = mx.float32 if dtype is None else dtype
    return mx.where(padding(valid), 0.0, fill).astype(dtype)


def padded_queries(valid: Any) -> Any:
    """The mask laid along the wrong axis: [B, Tq] -> [B, 1, Tq, 1]. Real queries still see every padded key."""
    return padding(valid).swapaxes(-1, -2)


def renormalized_after_softmax(q: Any, k: Any, v: Any, valid: Any) -> Any:
    """Softmax over all keys, padding set to 0, and each row divided by what is left: [B, H, Tq, D].

    The same numbers as masking before the softmax, since ``e^s / Σ_all e^s`` divided by its sum over the real keys is
    ``e^s / Σ_real e^s``. Without the division see ``mistakes.mask_after_softmax``.
    """
    require_floating("v", v)
    require_shape("v", v, ("batch", "head", "key", "dim"), (*k.shape[:3], None))
    weights = mx.where(padding(valid), attention_weights(q, k), 0.0)  # [B, H, Tq, Tk]
    weights = weights / mx.sum(weights, axis=-1, keepdims=True)
    weights = tap("renormalized", weights, axes=("batch", "head", "query", "key"), formula="w · valid / Σ w · valid")
    return weights @ v
