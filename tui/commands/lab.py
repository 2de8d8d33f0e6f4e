"""``lab``: run an experiment and draw it as text; without a name, list them with their knobs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from questions.bilingual import Bilingual, Language, say
from tui.commands.checks import check_json, check_lines
from tui.commands.context import Context
from tui.commands.knob_settings import read_settings
from tui.commands.output import paragraphs, tell, width, write, write_json
from tui.commands.progress_line import ProgressLine
from tui.experiments.catalogue import catalogue
from tui.experiments.contract import Experiment, Knob, Result
from tui.figures.data import Figure, Label
from tui.figures.numbers import short
from tui.language.backend import say_backend
from tui.language.harmless import in_a_line
from tui.language.usage import unknown
from tui.language.words import words
from tui.proof.runs import visible_knobs

FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    experiments = catalogue()
    if options.name is None:
        return _list(context, options.json)
    if options.name not in experiments:
        raise unknown("unknown-experiment", options.name, experiments)
    experiment = experiments[options.name]
    settings = read_settings(experiment, options.set)
    knobs = visible_knobs(experiment, settings)
    with ProgressLine() as report:
        start = time.perf_counter()
        result = experiment.run(settings, report)
        seconds = time.perf_counter() - start
    if options.json:
        _write_json(experiment, knobs, seconds, result)
    else:
        _draw(experiment, knobs, seconds, result, context)
    return FAILED if any(check.holds is False for check in result.checks) else 0


def draw_figures(figures: Sequence[Figure], context: Context) -> None:
    """The figures on stdout, one under another; with --plain in ASCII and without color."""
    from rich.console import Console

    from tui.figures.text import draw

    plain = True if context.plain else None
    console = Console(highlight=False, markup=False, emoji=False, no_color=plain)
    for figure in figures:
        console.print(draw(figure, context.language, color=False if plain else None, ascii=plain))
        console.print()


def _draw(experiment: Experiment, knobs: dict[str, Any], seconds: float, result: Result, context: Context) -> None:
    from mlxformer import backend

    columns = width()
    write(experiment.title.say(context.language))
    write("  ".join(f"{name}={in_a_line(str(value))}" for name, value in knobs.items()))
    write()
    draw_figures(result.figures, context)
    for check in result.checks:
        for line in check_lines(check, context.language):
            for row in paragraphs(line, columns, hang="    "):
                write(row)
    tell(
        words(
            "commands.ran",
            context.language,
            backend=say_backend(backend.describe(), context.language),
            milliseconds=short(seconds * 1000, 3),
        )
    )


def _write_json(experiment: Experiment, knobs: dict[str, Any], seconds: float, result: Result) -> None:
    from mlxformer import backend
    from tui.figures.plain import figure_to_plain

    write_json(
        {
            "experiment": experiment.name,
            "backend": backend.name,
            "knobs": knobs,
            "seconds": seconds,
            "checks": [check_json(check) for check in result.checks],
            "figures": [figure_to_plain(figure) for figure in result.figures],
        },
        indent=None,  # a heatmap has many numbers, and a line for each would be read by nobody
    )


def _list(context: Context, as_json: bool) -> int:
    experiments = catalogue().values()
    if as_json:
        write_json([_experiment_json(experiment) for experiment in experiments])
        return 0
    columns = width()
    for experiment in experiments:
        write(f"{experiment.name}  {experiment.title.say(context.language)}")
        for row in paragraphs(experiment.summary.say(context.language), columns, "  "):
            write(row)
        for knob in experiment.knobs:
            line = f"{knob.name}={_written(knob.default)}  {takes(knob, context.language)}"
            label = say(knob.label, context.language)
            for row in paragraphs(line if label == knob.name else f"{line}  {label}", columns, "    ", "        "):
                write(row)
        write()
    return 0


def takes(knob: Knob, language: Language) -> str:
    """What a knob takes, in a few words."""
    if knob.kind == "choice":
        return " | ".join(choice.value for choice in knob.choices)
    if knob.kind == "switch":
        return "true | false"
    if knob.kind == "text":
        return words("commands.takes-text", language, length=knob.max_length)
    return words("commands.takes-number", language, minimum=short(knob.minimum), maximum=short(knob.maximum))


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _experiment_json(experiment: Experiment) -> dict[str, Any]:
    return {
        "name": experiment.name,
        "title": _label(experiment.title),
        "summary": _label(experiment.summary),
        "knobs": [_knob_json(knob) for knob in experiment.knobs],
        "checks": [
            {"name": check.name, "claim": _label(check.claim), "relation": check.relation, "unit": check.unit}
            for check in experiment.checks
        ],
    }


def _knob_json(knob: Knob) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": knob.name,
        "label": _label(knob.label),
        "kind": knob.kind,
        "default": knob.default,
    }
    if knob.kind == "number":
        data |= {"minimum": knob.minimum, "maximum": knob.maximum, "step": knob.step, "log": knob.log}
    elif knob.kind == "choice":
        data["choices"] = [{"value": choice.value, "label": _label(choice.label)} for choice in knob.choices]
    elif knob.kind == "text":
        data["max_length"] = knob.max_length
    return data


def _label(label: Label) -> dict[str, str | None]:
    return {"zh": label.zh, "en": label.en} if isinstance(label, Bilingual) else {"zh": label, "en": label}
