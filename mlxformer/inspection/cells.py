"""A cell of a step, opened into the sum that made it: which numbers, of which steps and parameters, and how.

    cell = mf.open_cell(steps["layers.0.self_attention.scores"], (0, 1, 2, 3))
    cell.terms[5].factors       # q[2, 5] and k[3, 5], each with the step it is of: open_cell leads on from there

All is computed again in float64 from what the trace recorded, so ``cell.total`` is not the cell but a check of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.origins import Function, Given, Joined, Norm, Origin, Product, Rows, Same, Share, Softmax, Total, Where
from mlxformer.tracing import Step

Index = tuple[int, ...]


def _gelu(x: float) -> float:
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def _gelu_tanh(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _sigmoid(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0.0),
    "gelu": _gelu,
    "gelu_new": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "identity": lambda x: x,
    "linear": lambda x: x,
    "exp": lambda x: math.exp(x) if x < 709 else math.inf,
    "elu + 1": lambda x: x + 1 if x > 0 else math.exp(x),
}


@dataclass(frozen=True)
class Factor:
    """One number of a term, and where it stands.

    Args:
        name: of the step (its path) or of the parameter.
        index: its place there.
        value: the number.
        step: that it is a cell of, which ``open_cell`` leads on to; None for a parameter and for what no tap marked.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> with mf.trace() as steps:
    ...     weights = mf.attention_weights(mx.ones((1, 1, 1, 2)), mx.ones((1, 1, 3, 2)))
    >>> factor = mf.open_cell(steps["scores"], (0, 0, 0, 1)).terms[0].factors[1]
    >>> factor.name, factor.index, factor.value
    ('K', (0, 0, 1, 0), 1.0)
    """

    name: str
    index: Index
    value: float
    step: Step | None = None


@dataclass(frozen=True)
class Term:
    """A summand: the product of its factors, or of a softmax the exponential of its one factor less the maximum.

    Args:
        value: what it adds to the sum.
        factors: of which it is made.
        axis: the axis that is summed over, as the steps call it; empty where there is none.
        place: on that axis.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> with mf.trace() as steps:
    ...     weights = mf.attention_weights(mx.ones((1, 1, 1, 2)), mx.ones((1, 1, 3, 2)))
    >>> term = mf.open_cell(steps["scores"], (0, 0, 0, 1)).terms[0]
    >>> term.value, term.axis, term.place
    (1.0, '', 0)
    """

    value: float
    factors: tuple[Factor, ...]
    axis: str = ""
    place: int = 0


@dataclass(frozen=True)
class Cell:
    """A number and the sum that made it.

    Args:
        rule: ``product``, ``total``, ``softmax``, ``share``, ``norm``, ``function``, ``where`` or ``row``.
        total: the number, computed again in float64 from the terms.
        terms: of the sum.
        facts: what the rule needs besides: the maximum and the sum of a softmax, the mean and the variance of a norm.
        size: of the numbers added up, against which rounding is measured.
        value: the number itself, as it was recorded.
        step: that it is a cell of.
        index: its place there.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> with mf.trace() as steps:
    ...     weights = mf.attention_weights(mx.ones((1, 1, 1, 2)), mx.ones((1, 1, 4, 2)))
    >>> cell = mf.open_cell(steps["weights"], (0, 0, 0, 1))
    >>> cell.rule, cell.total, len(cell.terms), cell.agrees
    ('softmax', 0.25, 4, True)
    """

    rule: str
    total: float
    terms: tuple[Term, ...]
    facts: tuple[tuple[str, float], ...] = ()
    size: float = 0.0
    value: float = math.nan
    step: Step | None = None
    index: Index = ()

    @property
    def agrees(self) -> bool:
        """Whether the sum is the cell, but for the rounding of the cell's dtype."""
        if self.step is None or not math.isfinite(self.value) or not math.isfinite(self.total):
            return self.value == self.total or (math.isnan(self.value) and math.isnan(self.total))
        rounding = float(np.finfo(self.step.value.dtype).eps) * (16 + len(self.terms))
        return abs(self.value - self.total) <= rounding * max(self.size, abs(self.value), 1e-30)

    def __repr__(self) -> str:
        """The cell, its sum, and how many terms."""
        where = "" if self.step is None else f"{self.step.path}[{', '.join(map(str, self.index))}] = {self.value:.6g}: "
        return f"Cell({where}{self.rule} of {len(self.terms)}, {self.total:.6g})"


