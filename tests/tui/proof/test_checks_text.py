"""A check in words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from questions.bilingual import Bilingual
from tui.experiments.contract import Check
from tui.figures.look import ASCII, PLAIN, UNICODE
from tui.proof.checks_text import check_lines, expected_words, measured_words, sign_of

CLAIM = Bilingual("方差等于 d_k", "the variance is d_k")
VARIANCE = Check("var", CLAIM, 511.24, "==", 512.0, 51.2, True)


@pytest.mark.parametrize(
    ("check", "zh", "en"),
    [
        (VARIANCE, "应为 512 ± 10 %", "expected 512 ± 10 %"),
        (replace(VARIANCE, tolerance=0.5), "应为 512 ± 0.5", "expected 512 ± 0.5"),
        (replace(VARIANCE, tolerance=0.0), "应为 512", "expected 512"),
        (replace(VARIANCE, expected=109_482_240.0, tolerance=0.0), "应为 109,482,240", "expected 109,482,240"),
        (replace(VARIANCE, expected=109_482_240.0, tolerance=1e6), "应为 1.095e8 ± 1e6", "expected 1.095e8 ± 1e6"),
        (replace(VARIANCE, expected=61.0, tolerance=6.1, unit="%"), "应为 61 ± 6.1 %", "expected 61 ± 6.1 %"),
        (replace(VARIANCE, expected=0.0, tolerance=1e-6), "应为 0 ± 1e-6", "expected 0 ± 1e-6"),
        (replace(VARIANCE, relation="<=", expected=0.5, tolerance=0.0), "应 ≤ 0.5", "expected ≤ 0.5"),
        (
            replace(VARIANCE, relation=">=", expected=2.0, tolerance=0.1),
            "应 ≥ 2（容差 0.1）",
            "expected ≥ 2 (tolerance 0.1)",
        ),
        (
            replace(VARIANCE, relation="between", expected=(0.4, 0.6), tolerance=0.0),
            "应在 0.4 到 0.6 之间",
            "expected from 0.4 to 0.6",
        ),
    ],
)
def test_what_is_expected(check: Check, zh: str, en: str) -> None:
    assert (expected_words(check, "zh"), expected_words(check, "en")) == (zh, en)


def test_what_was_measured() -> None:
    assert measured_words(VARIANCE) == "511.2"
    assert measured_words(replace(VARIANCE, measured=61.0, unit="%")) == "61 %"
    assert measured_words(replace(VARIANCE, measured=math.nan)) == "NaN"
    assert measured_words(replace(VARIANCE, measured=None)) == "-"


@pytest.mark.parametrize(("holds", "sign", "plain"), [(True, "✓", "v"), (False, "✗", "x"), (None, "–", "-")])
def test_signs(holds: bool | None, sign: str, plain: str) -> None:
    check = replace(VARIANCE, holds=holds)
    assert (sign_of(check, UNICODE), sign_of(check, ASCII)) == (sign, plain)


def test_lines() -> None:
    lines = [line.plain for line in check_lines(VARIANCE, "zh", 40, PLAIN)]
    assert lines == ["✓ 方差等于 d_k", "  511.2   应为 512 ± 10 %"]
    undefined = replace(VARIANCE, measured=None, holds=None, reason=Bilingual("只有一个键", "there is a single key"))
    assert [line.plain for line in check_lines(undefined, "en", 60, PLAIN)] == [
        "– the variance is d_k",
        "  not defined here: there is a single key",
    ]
    assert [line.plain for line in check_lines(VARIANCE, "zh", 9, PLAIN)][:2] == ["✓ 方差等", "  于 d_k"]
