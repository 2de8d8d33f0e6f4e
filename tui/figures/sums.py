"""A cell of a traced tensor as the sum that made it: an equation, and a table with a row for each term.

What is opened is a ``mlxformer.inspection.cells.Cell``; nothing here needs that library to be imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from questions.bilingual import Bilingual, Language
from tui.figures.data import Label, Table
from tui.figures.numbers import short
from tui.language.tensors import axis_word

Words = Mapping[str, Sequence[str]]  # for an axis (``query``), the words for its places
DIGITS = 5
WIDEST = 8  # signs of the bar of the largest term
TERM = Bilingual("项", "term")
PRODUCT = Bilingual("积", "product")
SHARE = Bilingual("占比", "share")
SIZE = Bilingual("大小", "size")


def step_name(step: Any) -> str:
    """A step's path, with its number where the path was passed more than once."""
    call = getattr(step, "call", 0)
    return f"{step.path} #{call}" if call else step.path


def last_name(path: str) -> str:
    """The end of a path, which tells most."""
    return path.rsplit(".", 1)[-1]


def fitting(cell: Any, words: Words) -> dict[str, Sequence[str]]:
    """The words of the axes whose length is that of the cell's step, or of its sum: others are of another sequence."""
    sizes = dict(zip(cell.step.axes, cell.step.value.shape, strict=True))
    for axis in {term.axis for term in cell.terms}:
        sizes[axis] = sum(term.axis == axis for term in cell.terms)
    return {axis: named for axis, named in words.items() if len(named) == sizes.get(axis)}


def place_text(axes: Sequence[str], index: Sequence[int], words: Words, language: Language = "en") -> str:
    """Where a cell stands: ``head 1, query 2 cat, key 3 mat``. A batch of one is not worth a word."""
    parts = []
    for axis, place in zip(axes, index, strict=True):
        if axis == "batch" and place == 0:
            continue
        named = words.get(axis, ())
        word = f" {named[place]}" if place < len(named) else ""
        parts.append(f"{axis_word(axis, language)} {place}{word}")
    return ", ".join(parts)


def cell_title(cell: Any, words: Words, language: Language = "en") -> str:
    """The step, the place and the number."""
    where = place_text(cell.step.axes, cell.index, words, language)
    return f"{step_name(cell.step)} [{where}] = {short(cell.value, DIGITS)}"


def equation(cell: Any, language: Language) -> str:
    """How the terms make the number, with the numbers in it."""
    facts, total = dict(cell.facts), short(cell.total, DIGITS)
    said = {name: short(value, DIGITS) for name, value in cell.facts}
    if cell.rule == "softmax":
        mine = f"{said['exponential']} / {said['sum']}"
        return f"e^(s − max) / Σ e^(s − max) = {mine} = {total}   (max = {said['maximum']})"
    if cell.rule == "share":
        return f"x / Σ x = {said['number']} / {said['sum']} = {total}"
    if cell.rule == "norm":
        centered = f"({said['x']} − {said['mean']})" if "mean" in facts else said["x"]
        gain = f" · {said['gain']}" if "gain" in facts else ""
        shift = f" + {said['shift']}" if "shift" in facts else ""
        return f"{centered} / √({said['variance']} + {facts['epsilon']:g}){gain}{shift} = {total}"
    if cell.rule == "function":
        ((name, _),) = cell.facts
        return f"{_added(cell, said[name])}{name}({said[name]}) = {total}"
    if cell.rule == "where":
        zh = language == "zh"
        if facts["allowed"]:
            return f"掩码允许，照旧：{total}" if zh else f"the mask allows it, as it was: {total}"
        return f"掩码不允许，换成 {total}" if zh else f"the mask does not allow it: {total} instead"
    if cell.rule == "row":
        scale = f" · {said['scale']}" if "scale" in facts else ""
        return f"E[{int(facts['id'])}]{scale} = {total}"
    return _sum_written(cell.terms) + f" = {total}"


def _added(cell: Any, inside: str) -> str:
    return f"{_sum_written(cell.terms)} = {inside},  " if len(cell.terms) > 1 or len(cell.terms[0].factors) > 1 else ""


