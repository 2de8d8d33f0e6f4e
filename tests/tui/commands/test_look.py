"""``look``: its text, its JSON, its files, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.commands.conftest import Ran
from tui.experiments.look.names import shipped_names

Program = Callable[..., Ran]


def test_without_a_model_those_that_ship_are_listed(program: Program) -> None:
    ran = program("look")
    assert ran.status == 0 and [line.split()[0] for line in ran.out.splitlines()] == list(shipped_names())
    assert [each["model"] for each in program("look", "--json").json] == list(shipped_names())


def test_a_chinese_date_is_drawn_with_its_lines_and_its_answer(program: Program) -> None:
    ran = program("look", "dates", "二〇二六年十一月二十三日", lang="zh")
    assert ran.status == 0 and "它写：2026-11-23" in ran.out
    assert "连线（越粗权重越大）：交叉注意力，头 cross.1.0" in ran.out
    for title in ("所有头：交叉注意力", "模型：层 × 头", "q ⊙ k：2 对每个键", "每层会预测什么：写到“[BOS]”之后"):
        assert title in ran.out


@pytest.mark.parametrize(("option", "given", "last"), [("--token", "3", 2), ("--key", "9", 2)])
def test_a_token_beyond_the_text_is_refused_and_not_taken_for_the_last(
    program: Program, option: str, given: str, last: int
) -> None:
    ran = program("look", "bert-mini", "[MASK]", option, given)
    assert ran.status == 2 and f"{option} {given} is beyond the text: it has 3 tokens, 0 to {last}" in ran.err
    assert program("look", "bert-mini", "[MASK]", option, str(last)).status == 0


def test_the_json_says_what_changes_without_a_head(program: Program) -> None:
    data = program("look", "bert-mini", "画蛇添[MASK]", "--layer", "1", "--head", "3", "--off", "1.3", "--json").json
    assert (data["layers"], data["heads"], data["layer"], data["head"], data["off"]) == (4, 6, 1, 3, ["1.3"])
    predictions = data["predictions"]
    assert predictions["place"] == 4 and predictions["before"][0]["token"] == "足"
    assert data["views"]["head"]["queries"] == data["tokens"] and len(data["lens"]) == 5
    assert data["lens"][-1]["top"] == [
        {**each, "probability": pytest.approx(each["probability"], abs=1e-6)} for each in predictions["top"][:3]
    ]
    neurons = data["views"]["neurons"]
    assert sum(neurons["products"]) == pytest.approx(neurons["score"])


def test_generation_is_drawn_and_is_data(program: Program) -> None:
    ran = program("look", "dates", "11月23日", "--generate", "--beams", "3")
    assert "beam search, 3 beams" in ran.out and "every step: “1126-03-01”" in ran.out
    options = ("--generate", "--temperature", "0.7", "--top-k", "5", "--seed", "3", "--length", "4", "--json")
    generation = program("look", "dates", "11月23日", *options).json["generation"]
    assert (generation["temperature"], generation["top_k"], generation["seed"], generation["beams"]) == (0.7, 5, 3, 1)
    assert len(generation["steps"]) == 4 and all(step["kept"] <= 5 for step in generation["steps"])


@pytest.mark.parametrize(
    ("suffix", "holds"),
    [("html", "<!doctype html>"), ("svg", "<svg"), ("csv", "written,source,value\nn,[BOS],"), ("json", "noitnetta")],
)
def test_what_is_seen_can_be_saved(program: Program, tmp_path: Path, suffix: str, holds: str) -> None:
    target = tmp_path / f"seen.{suffix}"
    ran = program("look", "reverse-gru-attention", "attention", "--save", str(target))
    assert ran.status == 0 and not ran.out.strip()
    assert holds in target.read_text(encoding="utf-8-sig" if suffix == "csv" else "utf-8")
    assert program("look", "dates", "--save", str(target)).status == 2  # it is there


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dats",), "did you mean dates?"),
        (("dates", "--layer", "9"), "dates has no layer 9: cross has 2, 0 to 1"),
        (("dates", "--part", "encoder", "--head", "4"), "layer encoder.1 has no head 4: it has 4, 0 to 3"),
        (("dates", "2026", "--off", "1.7"), "layer cross.1 has no head 7"),
        (("dates", "2026", "--off", "?"), "cannot tell what ? switches off"),
        (("dates", "--layer", "one"), "--layer takes a number; got one"),
        (("dates", "--layer", "0.5"), "--layer takes a number; got 0.5"),
        (("bert-mini", "--part", "cross"), "bert-mini has one kind of attention"),
        (("reverse-gru", "--head", "0"), "reverse-gru has no such attention"),
        (("bert-mini", "--generate"), "bert-mini does not write"),
        (("dates", "--beams", "2"), "--beams goes with --generate"),
        (("dates", "--generate", "--off", "1"), "--off does not go with --generate"),
        (("dates", "--generate", "--beams", "2", "--temperature", "1"), "give --beams or --temperature"),
        (("dates", "a", "b", "c"), "cannot take c"),
        (("dates", "a", "--generate", "b"), "cannot take b"),
        (("dates", "x" * 60), "60 characters"),
        (("dates", "--save", "x.doc"), "cannot tell what to write to x.doc"),
        (("no/such-model",), "hf download no/such-model"),
        (("x" * 5000,), "there is no model"),
    ],
)
def test_what_cannot_be_is_said(program: Program, arguments: tuple[str, ...], said: str) -> None:
    ran = program("look", *arguments)
    assert ran.status == 2 and said in ran.err and not ran.out
    assert "Traceback" not in ran.err