def open_cell(step: Step, index: Sequence[int]) -> Cell | None:
    """The sum that made ``step.value[index]``.

    Args:
        step: of a trace.
        index: a place on each of its axes, from 0.

    Returns:
        A ``Cell``; None where the trace does not know how the step was made (an input, a step that was replaced).

    Raises:
        ArgumentError: for an index of another length, or out of range.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> q, k = mx.array([[[[1.0, 2.0]]]]), mx.array([[[[3.0, 4.0], [0.0, 1.0]]]])
    >>> with mf.trace() as steps:
    ...     weights = mf.attention_weights(q, k)
    >>> mf.open_cell(steps["scores"], (0, 0, 0, 0))
    Cell(scores[0, 0, 0, 0] = 11: product of 2, 11)
    >>> [term.value for term in mf.open_cell(steps["scores"], (0, 0, 0, 0)).terms]
    [3.0, 8.0]
    """
    index = tuple(index)
    shape = step.value.shape
    fits = len(index) == len(shape) and all(0 <= place < size for place, size in zip(index, shape, strict=True))
    if not fits:
        raise ArgumentError(
            "cell-outside",
            f"step {step.path!r} has the shape {list(shape)}: there is no cell {list(index)}",
            path=step.path,
            shape=list(shape),
            index=list(index),
        )
    if step.made is None:
        return None
    opened = _open(step.made, index, step)
    return replace(opened, value=float(step.value[index]), step=step, index=index)


def _open(origin: Origin, index: Index, result: Any) -> Cell:
    """``result`` is what is opened, a step or an origin inside one: it has the shape of what the index is of."""
    opener: Callable[..., Cell] = _OPENERS[type(origin)]
    return opener(origin, index, _shape(result))


def _product(origin: Product, index: Index, shape: Index) -> Cell:
    spec = _Spec(origin, shape)
    places = spec.places(index)
    terms: list[Term] = []
    summed = spec.summed
    axis = spec.axis(max(summed, key=lambda letter: spec.sizes[letter])) if summed else ""
    for combination in np.ndindex(*(spec.sizes[letter] for letter in summed)):
        here = places | dict(zip(summed, combination, strict=True))
        factors = tuple(spec.factor(number, here) for number in range(spec.multiplied))
        terms.append(Term(math.prod(factor.value for factor in factors), factors, axis, len(terms)))
    for number in range(spec.multiplied, len(origin.operands)):
        shift = spec.factor(number, places)
        terms.append(Term(shift.value, (shift,)))
    return Cell("product", _sum(terms), tuple(terms), size=_size(terms))


