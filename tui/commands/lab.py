"""``lab``: run an experiment and draw it as text; without a name, list them with their knobs."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from questions.bilingual import Bilingual, Language, say
from tui.commands import lab_steps
from tui.commands.check_text import check_json, check_lines
from tui.commands.context import Context
from tui.commands.drawing import draw_figures
from tui.commands.knob_settings import read_settings
from tui.commands.output import paragraphs, tell, width, write, write_json
from tui.commands.progress_line import ProgressLine
from tui.commands.writing import refuse_to_overwrite, write_file
from tui.experiments.afresh import measuring_afresh
from tui.experiments.catalogue import catalogue
from tui.experiments.contract import Experiment, Knob, Result
from tui.figures.data import Label
from tui.figures.numbers import short
from tui.language.backend import say_backend
from tui.language.harmless import in_a_line
from tui.language.usage import UsageError, unknown
from tui.language.words import words
from tui.progress.paths import typed_path

FAILED = 1
SUFFIXES = (".svg", ".png", ".csv", ".html", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--save")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--steps", action="store_true")
    parser.add_argument("--cell")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    experiments = catalogue()
    if options.name is None:
        if options.steps or options.cell is not None:
            raise UsageError("needs-experiment", option="--steps" if options.steps else "--cell")
        return _list(context, options.json)
    if options.name not in experiments:
        raise unknown("unknown-experiment", options.name, experiments)
    experiment = experiments[options.name]
    settings = read_settings(experiment, options.set)
    target = None if options.save is None else typed_path(options.save)
    if target is not None:  # what cannot be written is said before anything runs
        if target.suffix.lower() not in SUFFIXES:
            raise UsageError("unknown-suffix", given=target, known=SUFFIXES, nearest=None)
        refuse_to_overwrite(target, force=options.force)
    values = experiment.parse(settings, language=context.language)  # sentences of the language that is read
    knobs = {knob.name: values[knob.name] for knob in experiment.knobs}
    with ProgressLine() as report, measuring_afresh():
        start = time.perf_counter()
        result = experiment.run(knobs, report)
        seconds = time.perf_counter() - start
    if options.steps or options.cell is not None:
        if options.cell is not None:
            lab_steps.show_cell(options.cell, result, context, as_json=options.json)
        else:
            lab_steps.list_steps(experiment, knobs, result, context, as_json=options.json)
        return 0
    if target is not None:
        _save(target, experiment, knobs, seconds, result, context, force=options.force)
    if options.json:
        write_json(
            _json(experiment, knobs, seconds, result), indent=None
        )  # a line for each number would be read by nobody
    elif target is None:
        _draw(experiment, knobs, seconds, result, context)
    return FAILED if any(check.holds is False for check in result.checks) else 0


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


def _save(
    target: Path,
    experiment: Experiment,
    knobs: dict[str, Any],
    seconds: float,
    result: Result,
    context: Context,
    *,
    force: bool,
) -> None:
    """All figures in one file; as JSON, the whole that ``--json`` prints."""
    from tui.figures.png import SaveError
    from tui.figures.saving import contents_of_all

    suffix = target.suffix.lower()
    contents: str | bytes
    if suffix == ".json":
        contents = json.dumps(_json(experiment, knobs, seconds, result), ensure_ascii=False, allow_nan=False) + "\n"
    else:
        title = experiment.title.say(context.language)
        try:
            contents = contents_of_all(result.figures, suffix[1:], context.language, title)
        except SaveError as error:
            raise UsageError(error.code, **error.fields) from error
    # With a byte-order mark a spreadsheet reads Chinese rightly.
    write_file(target, contents, "utf-8-sig" if suffix == ".csv" else "utf-8", force=force)
    tell(words("screens.saved-to", context.language, path=target))


def _json(experiment: Experiment, knobs: dict[str, Any], seconds: float, result: Result) -> dict[str, Any]:
    from mlxformer import backend
    from tui.figures.plain import figure_to_plain

    return {
        "experiment": experiment.name,
        "backend": backend.name,
        "knobs": knobs,
        "seconds": seconds,
        "checks": [check_json(check) for check in result.checks],
        "figures": [figure_to_plain(figure) for figure in result.figures],
    }


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
