"""A toy experiment and questions that rest on it, and the program run in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from questions.bilingual import Bilingual
from tui.cli import main
from tui.experiments import catalogue as experiments
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Experiment, Knob, Report, Result
from tui.figures.data import Bars, Heatmap, Stage

TOY = Experiment(
    name="toy",
    title=Bilingual("玩具", "Toy"),
    summary=Bilingual("把 x 翻倍。", "Doubles x."),
    knobs=(
        Knob("x", "x", "number", 3, minimum=0, maximum=100),
        Knob(
            "how", Bilingual("方式", "how"), "choice", "add", choices=(Choice("add", "x + x"), Choice("times", "2 x"))
        ),
        Knob("loud", Bilingual("出声", "loud"), "switch", False),
        Knob("word", Bilingual("词", "word"), "text", "猫", max_length=5),
    ),
    hidden_knobs=(Knob("off", "off", "number", 0, minimum=0, maximum=10),),
    checks=(
        CheckDeclaration("doubled", Bilingual("翻倍就是两倍", "Doubling is times two"), "==", BreakKnobs({"off": 1})),
        CheckDeclaration("share", Bilingual("一部分", "A share"), "<=", BreakTensor("share", "double"), unit="%"),
        CheckDeclaration("stubborn", Bilingual("怎样都成立", "Holds whatever"), ">=", BreakKnobs({"off": 1})),
        CheckDeclaration("not-at-zero", Bilingual("x 不为零", "x is not zero"), ">=", BreakKnobs({"off": 2})),
    ),
)


def _body(knobs: dict[str, Any], report: Report) -> Result:
    from mlxformer.backend import mx
    from mlxformer.tracing import tap

    report(0.5, "doubling")
    if knobs["word"] == "炸":
        raise RuntimeError("the toy broke")
    x = knobs["x"]
    share = float(tap("share", mx.array([61.24]), axes=("dim",))[0])
    failing = 1 if knobs["word"] == "错" else 0
    reason = Bilingual("x 是零", "x is zero")
    checks = (
        TOY.measured("doubled", 2 * x + knobs["off"] + failing, 2 * x),
        TOY.measured("share", share, 70.0),
        TOY.measured("stubborn", 1.0, 0.0),
        TOY.measured("not-at-zero", x - 2 * knobs["off"], 1) if x else TOY.undefined("not-at-zero", reason),
    )
    values = [[[float("nan"), 0.5], [1.0, 0.0]]]
    figures = (
        Heatmap(Bilingual("图", "Map"), [Stage("weights", "w", values)], ["我", "b"], ["c", "d"]),
        Bars(Bilingual("条", "Bars"), ["a", "b"], [1.0, float("inf")]),
    )
    return Result(figures, checks)


QUESTIONS = """\
- id: toy-double
  topic: attention
  level: 2
  question: {zh: x 翻倍是多少？, en: "What is x doubled?"}
  answer:
    zh: |
      **先说结论**：翻倍后是 [6](check:doubled)，占 [61 %](check:share)。
      第二行接着说 `2 * x`，见 [28.4](source:1)。
    en: |
      **In short**: doubled it is [6](check:doubled), a share of [61.2 %](check:share).
      The second line goes on, `2 * x`, see [28.4](source:1).
  key_points:
    - {zh: 两倍, en: twice, match: [两倍, twice], check: doubled}
    - {zh: 相加, en: a sum, match: [相加, sum]}
  misconception: {zh: 是平方, en: it is the square, match: [平方, square*], check: doubled}
  predict:
    question: {zh: x 为 4 时？, en: "At x = 4?"}
    choices: {a: {zh: 八, en: eight}, b: {zh: 十六, en: sixteen}}
    answer: a
    why: {zh: "是 [8](check:doubled)", en: "it is [8](check:doubled)"}
    with: {x: 4}
  follow_ups:
    - {question: {zh: 为什么？, en: "Why?"}, answer: {zh: 因为加法, en: Because of addition}}
  sources:
    - {title: "Euclid, Elements", where: "book VII", url: "https://example.org/elements"}
  experiment: {run: toy, with: {x: 3}}
- id: toy-again
  topic: bert
  level: 1
  question: {zh: 再来一次？, en: "Once more?"}
  answer: {zh: 好, en: Yes}
  key_points: [{zh: 好, en: 'yes it is', match: [好, "yes"]}]
  experiment: {run: toy, with: {x: 3}}
"""


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Experiment]:
    """The catalogue with the toy experiment in it."""
    package, declaration, body = (ModuleType("tui.experiments.toy" + part) for part in ("", ".declaration", ".body"))
    declaration.EXPERIMENT = TOY  # type: ignore[attr-defined]
    body.run = _body  # type: ignore[attr-defined]
    for module in (package, declaration, body):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(experiments, "NAMES", (*experiments.NAMES, "toy"))
    experiments.catalogue.cache_clear()
    yield TOY
    experiments.catalogue.cache_clear()


@pytest.fixture
def bank(tmp_path: Path, toy: Experiment) -> Path:
    """A question file that rests on the toy experiment."""
    path = tmp_path / "toy.yaml"
    path.write_text(QUESTIONS, encoding="utf-8")
    return path


@dataclass(frozen=True)
class Ran:
    """What a run of the program gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as strict JSON: NaN and Infinity are refused."""

        def refuse(name: str) -> None:
            raise ValueError(f"{name} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the program in this process, with a data folder of its own and in English."""

    def run(*arguments: str, lang: str = "en") -> Ran:
        capsys.readouterr()
        status = main(["--data-dir", str(tmp_path / "data"), "--lang", lang, *arguments])
        out, err = capsys.readouterr()
        return Ran(status, out, err)

    return run
