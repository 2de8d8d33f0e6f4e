"""Attention masks: boolean, True where a query may attend to a key.

A mask has rank 2, ``[Tq, Tk]``, or rank 4, broadcastable to ``[B, H, Tq, Tk]``. Masks are combined as booleans and
never by adding: two finite minima add up to minus infinity.

>>> import mlxformer as mf
>>> from mlxformer.backend import mx
>>> valid = mx.array([[True, True, False]])  # the third token is padding
>>> mf.masks.combine(mf.masks.causal(3, 3), mf.masks.padding(valid)).tolist()
[[[[True, False, False], [True, True, False], [True, True, False]]]]
"""

from __future__ import annotations

from collections.abc import Sequence

from mlxformer.axes import TOKENS
from mlxformer.backend import is_evaluable, mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole, require_array, require_positive, require_shape, shape_text

__all__ = [
    "causal",
    "check",
    "combine",
    "documents",
    "from_attention_mask",
    "padding",
    "prefix",
    "sliding_window",
    "streaming",
]


def __dir__() -> list[str]:
    """The masks and their check; not what an import brought along, nor what the attentions alone ask for."""
    return __all__


def causal(query_length: int, key_length: int) -> mx.array:
    """Each query sees its own position and what comes before: i may attend to j iff ``j <= i + (Tk - Tq)``.

    Aligned to the lower right corner: with a cache of past keys the last query sees all of them. With Tq = Tk it is
    the lower triangle; with Tq > Tk the first ``Tq - Tk`` queries see nothing.

    Args:
        query_length: Tq.
        key_length: Tk.

    Returns:
        Boolean [Tq, Tk].

    Raises:
        ArgumentError: a length that is not a whole number above 0.

    Source: Vaswani et al. 2017, §3.2.3.

    >>> import mlxformer as mf
    >>> mf.masks.causal(2, 3).tolist()
    [[True, True, False], [True, True, True]]
    """
    require_positive(query_length=query_length, key_length=key_length)
    return _offsets(query_length, key_length) <= 0


def sliding_window(query_length: int, key_length: int, left: int, right: int) -> mx.array:
    """Each query sees ``left`` keys before its own position, itself, and ``right`` keys after.

    Args:
        query_length: Tq; positions are aligned to the lower right corner, as in ``causal``.
        key_length: Tk.
        left: how many keys before, at least 0; Longformer has ``left = right = w/2``.
        right: how many keys after, at least 0; 0 is a causal window.

    Returns:
        Boolean [Tq, Tk].

    Raises:
        ArgumentError: a length below 1, or a negative ``left`` or ``right``.

    Source: Beltagy et al. 2020, "Longformer", §3.1.

    >>> import mlxformer as mf
    >>> mf.masks.sliding_window(3, 3, 1, 0).tolist()
    [[True, False, False], [True, True, False], [False, True, True]]
    """
    require_positive(query_length=query_length, key_length=key_length)
    _require_count("left", left, "window-negative")
    _require_count("right", right, "window-negative")
    offsets = _offsets(query_length, key_length)
    return mx.logical_and(offsets >= -left, offsets <= right)


def streaming(query_length: int, key_length: int, window: int, first: int) -> mx.array:
    """Each query sees the first keys of the text and the last ones up to its own; ``KVCache.evict`` forgets the others.

    Args:
        query_length: Tq; positions are aligned as in ``causal``.
        key_length: Tk.
        window: how many keys up to its own, at least 1.
        first: how many of the text's first keys, the attention sinks; 0 is window attention alone.

    Returns:
        Boolean [Tq, Tk].

    Raises:
        ArgumentError: a length or window below 1, or a negative ``first``.

    Source: Xiao et al. 2024, "Efficient Streaming Language Models with Attention Sinks".

    >>> import mlxformer as mf
    >>> mf.masks.streaming(1, 5, window=2, first=1).tolist()
    [[True, False, False, True, True]]
    """
    require_positive(query_length=query_length, key_length=key_length, window=window)
    _require_count("first", first, "window-negative")
    offsets = _offsets(query_length, key_length)
    early = mx.arange(key_length).reshape(1, key_length) < first
    return mx.logical_and(offsets <= 0, mx.logical_or(offsets > -window, early))


def prefix(query_length: int, key_length: int, length: int) -> mx.array:
    """Each query sees the first ``length`` keys, and of the others those of the causal mask: a prefix language model's.

    What is given is read both ways, what is written sees the past alone.

    Args:
        query_length: Tq.
        key_length: Tk.
        length: of the prefix; 0 is causal, and Tk or more hides nothing.

    Returns:
        Boolean [Tq, Tk].

    Raises:
        ArgumentError: a length below 1, or a negative prefix.

    Source: Dong et al. 2019, UniLM; Raffel et al. 2020, T5.

    >>> import mlxformer as mf
    >>> mf.masks.prefix(3, 3, 2).tolist()
    [[True, True, False], [True, True, False], [True, True, True]]
    """
    require_positive(query_length=query_length, key_length=key_length)
    _require_count("length", length, "prefix-negative")
    given = mx.arange(key_length) < length  # [Tk]
    return mx.logical_or(causal(query_length, key_length), given)


