"""What every experiment must stand, for the test of each: falsifiers that bite, knobs at their ends, no NaN."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from rich.cells import cell_len

from mlxformer import backend
from mlxformer.inspection.cells import open_cell
from questions.bilingual import say
from tui.experiments.catalogue import takes_long
from tui.experiments.contract import BreakKnobs, BreakTensor, Experiment, Knob, KnobValue, Result
from tui.experiments.falsify import run_broken
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.figures.caption import caption
from tui.figures.data import FIGURE_KINDS, NAN, Bars, Curve, Heatmap, Table, Tensor, Tokens
from tui.figures.heatmap import check_shapes

HAN = re.compile(r"[\u4e00-\u9fff]")
OTHER_SEED = SEEDS_BEFOREHAND[-1]
SYMBOL = re.compile(r"\w*_\w+|\b(?:log|ln)\b")  # no word: W_Q, d_k, log
# On MLX's CPU build, slow at large matrices, these ends are smaller: that claims hold at the very ends NumPy shows.
SMALLER_ON_MLX: dict[str, dict[str, int]] = {
    "decoder-only": {"turn_length": 16},
    "explosion-court": {"queries": 500},
    "fine-tuning": {"layers": 2},
    "head-width": {"d_model": 128, "tokens": 64},
    "heads": {"d_model": 128},
    "latent-attention": {"length": 128},
    "scaling": {"queries": 500},
    "tied-projections": {"d_model": 128},
}
# What people type into a text field: nothing, blanks, one character, scripts and signs nobody thought of.
SENTENCES = ("", " \t\u3000 ", "猫", "a a a a", "ไทยไม่มีช่องว่าง العربية 👩‍👩‍👧 \u200b e\u0301 \ud83d [b]x[/b]")


def values_of(experiment: Experiment, settings: Mapping[str, object] | None = None) -> dict[str, float | None]:
    return {check.name: check.measured for check in experiment.run(settings).checks}


def assert_all_hold(result: Result) -> None:
    failing = [(check.name, check.measured, check.expected) for check in result.checks if not check.holds]
    assert not failing


def assert_hold_or_null(result: Result, settings: Mapping[str, Any]) -> None:
    failing = [
        (check.name, check.measured, check.expected, check.tolerance) for check in result.checks if check.holds is False
    ]
    assert not failing, f"at {label(dict(settings))}: {failing}"
    for check in result.checks:
        if check.holds is None:
            assert check.reason is not None and check.reason.zh and check.reason.en and check.measured is None
        else:
            assert check.measured is not None and math.isfinite(check.measured)


def assert_falsifiers_bite(experiment: Experiment) -> None:
    """No check holds when what its ``fails_when`` names is broken."""
    holding = []
    for how, names in claims_by_break(experiment):
        checks = {check.name: check for check in run_broken(experiment, how).checks}
        holding += [name for name in names if checks[name].holds is not False]
    assert not holding, f"still hold, or became null, when broken: {holding}"


def claims_by_break(experiment: Experiment) -> list[tuple[BreakKnobs | BreakTensor, list[str]]]:
    """What is to be broken, each once, and the names of the checks that must then fail."""
    breaks: list[tuple[BreakKnobs | BreakTensor, list[str]]] = []
    for declared in experiment.checks:
        names = next((names for how, names in breaks if how == declared.fails_when), None)
        if names is None:
            breaks.append((declared.fails_when, [declared.name]))
        else:
            names.append(declared.name)
    return breaks


def other_seed(experiment: Experiment) -> int:
    """The end of the knob, and where what is trained from a seed lies on file, one of those that are there.

    That a training gives now what the file has for that one, test_kept holds.
    """
    return OTHER_SEED if takes_long(experiment.name) else 9999


def ends(knob: Knob) -> list[KnobValue]:
    """The values at which a knob is most likely to go wrong."""
    if knob.kind == "number":
        whole = all(float(bound).is_integer() for bound in (knob.minimum, knob.maximum, knob.step))
        return [int(value) if whole else value for value in (knob.minimum, knob.maximum)]
    if knob.kind == "choice":
        return [choice.value for choice in knob.choices]
    if knob.kind == "switch":
        return [False, True]
    sentences = [text for text in SENTENCES if len(text) <= knob.max_length]
    return [*sentences, ("阅读" * knob.max_length)[: knob.max_length]]


def settings_at_ends(experiment: Experiment) -> Iterator[dict[str, KnobValue]]:
    """Each knob alone at each of its ends, then all at the first and all at the last.

    Without those that come to the defaults, at which the claims are tried, and without the seed alone, which has a test
    of its own.
    """
    every = [{knob.name: value} for knob in experiment.knobs if knob.name != "seed" for value in ends(knob)]
    every.append({knob.name: ends(knob)[0] for knob in experiment.knobs if knob.kind != "text"})
    last = {knob.name: ends(knob)[-1] for knob in experiment.knobs}
    every.append(last | {"seed": other_seed(experiment)} if "seed" in last else last)
    seen = [experiment.defaults()]
    for settings in every:
        knobs = {**experiment.defaults(), **settings}
        if knobs not in seen:
            seen.append(knobs)
            yield settings


def settings_together(experiment: Experiment) -> Iterator[dict[str, KnobValue]]:
    """Each end of each knob once, all knobs at a time and the seed left: far fewer runs, for the second backend.

    An empty text leaves nothing to run, so it comes alone.
    """
    knobs = [knob for knob in experiment.knobs if knob.name != "seed"]
    largest = SMALLER_ON_MLX.get(experiment.name, {}) if backend.name == "mlx" else {}
    values = {knob.name: [value for value in ends(knob) if not _is_blank(value)] for knob in knobs}
    for name, bound in largest.items():
        values[name] = [min(value, bound) for value in values[name] if isinstance(value, int)]
    for place in range(max(map(len, values.values()))):
        yield {name: each[place % len(each)] for name, each in values.items()}
    yield from ({knob.name: ""} for knob in knobs if knob.kind == "text")


def _is_blank(value: KnobValue) -> bool:
    return isinstance(value, str) and not value.strip()


def label(settings: dict[str, KnobValue]) -> str:
    """A name for a parametrized test: ``d_k=4``, a long text cut."""
    return " ".join(f"{name}={ascii(value)[:16]}" for name, value in settings.items())


def assert_result_is_sound(experiment: Experiment, result: Result) -> None:
    """Every declared check once, figures well-formed and without NaN."""
    assert [check.name for check in result.checks] == [declared.name for declared in experiment.checks]
    for figure in result.figures:
        assert isinstance(figure, FIGURE_KINDS)
        assert_figure_is_finite(figure)
        assert_figure_is_captioned(figure)
        assert_axes_have_words(figure)
    assert_cells_are_their_sums(result)


def assert_cells_are_their_sums(result: Result, most: int = 12) -> None:
    """Two cells of each step (of ``most``, over the whole path) are opened: each is the float64 sum of its terms.

    What attention makes of queries, keys and values opens everywhere, unless it was replaced on its way.
    """
    steps = [step for step in result.steps if step.value.size]
    for step in steps[:: max(len(steps) // most, 1)]:
        for flat in {step.value.size // 3, step.value.size - 1}:
            index = tuple(map(int, np.unravel_index(flat, step.value.shape)))
            cell = open_cell(step, index)
            assert cell is None or cell.agrees, cell
            for factor in () if cell is None else (factor for term in cell.terms for factor in term.factors):
                assert factor.step is None or float(factor.step.value[factor.index]) == factor.value
    closed = {step.path.rsplit(".", 1)[-1] for step in steps if step.made is None}
    assert not closed & {"scaled", "masked", "concatenated"}


def assert_figure_is_captioned(figure: Any) -> None:
    """In both languages a tab of a few letters, and a sentence that tells a number and what is random or trained."""
    for language in ("zh", "en"):
        tab, made = say(figure.tab, language), say(figure.made, language)  # type: ignore[arg-type]
        assert tab and cell_len(tab) <= 12 and made, (figure.name, "is declared in figures=")
        said = caption(figure, language)  # type: ignore[arg-type]
        assert made in said and (isinstance(figure, Tensor) or len(said) > len(made) + 1), figure.name
        assert language == "zh" or not HAN.search(tab + made), figure.name
        assert "Bilingual(" not in say(figure.title, language) + said, figure.name  # type: ignore[arg-type]


def assert_axes_have_words(figure: Any) -> None:
    """What an axis measures is said in a word, in both languages: no bare symbol, per cent sign or power of ten."""
    axes: tuple[Any, ...] = ()
    if isinstance(figure, Curve):
        axes = (figure.x_label, figure.y_label)
    elif isinstance(figure, Bars):
        axes = (figure.value_label,)
    elif isinstance(figure, Heatmap):
        axes = (figure.row_axis, figure.column_axis)
    elif isinstance(figure, Table):
        axes = tuple(column for column in figure.columns if column == "%")
    for label in axes:
        zh, en = say(label, "zh"), say(label, "en")
        assert re.search("[A-Za-z]{2}", SYMBOL.sub("", en)), (figure.name, label)
        assert HAN.search(zh) or zh == en, (figure.name, label)  # a unit (MiB, nats) is the same in both


def assert_figure_is_finite(figure: Any) -> None:
    if isinstance(figure, Heatmap):
        check_shapes(figure)
        for stage in figure.stages:
            assert np.isfinite(np.asarray(stage.values, np.float64)).all(), (figure.name, stage.name)
    elif isinstance(figure, Curve):
        for series in figure.series:
            assert len(series.x) == len(series.y)
            assert np.isfinite(series.x).all() and not np.isinf(series.y).any(), figure.name
            assert figure.hole != NAN or not np.isnan(series.y).any(), figure.name  # it would be read
    elif isinstance(figure, Bars):
        assert len(figure.labels) == len(figure.values)
        assert np.isfinite(figure.values).all(), figure.name
    elif isinstance(figure, Tokens):
        for strip in figure.strips:
            for extra in (strip.values, strip.marks):
                assert extra is None or len(extra) == len(strip.tokens)
            assert strip.values is None or all(0 <= value <= 1 for value in strip.values)
    elif isinstance(figure, Table):
        for row in figure.rows:
            assert len(row) == len(figure.columns)
            assert not any(isinstance(cell, float) and not math.isfinite(cell) for cell in row), (figure.name, row)
    elif isinstance(figure, Tensor):
        values = np.asarray(figure.values)
        assert values.ndim == len(figure.axes) and np.isfinite(values.astype(np.float64)).all(), figure.name
