"""What is checked where arrays enter: kind, rank, width and range, each with an error that says the cure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np

from mlxformer import backend
from mlxformer.axes import MODEL, TOKENS
from mlxformer.backend import array_cure, is_array, is_evaluable, mx, to_numpy
from mlxformer.errors import ArgumentError


def shape_text(x: Any) -> str:
    """``[2, 5, 64]``: how shapes are written in errors and docstrings.

    Args:
        x: what has a shape.

    >>> shape_text(mx.zeros((2, 3)))
    '[2, 3]'
    """
    return "[" + ", ".join(str(int(size)) for size in x.shape) + "]"


def array_text(x: Any) -> str:
    """``float32 [2, 5, 64]``: an array in one line, without its values.

    Args:
        x: an array of any shape and dtype.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.validation import array_text
    >>> array_text(mx.ones((2, 5)))
    'float32 [2, 5]'
    """
    return f"{str(x.dtype).rpartition('.')[2]} {shape_text(x)}"


def require_array(name: str, x: Any) -> None:
    """``x`` is an array of the running backend; anything else would be mixed silently into float64.

    Args:
        name: of the argument.
        x: what was given.

    >>> require_array("x", mx.zeros((2,)))
    >>> require_array("x", [0.0])
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: x must be an array of the ... backend; got builtins.list. ...
    """
    if not is_array(x):
        kind = f"{type(x).__module__}.{type(x).__qualname__}"
        raise ArgumentError(
            "not-an-array",
            f"{name} must be an array of the {backend.name} backend; got {kind}. " + array_cure(x),
            name=name,
            given=kind,
            backend=backend.name,
        )


def require_floating(name: str, x: Any) -> None:
    """``x`` holds floating-point numbers.

    Args:
        name: of the argument.
        x: what was given.

    >>> require_floating("x", mx.zeros((2,), mx.int32))
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: x must be floating point; got ...int32. Convert it with x.astype(mx.float32)
    """
    if not is_array(x):
        require_array(name, x)
    if not _is_floating(x.dtype):
        raise ArgumentError(
            "not-floating",
            f"{name} must be floating point; got {x.dtype}. Convert it with {name}.astype(mx.float32)",
            name=name,
            given=str(x.dtype),
        )


def require_finite(name: str, x: Any, what: str = "") -> None:
    """``x`` holds numbers alone, no NaN and no infinity; inside ``mx.compile`` that is not checked.

    Args:
        name: what an error calls it.
        x: floating point, any shape, of the backend or of NumPy.
        what: a sentence about what it means or what to do.

    Raises:
        ArgumentError: with the first place that is not a number, and how many there are.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.validation import require_finite
    >>> require_finite("x", mx.array([1.0, float("nan")]))
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: x[1] is nan (1 of 2 numbers are not finite)
    """
    if is_array(x):
        if not is_evaluable(x):
            return
        x = to_numpy(x)
    finite = np.isfinite(x)
    if finite.all():
        return
    place = tuple(int(index) for index in np.argwhere(~finite)[0])
    wrong = int(finite.size - finite.sum())
    text = f"{name}{list(place) if place else ''} is {float(x[place])} ({wrong} of {x.size} numbers are not finite)"
    raise ArgumentError(
        "not-finite",
        text + (f". {what}" if what else ""),
        name=name,
        place=list(place),
        value=str(float(x[place])),
        count=wrong,
    )


@cache
def _is_floating(dtype: Any) -> bool:
    return bool(mx.issubdtype(dtype, mx.floating))


def require_shape(name: str, x: Any, axes: Sequence[str], sizes: Sequence[int | None] = ()) -> None:
    """``x`` has one axis for each of ``axes``, none empty, and the sizes that are not None.

    Args:
        name: of the argument.
        x: an array.
        axes: the name of each axis.
        sizes: of the axes, from the first; None is any.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.errors import ArgumentError
    >>> from mlxformer.validation import require_shape
    >>> try:
    ...     require_shape("x", mx.ones((2, 5)), ("batch", "model"), (None, 4))
    ... except ArgumentError as error:
    ...     print(error)
    x must have shape [batch, model=4]; got [2, 5]
    """
    shape = x.shape
    if len(shape) != len(axes) or 0 in shape or not _has_sizes(shape, sizes):
        _say_shape(name, x, axes, sizes)


def _has_sizes(shape: Sequence[int], sizes: Sequence[int | None]) -> bool:
    # A loop and not `all(…)`, three times as slow: this runs a dozen times a layer for each token that is decoded.
    for got, size in zip(shape, sizes, strict=False):  # noqa: SIM110
        if size is not None and size != got:
            return False
    return True


def _say_shape(name: str, x: Any, axes: Sequence[str], sizes: Sequence[int | None]) -> None:
    """What is wrong with the shape, which was found not to fit."""
    wanted = list(sizes) or [None] * len(axes)
    text = "[" + ", ".join(a if s is None else f"{a}={s}" for a, s in zip(axes, wanted, strict=True)) + "]"
    if x.ndim != len(axes) or not _has_sizes(x.shape, wanted):
        raise ArgumentError(
            "wrong-shape",
            f"{name} must have shape {text}; got {shape_text(x)}",
            name=name,
            wanted=text,
            given=shape_text(x),
        )
    for axis, size in zip(axes, x.shape, strict=True):
        if size == 0:
            raise ArgumentError(
                "empty-axis",
                f"{name} is empty: axis {axis} of {shape_text(x)} has length 0. Give at least one",
                name=name,
                axis=axis,
                given=shape_text(x),
            )


def require_ids(name: str, ids: Any, size: int, what: str) -> None:
    """Integer ids [B, T] with 0 <= id < ``size``. MLX reads garbage past the end of a table without a word.

    Inside ``mx.compile`` and ``vmap`` nothing can be evaluated: there the range is not checked.

    Args:
        name: of the argument.
        ids: what was given.
        size: V.
        what: what has that many, for the error.

    >>> require_ids("input_ids", mx.array([[0, 5]]), 5, "the vocabulary")
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: input_ids holds 5, but the vocabulary has ids 0 to 4. Was it made by ...
    """
    require_array(name, ids)
    if not mx.issubdtype(ids.dtype, mx.integer):
        raise ArgumentError(
            "ids-not-integers",
            f"{name} must be integers (int32); got {ids.dtype}. Convert with {name}.astype(mx.int32)",
            name=name,
            given=str(ids.dtype),
        )
    require_shape(name, ids, TOKENS)
    wrong = _out_of_range(ids, size)
    if wrong is not None:
        raise ArgumentError(
            "id-out-of-range",
            f"{name} holds {wrong}, but {what} has ids 0 to {size - 1}. Was it made by another tokenizer?",
            name=name,
            given=wrong,
            size=size,
            what=what,
        )


def require_indices(name: str, indices: Any, size: int, what: str) -> None:
    """Integers [N] with 0 <= index < ``size``; the range is not checked inside ``mx.compile``.

    Args:
        name: of the argument.
        indices: what was given.
        size: how many rows there are.
        what: what has them, for the error.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.errors import ArgumentError
    >>> from mlxformer.validation import require_indices
    >>> try:
    ...     require_indices("rows", mx.array([0, 7]), 4, "the cache")
    ... except ArgumentError as error:
    ...     print(error)
    rows holds 7, but the cache has rows 0 to 3
    """
    require_array(name, indices)
    if not mx.issubdtype(indices.dtype, mx.integer):
        message = f"{name} must be integers (int32); got {indices.dtype}"
        raise ArgumentError("ids-not-integers", message, name=name, given=str(indices.dtype))
    require_shape(name, indices, ("index",))
    wrong = _out_of_range(indices, size)
    if wrong is not None:
        message = f"{name} holds {wrong}, but {what} has rows 0 to {size - 1}"
        raise ArgumentError("index-out-of-range", message, name=name, given=wrong, size=size)


def _out_of_range(indices: Any, size: int) -> int | None:
    """The least or greatest of ``indices`` that is not among 0 to ``size - 1``, if it can be known."""
    if not is_evaluable(indices):
        return None
    values = to_numpy(indices)
    low, high = int(values.min()), int(values.max())
    return low if low < 0 else high if high >= size else None


def require_sequence(name: str, x: Any, dims: int, *, batch: int | None = None, length: int | None = None) -> None:
    """``x`` is floating point, [B, T, C] with C = ``dims``, and B and T where they are given: what a layer takes.

    Args:
        name: of the argument.
        x: what was given.
        dims: C.
        batch: B; None is any.
        length: T; None is any.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.errors import ArgumentError
    >>> from mlxformer.validation import require_sequence
    >>> try:
    ...     require_sequence("x", mx.ones((2, 5, 4)), 8)
    ... except ArgumentError as error:
    ...     print(error)
    x must have shape [batch, time, model=8]; got [2, 5, 4]
    """
    # It is asked five times a layer for each token that is decoded, so first the few comparisons that say yes.
    if is_array(x) and _is_floating(x.dtype):
        shape = x.shape
        fits = len(shape) == 3 and shape[2] == dims and 0 not in shape
        if fits and batch in (None, shape[0]) and length in (None, shape[1]):
            return
    require_floating(name, x)
    require_shape(name, x, MODEL, (batch, length, dims))


def require_divisible(name: str, dims: int, heads_name: str, num_heads: int, cure: str = "choose a divisor") -> int:
    """``dims / num_heads``, the width of a head, once it is a whole number.

    Args:
        name: of the width.
        dims: the width.
        heads_name: of the number of heads.
        num_heads: that number.
        cure: what to do, for the error.

    >>> require_divisible("dims", 8, "num_heads", 2)
    4
    """
    if dims % num_heads:
        raise ArgumentError(
            "dims-not-divisible",
            f"{name}={dims} is not divisible by {heads_name}={num_heads}; {cure}",
            dims=dims,
            num_heads=num_heads,
        )
    return dims // num_heads


def require_kind(name: str, value: object, kind: type) -> None:
    """``value`` is a ``kind``: the configuration that a model is made of, say, and not a dict of its fields.

    Args:
        name: of the argument.
        value: what was given.
        kind: the class that it has to be of.

    >>> require_kind("config", {}, int)
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: config must be a int; got dict
    """
    if not isinstance(value, kind):
        given = type(value).__qualname__
        raise ArgumentError("wrong-kind", f"{name} must be a {kind.__qualname__}; got {given}", name=name, given=given)


def is_whole(value: object, least: int) -> bool:
    """Whether ``value`` is a whole number (and not True or False) of at least ``least``.

    Args:
        value: anything.
        least: the smallest number that will do.

    >>> is_whole(3, 0), is_whole(True, 0), is_whole(-1, 0)
    (True, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def require_id(name: str, value: Any, size: int | None = None) -> None:
    """``value`` is the id of a token.

    Args:
        name: of the field that holds it.
        value: anything.
        size: of the vocabulary; None where that is not known, and an id is what int32 holds.

    Raises:
        ArgumentError: it is something else.

    >>> require_id("pad_id", 20, 20)
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: pad_id holds 20; the vocabulary has ids 0 to 19
    """
    if is_whole(value, 0) and value < (2**31 if size is None else size):
        return
    if size is None:
        message = f"{name} must be a whole number of at least 0 and below 2³¹; got {value!r:.80}"
        raise ArgumentError("id-out-of-range", message, name=name, given=value)
    message = f"{name} holds {value!r:.80}; the vocabulary has ids 0 to {size - 1}"
    raise ArgumentError("id-out-of-range", message, name=name, given=value, size=size)


def require_positive(**values: Any) -> None:
    """Each value is a whole number of at least 1.

    Args:
        values: by the names of the arguments.

    >>> require_positive(dims=8, num_heads=0)
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: num_heads must be a whole number of at least 1; got 0
    """
    for name, value in values.items():
        if not is_whole(value, 1):
            raise ArgumentError(
                "not-positive", f"{name} must be a whole number of at least 1; got {value!r}", name=name, given=value
            )


def is_finite_number(value: object) -> bool:
    """Whether ``value`` is a number (and not True or False) that a float can hold: no NaN, no infinity, no 10⁴⁰⁰.

    Args:
        value: anything.

    >>> is_finite_number(3), is_finite_number(float("inf")), is_finite_number(10**400)
    (True, False, False)
    """
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def require_positive_number(name: str, value: object) -> None:
    """A finite number above 0.

    Args:
        name: of the argument.
        value: what was given.

    >>> require_positive_number("temperature", 0.0)
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: temperature must be a finite number above 0; got 0.0
    """
    if not is_finite_number(value) or not value > 0:  # type: ignore[operator]
        raise ArgumentError(
            "not-a-positive-number", f"{name} must be a finite number above 0; got {value!r}", name=name, given=value
        )


def require_probability(name: str, value: float) -> None:
    """``0 <= value < 1``: a probability of dropping.

    Args:
        name: of the argument.
        value: what was given.

    >>> require_probability("dropout", 1.0)
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: dropout must be at least 0 and below 1; got 1.0
    """
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ArgumentError(
            "not-a-probability", f"{name} must be at least 0 and below 1; got {value!r}", name=name, given=value
        )


def require_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """``value`` is one of ``choices``.

    Args:
        name: of the argument.
        value: what was given.
        choices: what it may be.

    >>> require_choice("norm", "rms", ("pre", "post"))
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: norm must be one of 'pre', 'post'; got 'rms'
    """
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ArgumentError(
            "unknown-choice",
            f"{name} must be one of {listed}; got {value!r}",
            name=name,
            given=value,
            choices=list(choices),
        )


def fields_text(values: Any) -> str:
    """``BertOutput(last_hidden_state=float32 [1, 4, 8], pooler_output=None)``: no array's values.

    Args:
        values: a named tuple, some fields of which are arrays of NumPy or the backend.

    Returns:
        One line.

    >>> import numpy as np
    >>> import mlxformer as mf
    >>> from mlxformer.validation import fields_text
    >>> masked = mf.mask_tokens([7, 8], np.random.default_rng(0), rate=0.5, special=[], mask_id=1, vocab_size=9)
    >>> fields_text(masked)
    'MaskedTokens(input_ids=int32 [2], predicted=bool [2], treatment=int8 [2])'
    """
    fields = values._asdict().items()
    shown = (f"{name}={array_text(value) if hasattr(value, 'shape') else repr(value)}" for name, value in fields)
    return f"{type(values).__name__}({', '.join(shown)})"