def padding(valid: mx.array) -> mx.array:
    """No query of any head sees a padded key.

    Args:
        valid: boolean [B, Tk], True at real tokens.

    Returns:
        Boolean [B, 1, 1, Tk].

    Raises:
        ArgumentError: for what is not boolean or not of rank 2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> mf.masks.padding(mx.array([[True, True, False]])).tolist()
    [[[[True, True, False]]]]
    """
    require_array("valid", valid)
    require_shape("valid", valid, ("batch", "key"))
    if valid.dtype != mx.bool_:
        raise _not_boolean("valid", valid)
    return valid.reshape(valid.shape[0], 1, 1, valid.shape[1])


def documents(segments: mx.array) -> mx.array:
    """Of rows that hold several documents: a token sees itself and what comes before it in its own.

    Args:
        segments: whole numbers [B, T], a number for each document of a row, 0 at padding, which sees nothing and is
            seen by none; as ``mlxformer.training.packing.pack`` gives them.

    Returns:
        Boolean [B, 1, T, T].

    Raises:
        ArgumentError: for what is no array of rank 2.

    Source: Krell et al. 2021, "Efficient Sequence Packing without Cross-contamination".

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> mf.masks.documents(mx.array([[1, 2, 2]])).tolist()
    [[[[True, False, False], [False, True, False], [False, True, True]]]]
    """
    require_array("segments", segments)
    require_shape("segments", segments, TOKENS)
    same = mx.expand_dims(segments, 2) == mx.expand_dims(segments, 1)
    own = mx.logical_and(same, mx.expand_dims(segments != 0, 2))
    return mx.logical_and(mx.expand_dims(own, 1), causal(segments.shape[1], segments.shape[1]))


def from_attention_mask(attention_mask: mx.array, shape: tuple[int, int], name: str = "attention_mask") -> mx.array:
    """Hugging Face's ``attention_mask`` as a boolean array: the one place where integers are taken for a mask.

    Args:
        attention_mask: [B, T], boolean or of 0 and 1 (which is not checked inside ``mx.compile``).
        shape: that of the ids.
        name: what an error calls it.

    Returns:
        Boolean [B, T], True at real tokens.

    Raises:
        ArgumentError: for other values than 0 and 1, and for another shape than that of the ids.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> mf.masks.from_attention_mask(mx.array([[1, 1, 0]]), (1, 3)).tolist()
    [[True, True, False]]
    """
    require_array(name, attention_mask)
    require_shape(name, attention_mask, TOKENS, shape)
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


