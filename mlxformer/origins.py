"""How a traced tensor was made of others, so that one of its cells can be opened into the sum that made it.

    tap("scores", scores, axes=SCORES, formula="Q Kᵀ", of=lambda: Product("bhqd,bhkd->bhqk", (q, k)))

An origin names the operands, as arrays, floats, or origins themselves; it computes nothing. It is asked for in an open
trace alone, which then puts a ``Step`` where an operand is one (the very array that a tap returned), and else a
``Given``: a parameter, or what no tap marked. ``mlxformer.inspection.cells`` opens a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from mlxformer.backend import is_array, mx, nn, numpy_view


class Named(NamedTuple):
    """An operand with a name, which is said where no tap marked it: a parameter, ``X``.

    Args:
        name: as formulas write it, ``W^Q``.
        array: any shape.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Named
    >>> Named("W^Q", mx.eye(2)).name
    'W^Q'
    """

    name: str
    array: Any


class Given(NamedTuple):
    """An operand that is no step of the trace.

    Args:
        name: as formulas write it; empty where it has none.
        value: its values, not to be written to.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Named, Total, settled
    >>> settled(Total((Named("b", mx.zeros((1,))),)), lambda array: None).operands[0]
    Given(name='b', value=array([0.], dtype=float32))
    """

    name: str
    value: np.ndarray


@dataclass(frozen=True)
class Product:
    """``Σ a · b · … + c``, summed over the letters that the result lacks: ``"btc,oc+o->bto"`` is ``x Wᵀ + b``.

    A group, ``(hd)``, is one axis that holds two. An axis shorter than its letter is shared by as many as fit (the
    key heads of grouped queries), or by all where it is 1. One operand and no sum is a rearrangement.

    Args:
        spec: an index of each operand, and of the result.
        operands: as many.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Product
    >>> from mlxformer.tracing import tap
    >>> x, w = mx.array([[1.0, 2.0]]), mx.array([[3.0, 4.0]])
    >>> with mf.trace() as steps:
    ...     y = tap("y", x @ w.T, axes=("batch", "out"), formula="x Wᵀ", of=lambda: Product("bc,oc->bo", (x, w)))
    >>> mf.open_cell(steps["y"], (0, 0))
    Cell(y[0, 0] = 11: product of 2, 11)
    """

    spec: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Total:
    """``a + b + …``, broadcast as NumPy does.

    Args:
        operands: the summands.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Total
    >>> from mlxformer.tracing import tap
    >>> a, b = mx.array([1.0]), mx.array([2.0])
    >>> with mf.trace() as steps:
    ...     y = tap("y", a + b, axes=("place",), formula="a + b", of=lambda: Total((a, b)))
    >>> mf.open_cell(steps["y"], (0,))
    Cell(y[0] = 3: total of 2, 3)
    """

    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Softmax:
    """``e^(s − max) / Σ e^(s − max)`` along an axis, 0 where not allowed.

    Args:
        scores: s.
        allowed: boolean, broadcastable to s; None is all.
        axis: counted from the end.
        sinks: of each head, the score of one more that is summed up alone; None is none.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Softmax
    >>> from mlxformer.tracing import tap
    >>> s = mx.zeros((4,))
    >>> with mf.trace() as steps:
    ...     y = tap("y", mx.softmax(s), axes=("place",), formula="softmax(s)", of=lambda: Softmax(s))
    >>> mf.open_cell(steps["y"], (0,))
    Cell(y[0] = 0.25: softmax of 4, 0.25)
    """

    scores: Any
    allowed: Any = None
    axis: int = -1
    sinks: Any = None


@dataclass(frozen=True)
class Share:
    """``x / Σ x`` along the last axis, 0 where not allowed.

    Args:
        x: what is shared out.
        allowed: as in ``Softmax``.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Share
    >>> from mlxformer.tracing import tap
    >>> x = mx.array([1.0, 3.0])
    >>> with mf.trace() as steps:
    ...     y = tap("y", x / mx.sum(x), axes=("place",), formula="x / Σ x", of=lambda: Share(x))
    >>> mf.open_cell(steps["y"], (0,))
    Cell(y[0] = 0.25: share of 2, 0.25)
    """

    x: Any
    allowed: Any = None


@dataclass(frozen=True)
class Norm:
    """``(x − mean) / √(var + ε) · g + b`` over the last axis (batch norm: all others); RMS norm subtracts no mean.

    Args:
        x: what is normalized.
        kind: which.
        eps: ε.
        gain: g, or None.
        shift: b, or None.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Norm
    >>> from mlxformer.tracing import tap
    >>> x = mx.array([3.0, 4.0])
    >>> with mf.trace() as steps:
    ...     y = mx.fast.rms_norm(x, None, 1e-5)
    ...     y = tap("y", y, axes=("place",), formula="RMSNorm(x)", of=lambda: Norm(x, "rms", 1e-5))
    >>> mf.open_cell(steps["y"], (0,))
    Cell(y[0] = 0.848528: norm of 1, 0.848528)
    """

    x: Any
    kind: Literal["layer", "rms", "batch"]
    eps: float
    gain: Any = None
    shift: Any = None


@dataclass(frozen=True)
class Function:
    """A function of each number by itself.

    Args:
        name: one of ``mlxformer.inspection.cells.FUNCTIONS``.
        x: its argument.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Function
    >>> from mlxformer.tracing import tap
    >>> x = mx.array([-1.0, 2.0])
    >>> with mf.trace() as steps:
    ...     y = tap("y", mx.maximum(x, 0), axes=("place",), formula="relu(x)", of=lambda: Function("relu", x))
    >>> mf.open_cell(steps["y"], (0,))
    Cell(y[0] = 0: function of 1, 0)
    """

    name: str
    x: Any


@dataclass(frozen=True)
class Where:
    """``x`` where allowed, else another number.

    Args:
        allowed: boolean, broadcastable to x.
        x: of the result's shape.
        other: a number.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Where
    >>> from mlxformer.tracing import tap
    >>> x, allowed = mx.array([1.0, 2.0]), mx.array([True, False])
    >>> with mf.trace() as steps:
    ...     y = mx.where(allowed, x, 0)
    ...     y = tap("y", y, axes=("place",), formula="x where allowed", of=lambda: Where(allowed, x, 0.0))
    >>> mf.open_cell(steps["y"], (1,))
    Cell(y[1] = 0: where of 1, 0)
    """

    allowed: Any
    x: Any
    other: float


@dataclass(frozen=True)
class Joined:
    """The operands one after another.

    Args:
        axis: along which.
        operands: alike on all other axes.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Joined
    >>> from mlxformer.tracing import tap
    >>> a, b = mx.array([1.0]), mx.array([2.0])
    >>> with mf.trace() as steps:
    ...     y = tap("y", mx.concatenate([a, b]), axes=("place",), formula="[a; b]", of=lambda: Joined(0, (a, b)))
    >>> mf.open_cell(steps["y"], (1,))
    Cell(y[1] = 2: total of 1, 2)
    """

    axis: int
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Same:
    """An array that is another step as it is; it says nothing where that is none.

    Args:
        x: the array.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Same
    >>> from mlxformer.tracing import tap
    >>> with mf.trace() as steps:
    ...     x = tap("x", mx.array([1.0]), axes=("place",), formula="")
    ...     y = tap("y", x * 1, axes=("place",), formula="x", of=lambda: Same(x))
    >>> mf.open_cell(steps["y"], (0,))
    Cell(y[0] = 1: total of 1, 1)
    """

    x: Any


@dataclass(frozen=True)
class Rows:
    """``scale · E[ids]``.

    Args:
        table: E.
        ids: whole numbers, of the result's leading axes.
        scale: 1 by default.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Rows
    >>> from mlxformer.tracing import tap
    >>> table, ids = mx.array([[1.0, 2.0], [3.0, 4.0]]), mx.array([1, 0])
    >>> with mf.trace() as steps:
    ...     y = tap("y", table[ids], axes=("place", "model"), formula="E[ids]", of=lambda: Rows(table, ids))
    >>> mf.open_cell(steps["y"], (0, 1))
    Cell(y[0, 1] = 4: row of 1, 4)
    """

    table: Any
    ids: Any
    scale: float = 1.0


Origin = Product | Total | Softmax | Share | Norm | Function | Where | Joined | Same | Rows


_PLAIN = frozenset((str, int, float, bool, type(None)))


def settled(origin: Origin, step_of: Callable[[Any], Any | None]) -> Origin:
    """``origin`` with a step or a ``Given`` in the place of each array.

    Args:
        origin: as a tap gave it.
        step_of: the step that an array is, or None.

    Returns:
        The same kind, which holds no array of the backend any more.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import Total, settled
    >>> settled(Total((mx.array([1.0, 2.0]), 3.0)), lambda array: None)
    Total(operands=(Given(name='', value=array([1., 2.], dtype=float32)), 3.0))
    """

    def settle(operand: Any) -> Any:
        kind = type(operand)
        if kind in _PLAIN:
            return operand
        if kind is Named:
            name, array = operand
            if not is_array(array):
                return Given(name, np.asarray(array, dtype=np.float64))
            step = step_of(array)
            return Given(name, numpy_view(array)) if step is None else step
        if kind is tuple:
            return tuple(map(settle, operand))
        if is_array(operand):
            step = step_of(operand)
            return Given("", numpy_view(operand)) if step is None else step
        return settled(operand, step_of) if isinstance(operand, Origin) else operand

    # A trace may settle thousands: a copy field by field, without ``__init__``, takes a third of the time.
    made = object.__new__(type(origin))
    vars(made).update((name, settle(operand)) for name, operand in vars(origin).items())
    return made


def projection(x: Any, layer: nn.Module, name: str, spec: str = "btc,oc->bto") -> Product | None:
    """``x Wᵀ + b``, where ``layer`` is a plain ``nn.Linear``; None where it is another (quantized, or with adapters).

    Args:
        x: what the layer was called with.
        layer: the projection.
        name: of its matrix, ``W^Q``.
        spec: as in ``Product``, without the bias.

    Returns:
        A ``Product``, or None.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.origins import projection
    >>> projection(mx.ones((1, 2, 3)), nn.Linear(3, 4), "W").spec
    'btc,oc+o->bto'
    """
    if type(layer) is not nn.Linear:
        return None
    operands = [x if isinstance(x, Origin | Named) else Named("X", x), Named(name, layer.weight)]
    given, result = spec.split("->")
    if "bias" in layer:
        given += "+" + given.split(",")[1].removesuffix("c")
        operands.append(Named("b" + name[1:], layer.bias))
    return Product(f"{given}->{result}", tuple(operands))


def normalized(x: Any, layer: Any) -> Norm | None:
    """What a plain ``nn.LayerNorm`` or ``nn.RMSNorm`` makes of ``x``; None for another layer.

    Args:
        x: an array, or an origin.
        layer: the norm.

    Returns:
        A ``Norm``, or None.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.origins import normalized
    >>> normalized(mx.ones((2, 3)), nn.RMSNorm(3)).kind
    'rms'
    """
    if type(layer) is not nn.LayerNorm and type(layer) is not nn.RMSNorm:
        return None
    kind: Literal["layer", "rms"] = "layer" if isinstance(layer, nn.LayerNorm) else "rms"
    gain = Named("g", layer.weight) if "weight" in layer else None
    shift = Named("b", layer.bias) if "bias" in layer else None
    return Norm(x, kind, float(layer.eps), gain, shift)


def applied(name: str, x: Origin | None) -> Function | None:
    """A function of what another origin makes; None where that is.

    Args:
        name: as in ``Function``.
        x: its argument.

    Returns:
        A ``Function``, or None.

    >>> from mlxformer.origins import applied
    >>> applied("tanh", None) is None
    True
    """
    return None if x is None else Function(name, x)


def rows(table: nn.Module, ids: mx.array, scale: float = 1.0) -> Rows | None:
    """``scale · E[ids]``, where ``table`` is a plain ``nn.Embedding``.

    Args:
        table: the embedding.
        ids: what it was called with.
        scale: 1 by default.

    Returns:
        A ``Rows``, or None.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.origins import rows
    >>> rows(nn.Embedding(5, 2), mx.array([[1, 3]])).table.name
    'E'
    """
    return Rows(Named("E", table.weight), ids, float(scale)) if type(table) is nn.Embedding else None


def times(x: mx.array, factor: float, name: str = "scale") -> Product:
    """``factor · x`` of scores [B, H, Tq, Tk].

    Args:
        x: any four axes.
        factor: a number.
        name: of the number.

    Returns:
        A ``Product``.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import times
    >>> times(mx.ones((1, 1, 2, 2)), 0.5).operands[1]
    Named(name='scale', array=0.5)
    """
    return Product("bhqk,->bhqk", (x, Named(name, factor)))


def grouped(q: mx.array, k: mx.array) -> Product:
    """The scores ``q kᵀ`` of heads that may share keys: [B, H, Tq, D] and [B, Hkv, Tk, D] -> [B, H, Tq, Tk].

    Args:
        q: queries.
        k: keys.

    Returns:
        A ``Product``.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import grouped
    >>> grouped(mx.ones((1, 4, 2, 3)), mx.ones((1, 2, 2, 3))).spec
    'bhqd,bhkd->bhqk'
    """
    return Product("bhqd,bhkd->bhqk", (Named("Q", q), Named("K", k)))


def mixed(weights: mx.array, v: mx.array) -> Product:
    """The heads ``weights V``.

    Args:
        weights: [B, H, Tq, Tk].
        v: values [B, Hkv, Tk, Dv].

    Returns:
        A ``Product``.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.origins import mixed
    >>> mixed(mx.ones((1, 4, 2, 3)), mx.ones((1, 2, 3, 5))).spec
    'bhqk,bhkd->bhqd'
    """
    return Product("bhqk,bhkd->bhqd", (Named("weights", weights), Named("V", v)))
