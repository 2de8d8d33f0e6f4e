"""Attention that shows itself: text, pages, notebooks, arrays from anywhere, and what cannot be shown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.inspection.attention_text import _cells as cells
from mlxformer.inspection.show import Shown

WEIGHTS = [[0.75, 0.25, 0.0], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]
TOKENS = ["我", "cat", "<b>"]


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_a_step_of_a_trace_is_printed_with_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    layer = mf.MultiHeadAttention(8, 2)
    x = mx.array(np.random.default_rng(0).standard_normal((1, 3, 8)).astype(np.float32))
    with mf.trace() as steps:
        layer(x, x, x)
    mf.show(steps["weights"], tokens=TOKENS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("weights  2 heads, 3 x 3") and lines[1] == "head 0" and lines[6] == "head 1"
    for row, line in enumerate(lines[3:6]):
        assert [float(cell) for cell in line.split()[1:]] == pytest.approx(
            steps["weights"].value[0, 0, row].tolist(), abs=0.00501
        )


def test_columns_stand_below_one_another_with_chinese_too(capsys: pytest.CaptureFixture[str]) -> None:
    mf.show(WEIGHTS, tokens=TOKENS)
    lines = capsys.readouterr().out.splitlines()
    assert {cells(line) for line in lines[1:]} == {3 + 3 * 5}


def test_arrays_of_other_libraries_are_read() -> None:
    class Tensor:  # what torch offers
        def detach(self) -> Tensor:
            return self

        def cpu(self) -> Tensor:
            return self

        def float(self) -> Tensor:
            return self

        def numpy(self) -> np.ndarray:
            return np.array(WEIGHTS, np.float32)

    wanted = mf.show(WEIGHTS).values
    for values in (np.array(WEIGHTS, np.float16), mx.array(WEIGHTS), Tensor(), [[WEIGHTS]]):
        np.testing.assert_allclose(mf.show(values).values, wanted, atol=1e-3)
    assert mf.show([WEIGHTS, WEIGHTS], head=-1).heads == [1]
    if mf.backend.name == "mlx":
        assert mf.show(mx.array(WEIGHTS).astype(mx.bfloat16)).values.shape == (1, 3, 3)


def test_the_page_holds_every_value_and_nothing_that_runs(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((2, 3, 2))
    values[0, 0, 0], values[1, 2, 1] = np.nan, -np.inf
    file = tmp_path / "attention.html"
    mf.show(values, tokens=TOKENS, keys=["</script><script>", "b"], title="<img>", html=file)
    page = file.read_text(encoding="utf-8")
    assert "http" not in page and "<img>" not in page and page.count("<script") == 2
    data = data_of(page)
    assert data["queries"] == TOKENS and data["keys"] == ["</script><script>", "b"]
    assert data["values"][0][0][0] is None and data["odd"] == {"0,0,0": "nan", "1,2,1": "-inf"}
    np.testing.assert_allclose(data["values"][1][:2], values[1][:2], rtol=1e-4)


def test_a_notebook_draws_it_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", type("IPython", (), {"get_ipython": staticmethod(lambda: shell)}))
    shown = mf.show(WEIGHTS, tokens=TOKENS)
    assert capsys.readouterr().out == "" and data_of(shown._repr_html_())["values"] == [WEIGHTS]
    assert shown._repr_html_() != shown._repr_html_()  # two on one page do not share an id


def test_color_is_for_terminals_only_and_numbers_stay() -> None:
    shown = Shown(np.array([WEIGHTS]), TOKENS, TOKENS, "t", [0])
    colored = shown.text(color=True)
    assert "\x1b[48;2;253;231;37m" in colored and "\x1b[48;2;68;1;84m" in colored  # viridis at both ends
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == str(shown)
    assert "\x1b" not in str(shown)


def test_what_does_not_fit_is_shaded_cut_and_said() -> None:
    shown = Shown(np.eye(60)[None].repeat(6, 0), [str(place) for place in range(60)], ["k"] * 60, "t", list(range(6)))
    for width in (30, 80, 130):
        lines = shown.text(color=False, width=width).splitlines()
        assert max(map(len, lines[:-2])) <= width
        assert "2 more heads: head=4" in lines[-1]
        assert ("more keys are not drawn" in lines[-2]) == (width < 130)
    assert "@@" in lines[2]


def test_words_that_would_move_the_cursor_do_not() -> None:
    assert "\x1b" not in str(Shown(np.ones((1, 1, 1)), ["\x1b[2J"], ["\n"], "\x1b]0;x\x07", [0]))


@pytest.mark.parametrize(
    ("values", "options", "code"),
    [
        ([1.0, 2.0], {}, "cannot-show"),
        (np.zeros((1, 1, 1, 1, 1)), {}, "cannot-show"),
        (np.zeros((2, 0)), {}, "cannot-show"),
        ([["a"]], {}, "cannot-show"),
        ([[1.0], [1.0, 2.0]], {}, "cannot-show"),
        (WEIGHTS, {"tokens": ["a"]}, "labels-count"),
        (WEIGHTS, {"keys": ["a"]}, "labels-count"),
        (WEIGHTS, {"head": 1}, "no-such-place"),
        ([[WEIGHTS]], {"batch": 1}, "no-such-place"),
    ],
)
def test_what_cannot_be_shown_is_said(values: Any, options: dict[str, Any], code: str) -> None:
    with pytest.raises(mf.ArgumentError) as error:
        mf.show(values, **options)
    assert error.value.code == code


def test_nothing_of_a_screen_is_needed() -> None:
    program = (
        "import sys; import mlxformer as mf; mf.show([[1.0]]); "
        "print([name for name in ('rich', 'textual', 'torch', 'tui') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