class _Spec:
    """The letters of a ``Product``, their sizes, and the cell of each operand at a place on each."""

    def __init__(self, origin: Product, shape: Index | None) -> None:
        given, result = origin.spec.split("->")
        products, *shifts = given.split("+")
        self.operands = origin.operands
        self.indices = [list(_tokens(text)) for text in (*products.split(","), *shifts)]
        self.multiplied = len(products.split(","))
        self.result = list(_tokens(result))
        self.sizes: dict[str, int] = {}
        sized = [(tokens, _shape(operand)) for tokens, operand in zip(self.indices, self.operands, strict=True)]
        for tokens, axes in sized if shape is None else [*sized, (self.result, shape)]:
            for token, size in zip(tokens, axes, strict=True):
                if len(token) == 1:
                    self.sizes[token] = max(size, self.sizes.get(token, 0))
        in_result = set("".join(self.result))
        used = dict.fromkeys("".join("".join(tokens) for tokens in self.indices[: self.multiplied]))
        self.summed = [letter for letter in used if letter not in in_result]

    @property
    def shape(self) -> Index:
        return tuple(math.prod(self.sizes[letter] for letter in token) for token in self.result)

    def places(self, index: Index) -> dict[str, int]:
        """Where a cell of the result stands on each letter."""
        places: dict[str, int] = {}
        for token, place in zip(self.result, index, strict=True):
            for letter in reversed(token[1:]):
                place, places[letter] = divmod(place, self.sizes[letter])
            places[token[0]] = place
        return places

    def factor(self, number: int, places: dict[str, int]) -> Factor:
        operand = self.operands[number]
        found = []
        for token, size in zip(self.indices[number], _shape(operand), strict=True):
            place, whole = 0, 1
            for letter in token:
                place = place * self.sizes[letter] + places[letter]
                whole *= self.sizes[letter]
            found.append(place // (whole // size))  # an axis shorter than its letter is shared
        return _factor(operand, tuple(found))

    def axis(self, letter: str) -> str:
        for tokens, operand in zip(self.indices, self.operands, strict=True):
            if isinstance(operand, Step) and letter in tokens:
                return operand.axes[tokens.index(letter)]
        return ""


def _tokens(text: str) -> Iterator[str]:
    while text:
        token, text = (text[1:].split(")", 1)) if text[0] == "(" else (text[0], text[1:])
        yield token


def _total(origin: Total, index: Index, shape: Index) -> Cell:
    terms: list[Term] = []
    for operand in origin.operands:
        if isinstance(operand, Origin):
            inside = _open(operand, _aligned(_shape(operand), index), operand)
            terms += inside.terms if inside.rule in ("product", "total") else [Term(inside.total, ())]
        else:
            number = _broadcast(operand, index)
            terms.append(Term(number.value, (number,)))
    return Cell("total", _sum(terms), tuple(terms), size=_size(terms))


def _softmax(origin: Softmax, index: Index, shape: Index) -> Cell:
    axis = len(shape) + origin.axis
    factors = [_broadcast(origin.scores, _moved(index, axis, place)) for place in range(shape[axis])]
    allowed = _allowed_along(origin.allowed, index, axis, shape[axis])
    sink = None if origin.sinks is None else _factor(origin.sinks, (index[1],))
    scores = [factor.value for factor, may in zip(factors, allowed, strict=True) if may]
    scores += [] if sink is None else [sink.value]
    maximum = max(scores, default=-math.inf)
    name = origin.scores.axes[axis] if isinstance(origin.scores, Step) else ""
    terms = []
    for place, (factor, may) in enumerate(zip(factors, allowed, strict=True)):
        value = math.exp(factor.value - maximum) if may and maximum > -math.inf else 0.0
        terms.append(Term(value, (factor,), name, place))
    mine = terms[index[axis]].value
    if sink is not None:
        terms.append(Term(math.exp(sink.value - maximum), (sink,)))
    whole = _sum(terms)
    facts = (("maximum", maximum), ("exponential", mine), ("sum", whole))
    total = mine / whole if whole else 0.0
    largest = max(map(abs, (maximum, factors[index[axis]].value)), default=0.0) if mine else 0.0
    return Cell("softmax", total, tuple(terms), facts, size=total * (1 + largest))


def _share(origin: Share, index: Index, shape: Index) -> Cell:
    axis = len(shape) - 1
    factors = [_broadcast(origin.x, _moved(index, axis, place)) for place in range(shape[axis])]
    allowed = _allowed_along(origin.allowed, index, axis, shape[axis])
    name = origin.x.axes[axis] if isinstance(origin.x, Step) else ""
    terms = [
        Term(factor.value if may else 0.0, (factor,), name, place)
        for place, (factor, may) in enumerate(zip(factors, allowed, strict=True))
    ]
    mine, whole = terms[index[axis]].value, _sum(terms)
    total = mine / whole if whole and not math.isinf(mine) else (math.nan if whole else 0.0)
    size = abs(total) * _size(terms) / abs(whole) if whole and math.isfinite(whole) else 0.0
    return Cell("share", total, tuple(terms), (("number", mine), ("sum", whole)), size=size)


def _norm(origin: Norm, index: Index, shape: Index) -> Cell:
    along = [(*index[:-1], place) for place in range(shape[-1])]
    if origin.kind == "batch":
        along = [(*place, index[-1]) for place in np.ndindex(shape[:-1])]
    row = np.array([_number(origin.x, place) for place in along], dtype=np.float64)
    mean = 0.0 if origin.kind == "rms" else float(row.mean())
    variance = float(np.mean((row - mean) ** 2))
    gain, shift = (None if part is None else _factor(part, index[-1:]) for part in (origin.gain, origin.shift))
    g, b = (1.0 if gain is None else gain.value), (0.0 if shift is None else shift.value)
    x, deviation = float(row[along.index(index)]), math.sqrt(variance + origin.eps)
    facts = [("x", x), ("variance", variance), ("epsilon", origin.eps)]
    facts[1:1] = [("mean", mean)] if origin.kind != "rms" else []
    facts += [("gain", g)] if gain is not None else []
    facts += [("shift", b)] if shift is not None else []
    size = abs(g) * (float(np.abs(row).max()) + abs(mean)) / deviation + abs(b)
    return Cell("norm", (x - mean) / deviation * g + b, _inside(origin.x, index).terms, tuple(facts), size=size * 4)


def _function(origin: Function, index: Index, shape: Index) -> Cell:
    inside = _inside(origin.x, index)
    x, size = inside.total, inside.size
    total = math.nan if math.isnan(x) else FUNCTIONS[origin.name](x)
    if origin.name == "exp":
        size = abs(total) * (1 + size)
    return Cell("function", total, inside.terms, ((origin.name, x),), size=size + abs(total))


def _where(origin: Where, index: Index, shape: Index) -> Cell:
    may = bool(_number(origin.allowed, _aligned(_shape(origin.allowed), index)))
    inside = _inside(origin.x, index)
    total = inside.total if may else origin.other
    return Cell("where", total, inside.terms, (("allowed", float(may)),), size=inside.size)


def _inside(operand: Any, index: Index) -> Cell:
    """What stands at ``index`` of what a number is made of: an origin opened, or the one number."""
    if isinstance(operand, Origin):
        return _open(operand, index, operand)
    factor = _broadcast(operand, index)
    return Cell("total", factor.value, (Term(factor.value, (factor,)),), size=abs(factor.value))


def _same(origin: Same, index: Index, shape: Index) -> Cell:
    factor = _factor(origin.x, index)
    return Cell("total", factor.value, (Term(factor.value, (factor,)),), size=abs(factor.value))


def _joined(origin: Joined, index: Index, shape: Index) -> Cell:
    place = index[origin.axis]
    for operand in origin.operands:
        length = _shape(operand)[origin.axis]
        if place < length:
            factor = _factor(operand, _moved(index, origin.axis, place))
            return Cell("total", factor.value, (Term(factor.value, (factor,)),), size=abs(factor.value))
        place -= length
    raise AssertionError("an index was checked against the step's shape, which is that of all operands together")


def _rows(origin: Rows, index: Index, shape: Index) -> Cell:
    number = int(_number(origin.ids, index[:-1]))
    factor = _factor(origin.table, (number, index[-1]))
    facts = [("id", float(number)), ("scale", origin.scale)][: 1 if origin.scale == 1 else 2]
    return Cell(
        "row", factor.value * origin.scale, (Term(factor.value, (factor,)),), tuple(facts), size=abs(factor.value)
    )


_OPENERS: dict[type, Callable[..., Cell]] = {
    Product: _product,
    Total: _total,
    Softmax: _softmax,
    Share: _share,
    Norm: _norm,
    Function: _function,
    Where: _where,
    Joined: _joined,
    Same: _same,
    Rows: _rows,
}


def _shape(operand: Any) -> Index:
    """Of an operand; an origin inside another has the shape of its own."""
    if isinstance(operand, Step | Given):
        return tuple(operand.value.shape)
    if isinstance(operand, Product):
        return _Spec(operand, None).shape
    if isinstance(operand, Total):
        return tuple(np.broadcast_shapes(*map(_shape, operand.operands)))
    if isinstance(operand, Softmax):
        return _shape(operand.scores)
    if isinstance(operand, Rows):
        return (*_shape(operand.ids), _shape(operand.table)[-1])
    if isinstance(operand, Share | Norm | Function | Where):
        return _shape(operand.x)
    return ()


def _factor(operand: Any, index: Index) -> Factor:
    if isinstance(operand, Step):
        return Factor(operand.path, index, float(operand.value[index]), operand)
    if isinstance(operand, Given):
        return Factor(operand.name, index, float(operand.value[index]))
    if isinstance(operand, Origin):
        return Factor("", index, _open(operand, index, operand).total)
    return Factor("", (), float(operand))


def _number(operand: Any, index: Index) -> float:
    return _factor(operand, _aligned(_shape(operand), index)).value


def _broadcast(operand: Any, index: Index) -> Factor:
    """The cell of ``operand`` that stands at ``index`` of a result that it is broadcast to."""
    return _factor(operand, _aligned(_shape(operand), index))


def _aligned(shape: Index, index: Index) -> Index:
    last = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else place for size, place in zip(shape, last, strict=True))


def _allowed_along(allowed: Any, index: Index, axis: int, length: int) -> list[bool]:
    if allowed is None:
        return [True] * length
    return [bool(_number(allowed, _moved(index, axis, place))) for place in range(length)]


def _moved(index: Index, axis: int, place: int) -> Index:
    return (*index[:axis], place, *index[axis + 1 :])


def _sum(terms: Sequence[Term]) -> float:
    values = [term.value for term in terms]
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


def _size(terms: Sequence[Term]) -> float:
    return sum(abs(term.value) for term in terms)
