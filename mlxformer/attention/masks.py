"""Attention masks: boolean, True where a query may attend to a key.

A mask has rank 2, ``[Tq, Tk]``, or rank 4, broadcastable to ``[B, H, Tq, Tk]``. Masks are combined as booleans and
never by adding: two finite minima add up to minus infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlxformer.backend import is_evaluable, mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole, require_array, require_positive, require_shape, shape_text


def causal(query_length: int, key_length: int) -> Any:
    """``[Tq, Tk]``: query i may attend to key j iff ``j <= i + (Tk - Tq)``.

    Aligned to the lower right corner: with a cache of past keys the last query sees all of them. With Tq = Tk it is
    the lower triangle of Vaswani et al. 2017, §3.2.3. With Tq > Tk the first ``Tq - Tk`` queries see nothing.
    """
    require_positive(query_length=query_length, key_length=key_length)
    return _offsets(query_length, key_length) <= 0


def sliding_window(query_length: int, key_length: int, left: int, right: int) -> Any:
    """``[Tq, Tk]``: each query sees ``left`` keys before its own position, itself, and ``right`` keys after.

    Longformer (Beltagy et al. 2020) with ``left = right = w/2``; ``right = 0`` is a causal window. Positions are
    aligned to the lower right corner, as in ``causal``.
    """
    require_positive(query_length=query_length, key_length=key_length)
    for name, value in (("left", left), ("right", right)):
        if not is_whole(value, 0):
            message = f"{name} must be a whole number of at least 0; got {value!r}"
            raise ArgumentError("window-negative", message, name=name, given=value)
    offsets = _offsets(query_length, key_length)
    return mx.logical_and(offsets >= -left, offsets <= right)


def streaming(query_length: int, key_length: int, window: int, first: int) -> Any:
    """``[Tq, Tk]``: each query sees the ``first`` keys of the text and the last ``window`` up to its own.

    Xiao et al. 2024, "Efficient Streaming Language Models with Attention Sinks"; ``first = 0`` is window attention
    alone. ``KVCache.evict(first, window)`` forgets what it hides. Aligned as ``causal`` is.
    """
    require_positive(query_length=query_length, key_length=key_length, window=window)
    if not is_whole(first, 0):
        message = f"first must be a whole number of at least 0; got {first!r}"
        raise ArgumentError("window-negative", message, name="first", given=first)
    offsets = _offsets(query_length, key_length)
    early = mx.arange(key_length).reshape(1, key_length) < first
    return mx.logical_and(offsets <= 0, mx.logical_or(offsets > -window, early))


def prefix(query_length: int, key_length: int, length: int) -> Any:
    """``[Tq, Tk]``: each query sees the first ``length`` keys, and of the others those of the causal mask.

    A prefix language model's: what is given is read both ways, what is written sees the past alone (Dong et al. 2019,
    UniLM; Raffel et al. 2020, T5). ``length`` 0 is causal, and ``Tk`` or more hides nothing.
    """
    require_positive(query_length=query_length, key_length=key_length)
    if not is_whole(length, 0):
        message = f"length must be a whole number of at least 0; got {length!r}"
        raise ArgumentError("prefix-negative", message, given=length)
    given = mx.arange(key_length) < length  # [Tk]
    return mx.logical_or(causal(query_length, key_length), given)


def padding(valid: Any) -> Any:
    """``valid`` [B, Tk], True at real tokens -> ``[B, 1, 1, Tk]``: no query of any head sees a padded key."""
    require_array("valid", valid)
    require_shape("valid", valid, ("batch", "key"))
    if valid.dtype != mx.bool_:
        raise _not_boolean("valid", valid)
    return valid.reshape(valid.shape[0], 1, 1, valid.shape[1])


def from_attention_mask(attention_mask: Any, shape: tuple[int, int], name: str = "attention_mask") -> Any:
    """Hugging Face's ``attention_mask`` [B, T], of 0 and 1 or boolean -> ``[B, T]`` boolean.

    The one place where integers are taken for a mask. Raises ``ArgumentError`` for other values than 0 and 1 (they
    are not checked inside ``mx.compile``) and for another shape than that of the ids.
    """
    require_array(name, attention_mask)
    require_shape(name, attention_mask, ("batch", "time"), shape)
    if attention_mask.dtype == mx.bool_:
        return attention_mask
    if is_evaluable(attention_mask):
        values = to_numpy(attention_mask)
        strange = values[(values != 0) & (values != 1)]
        if strange.size:
            wrong = float(strange[0])
            raise ArgumentError(
                "attention-mask-values",
                f"{name} takes 1 (or True) at real tokens and 0 (or False) at padding; it holds {wrong:g}",
                name=name,
                given=wrong,
            )
    return attention_mask != 0


def combine(*masks: Any) -> Any:
    """The masks that are not None, all at once (logical and); None where all are None.

    Ranks 2 and 4 mix by broadcasting. ``"causal"`` has no size of its own: give ``causal(Tq, Tk)``.
    """
    combined = None
    for mask in masks:
        if mask is None:
            continue
        if isinstance(mask, str):
            raise ArgumentError(
                "mask-string-combined",
                f"combine cannot take {mask!r}, which has no size; give mf.masks.causal(Tq, Tk)",
                given=mask,
            )
        check(mask)
        if combined is not None:
            _require_combinable(combined, mask)
        combined = mask if combined is None else mx.logical_and(combined, mask)
    return combined


def _require_combinable(first: Any, second: Any) -> None:
    pairs = zip(reversed(first.shape), reversed(second.shape), strict=False)
    if any(a != b and 1 not in (a, b) for a, b in pairs):
        raise ArgumentError(
            "masks-do-not-combine",
            f"masks {shape_text(first)} and {shape_text(second)} do not broadcast to one [B, H, Tq, Tk]",
            first=shape_text(first),
            second=shape_text(second),
        )


def check(mask: Any, scores_shape: Sequence[int] | None = None) -> None:
    """Raise ``ArgumentError`` unless ``mask`` is boolean, of rank 2 or 4, and broadcasts to ``scores_shape``."""
    require_array("mask", mask)
    if mask.dtype != mx.bool_:
        raise _not_boolean("mask", mask)
    if mask.ndim not in (2, 4):
        raise ArgumentError(
            "mask-rank",
            f"mask must have shape [Tq, Tk] or [B, H, Tq, Tk]; got {shape_text(mask)}. "
            f"For a mask of real tokens [B, Tk] use mf.masks.padding(valid), which makes [B, 1, 1, Tk]",
            given=shape_text(mask),
        )
    if scores_shape is not None:
        require_broadcast("mask", mask, scores_shape)


def require_broadcast(name: str, x: Any, scores_shape: Sequence[int]) -> None:
    """``x`` of rank 2 or 4 broadcasts to the scores [B, H, Tq, Tk] without enlarging them."""
    wanted = list(scores_shape)[-x.ndim :]
    if any(size not in (1, full) for size, full in zip(x.shape, wanted, strict=True)):
        full_text = "[" + ", ".join(str(size) for size in scores_shape) + "]"
        cure = (
            " A mask of real tokens [B, Tk] goes through mf.masks.padding(valid)."
            if name == "mask" and x.ndim == 2
            else ""
        )
        raise ArgumentError(
            "mask-broadcast",
            f"{name} {shape_text(x)} does not broadcast to the scores [B, H, Tq, Tk] = {full_text}.{cure}",
            name=name,
            given=shape_text(x),
            wanted=full_text,
        )


def resolve(mask: Any, scores_shape: Sequence[int]) -> Any:
    """``mask`` as a boolean array that was checked against the scores [B, H, Tq, Tk], or None."""
    if mask is None:
        return None
    if isinstance(mask, str):
        if mask != "causal":
            raise ArgumentError(
                "mask-unknown", f'mask takes None, "causal" or a boolean array; got {mask!r}', given=mask
            )
        return causal(scores_shape[-2], scores_shape[-1])
    check(mask, scores_shape)
    return mask


def _offsets(query_length: int, key_length: int) -> Any:
    """``[Tq, Tk]``: key position minus query position, the last query beside the last key."""
    rows = mx.arange(key_length - query_length, key_length).reshape(query_length, 1)
    columns = mx.arange(key_length).reshape(1, key_length)
    return columns - rows  # [Tq, Tk]


def _not_boolean(name: str, mask: Any) -> ArgumentError:
    return ArgumentError(
        "mask-not-boolean",
        f"{name} must be boolean, True = may attend; got {mask.dtype}. Of 0 and 1 make it with `{name} != 0`; "
        f"a term to be added to the scores is given as `bias`",
        name=name,
        given=str(mask.dtype),
    )
