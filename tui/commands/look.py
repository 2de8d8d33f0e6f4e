"""``look``: a trained or real model's layers, heads and predictions on a text; with ``--generate`` how it writes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tui.commands.arguments import COMMAND_SYNTAX, PROGRAM
from tui.commands.context import Context
from tui.commands.lab import SUFFIXES
from tui.commands.output import paragraphs, strict, tell, width, write, write_json
from tui.commands.progress_line import ProgressLine
from tui.commands.writing import refuse_to_overwrite, write_file
from tui.experiments.look.names import about, shipped_names
from tui.figures.data import Figure, Heatmap
from tui.language.usage import UsageError
from tui.language.words import words
from tui.progress.paths import typed_path

LOOKING = ("part", "layer", "head", "token", "key")  # each a knob, and an option of that name
WRITING = ("temperature", "top_k", "top_p", "beams", "length")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?")
    parser.add_argument("texts", nargs="*")
    for name in (*LOOKING, *WRITING):
        parser.add_argument(f"--{name.replace('_', '-')}")
    parser.add_argument("--off", action="append", default=[])
    parser.add_argument("--generate", action="store_true")
    parser.add_argument("--save")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    if options.model is None:
        return _list(context, options.json)
    most = 1 if options.generate else 2
    if len(options.texts) > most:
        usage = f"{PROGRAM} {COMMAND_SYNTAX['look']}"
        raise UsageError("too-many-arguments", command=f"{PROGRAM} look", given=options.texts[most], usage=usage)
    _refuse_others(options)
    target = None if options.save is None else typed_path(options.save)
    if target is not None:  # what cannot be written is said before anything runs
        if target.suffix.lower() not in SUFFIXES:
            raise UsageError("unknown-suffix", given=target, known=SUFFIXES, nearest=None)
        refuse_to_overwrite(target, force=options.force)
    data, figures, lines = _written(context, options) if options.generate else _looked(context, options)
    if target is not None:
        _save(target, data, figures, lines[0], context, force=options.force)
    if options.json:
        write_json(data, indent=None)
    elif target is None:
        columns = width()
        for line in lines:
            for row in paragraphs(line, columns, hang="  "):
                write(row)
        write()
        _draw(figures, context)
    return 0


Made = tuple[dict[str, Any], Sequence[Figure], list[str]]


def _looked(context: Context, options: argparse.Namespace) -> Made:
    from mlxformer import backend
    from tui.experiments.look.experiment import looking
    from tui.experiments.look.off import find_attention, require_head
    from tui.experiments.look.plain import looked_as_data

    experiment = looking(options.model)
    subject = experiment.subject
    assert subject is not None
    settings: dict[str, Any] = _settings(options, LOOKING)
    settings |= dict(zip(("text", "other"), options.texts, strict=False))
    if subject.parts:  # said by name before a knob says it by its ends
        if "part" in settings and len(subject.parts) == 1:
            raise UsageError("look-no-part", model=subject.name)
        asked = experiment.defaults() | settings
        part = str(settings.get("part", subject.parts[0]))
        if part in subject.parts:
            require_head(
                find_attention(subject, part, _whole("--layer", asked["layer"])), _whole("--head", asked["head"])
            )
        settings["off"] = " ".join(options.off)
    elif options.off or any(name in settings for name in ("part", "layer", "head", "key")):
        raise UsageError("look-no-attention", model=subject.name)
    knobs = experiment.parse(settings, language=context.language)
    with ProgressLine() as report:
        looked = experiment.look(knobs, report)
        figures = experiment.figures_of(looked)
    seen = looked.seen
    rows, columns = (seen.rows, ()) if looked.shown is None else seen.labels(looked.shown.attention)
    for name, labels in (("token", rows), ("key", columns)):  # the screen keeps to the last, where a text is shorter
        if labels and int(knobs.get(name, 0)) >= len(labels):
            given, count = settings[name], len(labels)
            raise UsageError("look-no-token", option=f"--{name}", given=given, count=count, last=count - 1)
    parts = ", ".join(f"{part} {len(own)} × {own[0].heads}" for part in subject.parts if (own := subject.of_part(part)))
    name = "–" if looked.shown is None else looked.shown.name
    lines = [
        words("look.shows", context.language, model=subject.name, parts=parts or "–", name=name),
        words("look.tokens", context.language, count=len(seen.text.tokens), tokens=" ".join(seen.text.tokens)),
    ]
    if seen.rewritten:
        lines.append(words("look.written-anew", context.language, text=seen.rewritten))
    return looked_as_data(looked, backend.name), figures, lines


def _written(context: Context, options: argparse.Namespace) -> Made:
    from mlxformer import backend
    from tui.experiments.look.experiment import writing
    from tui.experiments.look.plain import written_as_data
    from tui.experiments.look.writing import writing_figures

    experiment = writing(options.model)
    settings = _settings(options, WRITING) | dict(zip(("text",), options.texts, strict=False))
    if options.beams is not None and options.temperature is not None:
        raise UsageError("look-beams-and-temperature")
    if context.seed is not None:
        settings["seed"] = context.seed
    knobs = experiment.parse(settings, language=context.language)
    with ProgressLine() as report:
        made = experiment.write(knobs, report)
    lines = [
        words("look.writes", context.language, model=made.subject.name, how=made.rules.said.say(context.language)),
        words("look.tokens", context.language, count=len(made.prompt), tokens=" ".join(made.prompt)),
        words("look.written-anew", context.language, text=made.said),
    ]  # fmt: skip
    return written_as_data(made, backend.name), writing_figures(made, len(made.ids)), lines


def _settings(options: argparse.Namespace, names: Sequence[str]) -> dict[str, object]:
    """The options that were given, as their knobs take them."""
    found: dict[str, object] = {}
    for name in names:
        given = getattr(options, name)
        if given is not None:
            found[name] = given if name == "part" else _number(f"--{name.replace('_', '-')}", given)
    return found


def _number(option: str, given: str) -> int | float:
    for kind in (int, float):
        try:
            return kind(given)
        except ValueError:
            continue
    raise UsageError("look-not-a-number", option=option, given=given[:40])


def _whole(option: str, given: object) -> int:
    if not isinstance(given, int):
        raise UsageError("look-not-a-number", option=option, given=given)
    return given


def _refuse_others(options: argparse.Namespace) -> None:
    """Options of the one that were given with the other."""
    code = "look-option-not-of-generate" if options.generate else "look-option-of-generate"
    for name in LOOKING if options.generate else WRITING:
        if getattr(options, name) is not None:
            raise UsageError(code, option=f"--{name.replace('_', '-')}")
    if options.generate and options.off:
        raise UsageError(code, option="--off")


def _draw(figures: Sequence[Figure], context: Context) -> None:
    """The figures on stdout; of a map of all heads the one that is shown."""
    from rich.console import Console

    from tui.figures.text import draw

    plain = True if context.plain else None
    console = Console(highlight=False, markup=False, emoji=False, no_color=plain)
    for figure in figures:
        head = figure.head if isinstance(figure, Heatmap) else 0
        console.print(draw(figure, context.language, color=False if plain else None, ascii=plain, head=head))
        console.print()


def _save(
    target: Path, data: dict[str, Any], figures: Sequence[Figure], title: str, context: Context, *, force: bool
) -> None:
    from tui.figures.png import SaveError
    from tui.figures.saving import contents_of_all

    suffix = target.suffix.lower()
    contents: str | bytes
    if suffix == ".json":
        contents = json.dumps(strict(data), ensure_ascii=False, allow_nan=False) + "\n"
    else:
        try:
            contents = contents_of_all(figures, suffix[1:], context.language, title)
        except SaveError as error:
            raise UsageError(error.code, **error.fields) from error
    write_file(target, contents, "utf-8-sig" if suffix == ".csv" else "utf-8", force=force)
    tell(words("screens.saved-to", context.language, path=target))


def _list(context: Context, as_json: bool) -> int:
    if as_json:
        write_json([{"model": name, "about": about(name, "en")} for name in shipped_names()])
        return 0
    wide = max(map(len, shipped_names()))
    for name in shipped_names():
        write(f"{name:<{wide}}  {about(name, context.language)}")
    return 0
