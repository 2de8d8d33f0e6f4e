"""The experiment that the guide to writing shows is one: as it stands there it runs, holds, and can be broken."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

import tui.experiments
from tests.tui.experiments.checking import (
    assert_all_hold,
    assert_falsifiers_bite,
    assert_hold_or_null,
    assert_result_is_sound,
    values_of,
)

GUIDE = Path(__file__).parents[3] / "questions" / "README.md"


def test_the_guide_s_experiment_is_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = re.findall(r"```python\n# tui/experiments/(\S+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    for path, text in files:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    package = f"tui.experiments.{Path(files[0][0]).parent}"
    monkeypatch.setattr(tui.experiments, "__path__", [*tui.experiments.__path__, str(tmp_path)])
    try:
        experiment = importlib.import_module(f"{package}.declaration").EXPERIMENT
        result = experiment.run()
        assert_all_hold(result)
        assert_result_is_sound(experiment, result)
        assert_falsifiers_bite(experiment)
        for settings in ({"factor": 1}, {"factor": 8, "seed": 9999}):
            assert_hold_or_null(experiment.run(settings), settings)
        assert values_of(experiment, {"seed": 1}) != values_of(experiment)
    finally:
        for name in [name for name in sys.modules if name.startswith(package)]:
            del sys.modules[name]