def combine(*masks: mx.array | None) -> mx.array | None:
    """All the masks at once, by a logical and.

    Args:
        masks: boolean, of ranks 2 and 4, which mix by broadcasting; None allows all. ``"causal"`` has no size of its
            own: give ``causal(Tq, Tk)``.

    Returns:
        Boolean, of the largest rank given; None where all are None.

    Raises:
        ArgumentError: masks of another kind, or that do not broadcast to one.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> both = mf.masks.combine(mf.masks.causal(2, 2), mf.masks.padding(mx.array([[False, True]])), None)
    >>> both.tolist()
    [[[[False, False], [False, True]]]]
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


def _require_combinable(first: mx.array, second: mx.array) -> None:
    pairs = zip(reversed(first.shape), reversed(second.shape), strict=False)
    if any(a != b and 1 not in (a, b) for a, b in pairs):
        raise ArgumentError(
            "masks-do-not-combine",
            f"masks {shape_text(first)} and {shape_text(second)} do not broadcast to one [B, H, Tq, Tk]",
            first=shape_text(first),
            second=shape_text(second),
        )


def check(mask: mx.array, scores_shape: Sequence[int] | None = None, name: str = "mask") -> None:
    """Raise ``ArgumentError`` unless ``mask`` is boolean, of rank 2 or 4, and broadcasts to the scores.

    Args:
        mask: what should be a mask.
        scores_shape: [B, H, Tq, Tk]; None where it is not known yet.
        name: what an error calls it.

    >>> import mlxformer as mf
    >>> mf.masks.check(mf.masks.causal(2, 3), (1, 8, 2, 3))
    >>> mf.masks.check(mx.ones((2, 3)))
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: mask must be boolean, True = may attend; got ...float32. Of 0 and 1 make it ...
    """
    require_array(name, mask)
    if mask.dtype != mx.bool_:
        raise _not_boolean(name, mask)
    if mask.ndim not in (2, 4):
        raise ArgumentError(
            "mask-rank",
            f"{name} must have shape [Tq, Tk] or [B, H, Tq, Tk]; got {shape_text(mask)}. "
            f"For a mask of real tokens [B, Tk] use mf.masks.padding(valid), which makes [B, 1, 1, Tk]",
            given=shape_text(mask),
        )
    if scores_shape is not None:
        require_broadcast(name, mask, scores_shape)


def require_broadcast(name: str, x: mx.array, scores_shape: Sequence[int]) -> None:
    """``x`` of rank 2 or 4 broadcasts to the scores [B, H, Tq, Tk] without enlarging them.

    Args:
        name: what ``x`` is called in the error.
        x: of rank 2 or 4.
        scores_shape: (B, H, Tq, Tk).

    >>> import mlxformer as mf
    >>> from mlxformer.attention.masks import require_broadcast
    >>> require_broadcast("mask", mx.ones((2, 1, 1, 5)), (2, 8, 3, 5))
    >>> try:
    ...     require_broadcast("mask", mx.ones((2, 5)), (2, 8, 3, 5))
    ... except mf.ArgumentError as error:
    ...     print(error)
    mask [2, 5] does not broadcast to the scores [B, H, Tq, Tk] = [2, 8, 3, 5]. A mask of real tokens ...
    """
    wanted = list(scores_shape)[-x.ndim :]
    if any(size not in (1, full) for size, full in zip(x.shape, wanted, strict=True)):
        full_text = "[" + ", ".join(str(size) for size in scores_shape) + "]"
        cure = (
            " A mask of real tokens [B, Tk] goes through mf.masks.padding(valid)."
            if name != "bias" and x.ndim == 2
            else ""
        )
        raise ArgumentError(
            "mask-broadcast",
            f"{name} {shape_text(x)} does not broadcast to the scores [B, H, Tq, Tk] = {full_text}.{cure}",
            name=name,
            given=shape_text(x),
            wanted=full_text,
        )


def checked(mask: mx.array | str | None, scores_shape: Sequence[int]) -> mx.array | str | None:
    """``mask`` as it is, once it is known to be None, ``"causal"`` or boolean and fit for the scores [B, H, Tq, Tk].

    Args:
        mask: what a user gave.
        scores_shape: (B, H, Tq, Tk).

    >>> from mlxformer.attention.masks import checked
    >>> checked("causal", (1, 8, 3, 3))
    'causal'
    """
    if isinstance(mask, str):
        if mask != "causal":
            raise ArgumentError(
                "mask-unknown", f'mask takes None, "causal" or a boolean array; got {mask!r}', given=mask
            )
    elif mask is not None:
        check(mask, scores_shape)
    return mask


def as_array(mask: mx.array | str | None, query_length: int, key_length: int) -> mx.array | None:
    """A mask that was checked, as a boolean array, or None.

    Args:
        mask: None, ``"causal"`` or boolean.
        query_length: Tq.
        key_length: Tk.

    >>> from mlxformer.attention.masks import as_array
    >>> as_array("causal", 2, 3).tolist()
    [[True, True, False], [True, True, True]]
    """
    return _offsets(query_length, key_length) <= 0 if isinstance(mask, str) else mask


def resolve(mask: mx.array | str | None, scores_shape: Sequence[int]) -> mx.array | None:
    """``mask`` as a boolean array that was checked against the scores [B, H, Tq, Tk], or None.

    Args:
        mask: what a user gave.
        scores_shape: (B, H, Tq, Tk).

    >>> from mlxformer.attention.masks import resolve
    >>> resolve("causal", (1, 8, 2, 3)).tolist()
    [[True, True, False], [True, True, True]]
    """
    return as_array(checked(mask, scores_shape), scores_shape[-2], scores_shape[-1])


def _offsets(query_length: int, key_length: int) -> mx.array:
    """``[Tq, Tk]``: key position minus query position, the last query beside the last key."""
    rows = mx.arange(key_length - query_length, key_length).reshape(query_length, 1)
    columns = mx.arange(key_length).reshape(1, key_length)
    return columns - rows  # [Tq, Tk]


def _require_count(name: str, value: object, code: str) -> None:
    if not is_whole(value, 0):
        raise ArgumentError(code, f"{name} must be a whole number of at least 0; got {value!r}", name=name, given=value)


def _not_boolean(name: str, mask: mx.array) -> ArgumentError:
    return ArgumentError(
        "mask-not-boolean",
        f"{name} must be boolean, True = may attend; got {mask.dtype}. Of 0 and 1 make it with `{name} != 0`; "
        f"a term to be added to the scores is given as `bias`",
        name=name,
        given=str(mask.dtype),
    )
