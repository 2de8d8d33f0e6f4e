"""± spans what the seeds give; a number without it is of every seed, or says of which."""

from __future__ import annotations

from pathlib import Path

from questions.loader import load
from questions.model import Question
from tests.questions.seeds import contradicted
from tui.bank import known_experiments

ITEM = """
- id: mine
  topic: attention
  level: 1
  question: {en: "Why?"}
  answer:
    en: |
      At g = 8 scores are [64](check:plain-scores-grow) times as large and normed ones [3.5 ± 0.4](check:normed-bound).

      With D = 64 they are [3.6 ± 0.1](check:normed-bound) or [3.49](check:normed-bound).

      With D = 64 and seed 0 they are [3.58](check:normed-bound).
  key_points:
    - {id: one, en: Because, match: [because]}
  experiment: {run: bounded-scores}
"""


def test_numbers_that_another_seed_contradicts_are_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(ITEM, encoding="utf-8")
    bank = load([tmp_path / "mine.yaml"], known_experiments())
    assert not bank.problems
    question = bank["mine"]
    assert isinstance(question, Question)
    found = {each.number.span.text: list(each.found) for each in contradicted(question, range(3)) if each.number}
    assert set(found) == {"[3.6 ± 0.1](check:normed-bound)", "[3.49](check:normed-bound)"}
    assert all(seeds and 0 <= min(seeds) <= max(seeds) < 3 for seeds in found.values())
