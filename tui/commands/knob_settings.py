"""``--set KNOB=VALUE``: a value as YAML or Python writes it, read as the knob takes it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from tui.experiments.contract import Experiment, Knob, KnobValue
from tui.language.usage import UsageError

_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_settings(experiment: Experiment, given: Sequence[str]) -> dict[str, KnobValue]:
    """``["d_k=64", "scale=none"]`` as settings; the last of two for one knob counts.

    Raises ``UsageError`` where one is not KNOB=VALUE; what a knob cannot take, ``Experiment.parse`` refuses.
    """
    knobs = {knob.name: knob for knob in experiment.knobs}
    settings: dict[str, KnobValue] = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UsageError("setting-without-value", given=setting)
        settings[name] = read_value(knobs[name], value) if name in knobs else value
    return settings


def read_value(knob: Knob, written: str) -> KnobValue:
    """``written`` as ``knob`` takes it, or as the text that it is."""
    bare = written.strip()
    if knob.kind == "number":
        return _number(bare)
    if knob.kind == "switch":
        return _SWITCH.get(bare.lower(), bare)
    if len(bare) >= 2 and bare[0] == bare[-1] and bare[0] in "'\"":
        try:
            value = ast.literal_eval(bare)
        except (SyntaxError, ValueError):
            return bare[1:-1]
        return value if isinstance(value, str) else written
    return bare if knob.kind == "choice" else written


def _number(bare: str) -> KnobValue:
    for kind in (int, float):
        try:
            return kind(bare)
        except ValueError:
            continue
    return bare
