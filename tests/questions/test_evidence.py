"""Evidence that proves nothing is refused where it is written: checks that cannot fail, numbers of unknown settings."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from questions.bank import Bank
from questions.catalogue import Catalogue
from questions.loader import load
from questions.model import KnobValue
from questions.settings import unsettled
from tests.questions.test_loader import EXPERIMENT, ToyExperiment


def _breaks(name: str, check: str, settings: Mapping[str, KnobValue]) -> str | None:
    """The toy's checks are broken by d_k = 1."""
    return None if settings.get("d_k") == 1 else "d_k=1"


def _numbers(name: str, settings: Mapping[str, KnobValue]) -> list[float]:
    return [float(settings.get("d_k", 64)), 32.0]  # type: ignore[arg-type]


CATALOGUE = Catalogue({"scaling": ToyExperiment()}, breaks=_breaks, numbers=_numbers)


def read(tmp_path, text: str) -> Bank:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    return load([tmp_path / "mine.yaml"], CATALOGUE)


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"d_k: 512": "d_k: 1", "{zh: 方差,": "{zh: 方差, check: variance-grows,"}, "check-unbreakable", (7, 23)),
        ({"d_k: 512": "d_k: 1", "Because.": "'x [9](check:saturated-rows)'"}, "check-unbreakable", (5, 19)),
        ({"Because.": "'[47 ± 47 %](check:saturated-rows)'"}, "tolerance-as-large", (5, 17)),
        ({"Because.": "'−[0.1 ± 0.2](check:saturated-rows)'"}, "tolerance-as-large", (5, 18)),
        (
            {", with: {d_k: 512}": "", "Because.": "'it is [9](check:variance-grows)'"},
            "number-without-settings",
            (5, 23),
        ),
    ],
)
def test_what_proves_nothing_is_named_with_its_line(tmp_path, change, code, place):
    text = EXPERIMENT
    for old, new in change.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    problems = read(tmp_path, text).problems
    assert [(problem.code, (problem.line, problem.column)) for problem in problems] == [(code, place)]


@pytest.mark.parametrize(
    "change",
    [
        {"{zh: 方差,": "{zh: 方差, check: variance-grows,"},  # d_k = 1 would break it, and it runs at 512
        {"Because.": "'[0 ± 0.1](check:variance-grows), [47 ± 46](check:saturated-rows)'"},
        {"Because.": "'[9](check:variance-grows)'"},  # an own file's `with` says the settings
        {", with: {d_k: 512}": "", "Because.": "'at d_k = 64 it is [9](check:variance-grows)'"},
        {", with: {d_k: 512}": "", "Because.": "'[9](check:variance-grows) of 7 rows'"},
    ],
)
def test_what_can_fail_and_says_its_settings_is_sound(tmp_path, change):
    text = EXPERIMENT
    for old, new in change.items():
        text = text.replace(old, new)
    assert read(tmp_path, text).problems == ()


LINK = "[61 %](check:rows)"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (f"at d_k = 512: {LINK}", [512]),
        (f"at `d_k = 512`: {LINK}", [512]),
        (f"at d_k = 512\n\nand {LINK}", [512]),
        (f"ten thousand is 10,000\n\n{LINK}", [10_000]),
        (f"1 万句\n\n{LINK}", [10_000]),
        (f"twelve tokens\n\n{LINK}", [12]),
        (f"两个头\n\n{LINK}", [2]),
        (f"15 % of tokens\n\n{LINK}", [0.15]),
        (f"of 90 dates, {LINK}", [4]),
        ("[61 %](source:1)", [4]),
    ],
)
def test_settings_are_said(text, values):
    assert unsettled(text, values) is None


@pytest.mark.parametrize(
    ("text", "values"),
    [(LINK, [61]), (f"at d_k = 5120\n\n{LINK}", [512]), (f"of 90 dates\n\n{LINK}", [4]), (f"`90`: {LINK}", [4])],
)
def test_settings_are_not_said(text, values):
    assert unsettled(text, values) == LINK
