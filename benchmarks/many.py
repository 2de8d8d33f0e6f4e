"""Ten thousand own questions, and two hundred thousand reviews, as a person would have them after years."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

QUESTIONS, IN_A_FILE = 10_000, 100
REVIEWS = 200_000
_FOLDERS = TemporaryDirectory(prefix="benchmarks-many-")  # gone when the process ends
_ITEM = """
- id: own-{number}
  topic: attention
  level: {level}
  question: {{zh: 第 {number} 题：注意力的权重怎么来的？, en: "Number {number}: whence attention's weights?"}}
  answer: {{zh: 查询与键打分，softmax 归一化。, en: "Scores of query and key, and a softmax over them."}}
  key_points:
    - {{zh: 打分, en: scores, match: [打分, scores]}}
    - {{zh: 归一化, en: softmax, match: [归一化, softmax]}}
  experiment: {{run: attention-steps}}
"""


@cache
def own_questions() -> Path:
    """A folder of ``QUESTIONS`` questions, ``IN_A_FILE`` a file."""
    folder = Path(_FOLDERS.name, "questions")
    folder.mkdir()
    for first in range(0, QUESTIONS, IN_A_FILE):
        items = (_ITEM.format(number=number, level=1 + number % 3) for number in range(first, first + IN_A_FILE))
        (folder / f"{first:05}.yaml").write_text("".join(items), encoding="utf-8")
    return folder


@cache
def unused() -> Path:
    """A data folder in which nothing was rated yet."""
    folder = Path(_FOLDERS.name, "unused")
    folder.mkdir()
    return folder


@cache
def reviewed() -> Path:
    """A data folder with ``REVIEWS`` reviews of the shipped questions over three years.

    Each question is rated once as the program does it; the rest are copies of those ratings at other times, for FSRS
    and a commit for each of them would take longer than all that is measured.
    """
    from tui.bank import load_bank
    from tui.progress.peeking import FILE_NAME
    from tui.progress.store import open_store

    folder = Path(_FOLDERS.name, "reviewed")
    began = datetime.now(UTC) - timedelta(days=3 * 365)
    with open_store(folder, clock=lambda: began) as store:
        names = [question.id for question in load_bank().questions]
        for name in names:
            store.rate(name, 3, "en")
    _copy(folder / FILE_NAME, began, len(names), names)
    return folder


def _copy(file: Path, began: datetime, there: int, names: Sequence[str]) -> None:
    from tui.progress.records import write_time

    step = timedelta(days=3 * 365) / REVIEWS
    with sqlite3.connect(file) as connection:
        last = connection.execute("SELECT max(id) FROM actions").fetchone()[0]
        query = "SELECT {} FROM {} WHERE question_id = ? AND {} <= ?"
        acted = {name: connection.execute(query.format("session_id, kind, question_id, before, after", "actions", "id"),
                                          (name, last)).fetchone() for name in names}  # fmt: skip
        rated = {name: connection.execute(query.format("*", "reviews", "action_id"), (name, last)).fetchone()
                 for name in names}  # fmt: skip
        actions, reviews = [], []
        for number in range(1, REVIEWS - there + 1):
            name, at, action = names[number % len(names)], write_time(began + number * step), last + number
            session, kind, question, *states = acted[name]
            actions.append((action, session, kind, question, at, *states, None))
            _, question, _, _, _, *others, _ = rated[name]
            reviews.append((action, question, 1 + action % 4, at, 30.0, *others, 2))
        connection.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", actions)
        connection.executemany("INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", reviews)
    connection.close()
