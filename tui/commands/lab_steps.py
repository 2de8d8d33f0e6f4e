"""``lab NAME --steps`` lists the path of a run, ``lab NAME --cell PATH[i,j,…]`` opens a cell into its sum."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from questions.bilingual import say
from tui.commands.context import Context
from tui.commands.drawing import draw_figures
from tui.commands.output import paragraphs, width, write, write_json
from tui.experiments.contract import Experiment, KnobValue, Result
from tui.figures.sums import cell_title, cell_to_plain, equation, fitting, step_name, sum_table, verdict
from tui.figures.trail import first_labels, stops
from tui.language.harmless import in_a_line
from tui.language.usage import UsageError, unknown
from tui.language.words import words as said

_CELL = re.compile(r"(?P<path>[^\[\]]+?)\s*(?:\[(?P<index>[\d\s,]*)\])?")


def names_of(result: Result) -> dict[str, Sequence[str]]:
    """For an axis, the words for its places."""
    return {**first_labels(result.figures), **result.words}


def list_steps(experiment: Experiment, knobs: Mapping[str, KnobValue], result: Result, context: Context, *,
               as_json: bool) -> None:  # fmt: skip
    """Every stop on stdout, a line each; as JSON the steps alone, with what a cell of them needs."""
    if as_json:
        write_json([_step_json(step) for step in result.steps])
        return
    texts = {knob.label: str(knobs[knob.name]) for knob in experiment.knobs if knob.kind == "text"}
    trail = stops(result.steps, names_of(result), texts)
    if not trail:
        write(said("commands.no-steps", context.language))
    columns = width()
    for number, stop in enumerate(trail, 1):
        formula = f"  {stop.step.formula}" if stop.step is not None and stop.step.formula else ""
        opens = "" if stop.step is None or stop.step.made is not None else " -"
        line = f"{number}{opens}  {say(stop.name, context.language)}  {stop.line(context.language)}{formula}"
        for row in paragraphs(in_a_line(line), columns, hang="    "):
            write(row)


def show_cell(asked: str, result: Result, context: Context, *, as_json: bool) -> None:
    """The sum that made a cell.

    Raises:
        UsageError: where there is no such step or cell, or nothing is known of how it was made.
    """
    from mlxformer.inspection.cells import open_cell

    step, index = _find(asked, result.steps)
    shape = list(step.value.shape)
    if len(index) != len(shape) or any(place >= size for place, size in zip(index, shape, strict=True)):
        raise UsageError("cell-outside", given=asked, path=step_name(step), axes=list(step.axes), shape=shape)
    cell = open_cell(step, index)
    if cell is None:
        raise UsageError("cell-not-made", path=step_name(step))
    if as_json:
        write_json(cell_to_plain(cell))
        return
    words = fitting(cell, names_of(result))
    columns = width()
    for line in (
        cell_title(cell, words, context.language),
        equation(cell, context.language),
        verdict(cell, context.language),
    ):
        for row in paragraphs(in_a_line(line), columns, hang="    "):
            write(row)
    write()
    draw_figures([sum_table(cell, words, step.formula)], context)


def _find(asked: str, steps: Sequence[Any]) -> tuple[Any, tuple[int, ...]]:
    """The step that is asked for, and the place in it; without a place the first."""
    found = _CELL.fullmatch(asked.strip())
    if found is None:
        raise UsageError("not-a-cell", given=asked)
    path = found["path"].strip()
    by_name = {step_name(step).replace(" #", "#"): step for step in steps}
    step = by_name.get(path.replace(" #", "#"))
    if step is None:
        raise unknown("unknown-step", path, by_name)
    if found["index"] is None:
        return step, (0,) * step.value.ndim
    parts = [part.strip() for part in found["index"].split(",")] if found["index"].strip() else []
    if not all(part.isdigit() and len(part) < 10 for part in parts):
        raise UsageError("not-a-cell", given=asked)
    return step, tuple(map(int, parts))


def _step_json(step: Any) -> dict[str, Any]:
    return {
        "path": step.path,
        "call": step.call,
        "axes": list(step.axes),
        "shape": list(step.value.shape),
        "dtype": str(step.value.dtype),
        "formula": step.formula,
        "opens": step.made is not None,
    }