def _sum_written(terms: Sequence[Any]) -> str:
    """``Σ_dim queries · keys + b``, or the numbers themselves where they are few."""
    if len(terms) <= 4:
        return " + ".join(
            " · ".join(short(f.value, DIGITS) for f in t.factors) or short(t.value, DIGITS) for t in terms
        )
    summed = [term for term in terms if term.axis]
    first = (summed or list(terms))[0]
    names = " · ".join(last_name(factor.name) or "x" for factor in first.factors)
    rest = [last_name(term.factors[0].name) for term in terms if not term.axis and term.factors and summed]
    return " + ".join([f"Σ_{first.axis or 'i'} {names}", *rest])


def verdict(cell: Any, language: Language) -> str:
    """The sum, made again in float64, beside the cell."""
    count, total, value = len(cell.terms), short(cell.total, 7), short(cell.value, 7)
    if language == "zh":
        said = f"{count} 项用 float64 重算得 {total}，格子里是 {value}"
        return f"{said}：✓ 一致" if cell.agrees else f"{said}：✗ 不一致（格子的精度或范围不够）"
    said = f"{count} term{'' if count == 1 else 's'}, added again in float64: {total}; the cell: {value}"
    return f"{said}  ✓" if cell.agrees else f"{said}  ✗ (the cell's precision or range fell short)"


def sum_table(cell: Any, words: Words, title: str = "") -> Table:
    """A row for each term: where it stands, its factors, what it adds, and that as a bar of signs."""
    widest = max((len(term.factors) for term in cell.terms), default=0)
    several, softmax = widest > 1, cell.rule == "softmax"
    names = [_column_name(cell.terms, at) for at in range(widest)]
    axis = next((term.axis for term in cell.terms if term.axis), "")
    columns: list[Label] = [axis or TERM, *names]
    plain = [name for name in names if isinstance(name, str)]
    columns += ["e^(s − max)"] if softmax else ["·".join(plain) if len(plain) == widest else PRODUCT] if several else []
    columns += [SHARE, SIZE] if softmax or cell.rule == "share" else [SIZE]
    most = max((abs(term.value) for term in cell.terms if term.value == term.value), default=0.0)
    whole = dict(cell.facts).get("sum", 0.0)
    rows: list[list[Label | float | None]] = []
    for term in cell.terms:
        factors = [factor.value for factor in term.factors]
        row: list[Label | float | None] = [term_name(term, words), *factors, *[None] * (widest - len(factors))]
        row += [term.value] if softmax or several else []
        row += [term.value / whole if whole else 0.0] if softmax or cell.rule == "share" else []
        rows.append([*row, _bar(term.value, most)])
    return Table(title, columns, rows, name="cell")


def term_name(term: Any, words: Words) -> str:
    """A place on the axis that is summed over, in words where there are; else the name of the number."""
    if term.axis:
        return place_text([term.axis], [term.place], words).removeprefix(f"{term.axis} ") or str(term.place)
    if not term.factors:
        return "…"
    factor = term.factors[0]
    return f"{last_name(factor.name)}[{', '.join(map(str, factor.index))}]" if factor.name else short(factor.value)


def _column_name(terms: Sequence[Any], at: int) -> Label:
    found = {last_name(term.factors[at].name) for term in terms if len(term.factors) > at and (term.axis or at)}
    return found.pop() if len(found) == 1 and found != {""} else Bilingual("数", "number")


def _bar(value: float, most: float) -> str:
    """Signs as many as the term is large: they read without color and in ASCII."""
    if value != value or most in (0.0, float("inf")):
        return ""
    return ("+" if value > 0 else "-") * round(abs(value) / most * WIDEST)


def cell_to_plain(cell: Any) -> dict[str, Any]:
    """For JSON: the cell, how its terms make it, and what leads on."""
    return {
        "path": cell.step.path,
        "call": cell.step.call,
        "index": list(cell.index),
        "value": cell.value,
        "rule": cell.rule,
        "total": cell.total,
        "agrees": cell.agrees,
        "facts": dict(cell.facts),
        "terms": [
            {
                "value": term.value,
                "axis": term.axis or None,
                "place": term.place if term.axis else None,
                "factors": [
                    {
                        "name": factor.name,
                        "index": list(factor.index),
                        "value": factor.value,
                        "step": None if factor.step is None else step_name(factor.step),
                    }
                    for factor in term.factors
                ],
            }
            for term in cell.terms
        ],
    }
