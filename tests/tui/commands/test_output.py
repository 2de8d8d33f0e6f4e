"""What goes to stdout is data that any program can read."""

from __future__ import annotations

import io
import json
import math
import sys

import numpy as np
import pytest

from tui.commands import output
from tui.commands.output import glyph, paragraphs, strict, write_json


def test_nan_and_infinity_are_null_and_named() -> None:
    value = {"a": [1.0, math.nan, {"b": math.inf}], "c": -math.inf, "d": 0.5}
    plain = strict(value)
    assert plain["a"] == [1.0, None, {"b": None}] and plain["c"] is None and plain["d"] == 0.5
    assert plain["nonfinite"] == {"a[1]": "nan", "a[2].b": "inf", "c": "-inf"}
    assert "nonfinite" not in strict({"a": 1.0})
    json.loads(json.dumps(plain, allow_nan=False))


def test_arrays_become_lists_of_python_numbers() -> None:
    value = {"f": np.float32([0.5, np.nan]), "i": np.int64(3), "b": np.array([True]), "t": (1, 2)}
    plain = strict(value)
    assert plain == {"f": [0.5, None], "i": 3, "b": [True], "t": [1, 2], "nonfinite": {"f[1]": "nan"}}
    assert type(plain["i"]) is int


def test_what_json_cannot_write_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        strict({"a": [1, 2j]})


def test_json_is_escaped_where_the_encoding_lacks_the_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, expected in (("utf-8", "缩放"), ("ascii", "\\u7f29\\u653e"), ("gbk", "\\u7f29\\u653e")):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        write_json(["缩放"])
        sys.stdout.flush()
        assert expected.encode("ascii" if encoding != "utf-8" else "utf-8") in raw.getvalue()
        assert json.loads(raw.getvalue().decode(encoding)) == ["缩放"]


def test_a_glyph_gives_way_where_it_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert glyph("✓", "v") == "v"
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert glyph("✓", "v") == "✓"


def test_lines_are_whole_in_a_pipe_and_broken_at_a_width() -> None:
    text = "打分乘以一个系数，方差回到一。"
    assert paragraphs(text, None, "  ") == ["  " + text]
    lines = paragraphs(text, 14, "- ", "  ")
    assert lines[0].startswith("- 打分") and all(line.startswith("  ") for line in lines[1:])
    assert not any(line.strip().startswith(("，", "。")) for line in lines)
    assert "".join(line[2:] for line in lines) == text


HOSTILE = "\x1b]0;title\x07 \x1b]52;c;aGk=\x07 \x9b2J \u202egnp\u2066 \u2028 \x7f 中文\tok"


def test_nothing_that_acts_on_a_terminal_leaves_raw(capsys: pytest.CaptureFixture[str]) -> None:
    output.write(HOSTILE)
    output.tell(HOSTILE)
    output.write_json({HOSTILE: [HOSTILE]})
    out, err = capsys.readouterr()
    for text in (out, err):
        assert not set("\x1b\x07\x9b\u202e\u2066\u2028\x7f") & set(text)
    assert out.startswith("\\x1b]0;title\\x07") and "\\u202egnp" in out and "中文\tok" in out
    assert json.loads(out.split("\n", 1)[1]) == {HOSTILE: [HOSTILE]}
