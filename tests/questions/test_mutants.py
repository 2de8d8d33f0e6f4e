"""Real question files with a few places spoilt: each mutant is read, or refused in sentences, and nothing else happens.

Half of the spoiling is of the text (bytes, lines, punctuation), half of the data that it stands for, so that a mutant
gets past YAML and meets what reads questions and tasks.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import questions
from questions.loader import load
from tests.harmless import is_harmless
from tests.mutants import mutant
from tests.soak import seed, times
from tui.bank import known_experiments
from tui.language.words import say_place, say_problem

PIECES = (
    "- ", ": ", "\n", "\n\n", "    ", "\t", '"', "'", "[", "]", "{", "}", "&a ", "*a", "!!python/object:os.system ",
    "!t ", "|", ">", "#", "%YAML 9.9\n", "---\n", "...", "? ", "<<: ", "null", "~", "1e999", "0x", ".nan", "`", "$$",
    "](check:", "](source:99)", "](card:x/y)", "](", "**", "_", "<b>", "\\", "\\u202e", "\\ud800", "\x00",
    "\x1b]0;x\x07", "\u202e", "\u2028", "\ufeff", "id: x\n", "- id: x\n", "kind: code\n", "kind: open\n",
    "experiment: {run: rotary}\n", "猫", "1.5", "50 %", "a" * 5_000, "9" * 500, "[" * 70, "- " * 70, "{a: " * 70,
)  # fmt: skip


@cache
def items() -> list[str]:
    """Every item of the files that ship, questions and tasks, as text."""
    folder = Path(questions.__file__).parent
    files = sorted([*folder.glob("*.yaml"), *folder.glob("code/*.yaml")])
    return [item for file in files for item in re.split(r"^(?=- id:)", file.read_text("utf-8"), flags=re.M) if item]


def spoilt(text: str, draw: random.Random) -> bytes:
    """``text`` with one to four pieces put in, cut out, doubled, moved or overwritten."""
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(text) + 1)
        end = min(len(text), at + draw.choice((1, 2, 10, 200, 2_000)))
        kind = draw.random()
        if kind < 0.4:
            text = text[:at] + draw.choice(PIECES) + text[at:]
        elif kind < 0.6:
            text = text[:at] + text[end:]
        elif kind < 0.7:
            text = text[:end] + text[at:end] * draw.choice((1, 3)) + text[end:]
        elif kind < 0.85:
            text = text[:at] + draw.choice(PIECES) + text[end:]
        else:
            lines = text.split("\n")
            draw.shuffle(lines) if draw.random() < 0.2 else lines.insert(0, lines.pop(draw.randrange(len(lines))))
            text = "\n".join(lines)
    data = text.encode()
    if draw.random() < 0.1:
        data = data[: draw.randrange(len(data) + 1)] + draw.randbytes(3) + data[draw.randrange(len(data) + 1) :]
    return data


def changed(text: str, draw: random.Random) -> bytes:
    """The data of ``text`` with one to four values of another kind, as YAML in its own spelling or in JSON's."""
    data: Any = mutant(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)), draw)
    made: str = yaml.safe_dump(data, allow_unicode=bool(draw.getrandbits(1)), sort_keys=bool(draw.getrandbits(1)))
    return made.encode("utf-8", "surrogatepass")


def test_mutants_are_read_or_refused(tmp_path: Path) -> None:
    draw, known = random.Random(seed(16)), known_experiments()
    file = tmp_path / "spoilt.yaml"
    read = refused = 0
    for number in range(times(150, 3_000)):
        item = draw.choice(items())
        file.write_bytes(draw.choice((spoilt, changed))(item, draw))
        bank = load([file], known)
        assert bank.questions or bank.tasks or bank.problems, number
        read, refused = read + bool(bank.questions or bank.tasks), refused + bool(bank.problems)
        for problem in bank.problems:
            for said in (say_problem(problem, "zh"), say_problem(problem, "en")):
                assert said and len(said) < 2_000 and is_harmless(said), (number, said)
            assert is_harmless(say_place(problem))
    print(f"{read} read, {refused} refused")
    assert read > 10 and refused > 10
