"""Progress for other programs: CSV (a row for each rating), JSON (everything), Markdown (a report to read)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from questions.bilingual import Language
from tui.language.harmless import as_cell, as_written
from tui.language.words import words
from tui.progress.records import RATING_NAMES, REVIEW, STATE_NAMES, Review, write_time
from tui.progress.store import ProgressStore

FORMAT = "tformer-quiz progress"
FORMAT_VERSION = 1
LATEST = 20  # answers in the report
COLUMNS = (
    "reviewed_at", "question", "topic", "rating", "rating_name", "seconds", "language", "mode", "choice",
    "found", "unsure", "missed", "state", "stability", "difficulty", "due", "answer",
)  # fmt: skip


def as_csv(store: ProgressStore, topics: Mapping[str, str]) -> str:
    """A row for each rating that counts, oldest first. Key points are counted; times are UTC."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for review in store.reviews():
        row = {
            "reviewed_at": write_time(review.reviewed_at),
            "question": review.question_id,
            "topic": topics.get(review.question_id, ""),
            "rating": review.rating,
            "rating_name": RATING_NAMES[review.rating],
            "seconds": "" if review.answer.seconds is None else review.answer.seconds,
            "language": review.language,
            "mode": review.answer.mode,
            "choice": review.answer.choice or "",
            "found": len(review.answer.found),
            "unsure": len(review.answer.unsure),
            "missed": len(review.answer.missed),
            "state": STATE_NAMES[review.after.state],
            "stability": review.after.stability,
            "difficulty": review.after.difficulty,
            "due": write_time(review.after.due),
            "answer": review.answer.text,
        }
        writer.writerow({name: as_cell(value) if isinstance(value, str) else value for name, value in row.items()})
    return file.getvalue()


def as_json(store: ProgressStore, now: datetime) -> str:
    """Everything that the store keeps, as FSRS gave it: enough to rebuild it."""
    data = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "exported_at": write_time(now),
        "cards": {name: card.plain() for name, card in store.cards().items()},
        "reviews": [_review(review) for review in store.reviews()],
        "flags": [
            {"question": f.question_id, "note": f.note, "language": f.language, "flagged_at": write_time(f.flagged_at)}
            for f in store.flags().values()
        ],
        "suspended": sorted(store.suspended()),
        "interviews": [
            {
                **interview,
                "started_at": write_time(interview["started_at"]),
                "ended_at": interview["ended_at"] and write_time(interview["ended_at"]),
            }
            for interview in store.interviews()
        ],
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def as_markdown(
    store: ProgressStore,
    titles: Mapping[str, str],
    topics: Mapping[str, str],
    summary: Sequence[str],
    language: Language,
    now: datetime,
) -> str:
    """A report: the ``summary`` lines, every question's state, the flags with their notes, the latest answers."""

    def say(name: str, **fields: Any) -> str:
        return words(f"stats.{name}", language, **fields)

    cards, reviews = store.cards(), store.reviews()
    ratings = Counter(review.question_id for review in reviews)
    lapses = Counter(review.question_id for review in reviews if _is_lapse(review))
    lines = [f"# {say('report')}", "", say("report-date", date=now.astimezone().date().isoformat()), "", "```text"]
    lines += [*summary, "```", "", f"## {say('report-questions')}", ""]
    columns = say("report-columns").split("|")
    lines += [_row(columns), _row(["---"] * len(columns))]
    for name, title in titles.items():
        card = cards.get(name)
        stability = "" if card is None or card.stability is None else f"{card.stability:.1f}"
        due = say("new") if card is None else card.due.astimezone().strftime("%Y-%m-%d %H:%M")
        lines.append(_row([title, topics[name], str(ratings[name]), str(lapses[name]), stability, due]))
    if flags := store.flags():
        lines += ["", f"## {say('report-flags')}", ""]
        for name, flag in flags.items():
            lines += [f"- {_inline(titles.get(name, name))}", *([f"  - {_inline(flag.note)}"] if flag.note else [])]
    answered = [review for review in reversed(reviews) if review.answer.text.strip()][:LATEST]
    if answered:
        lines += ["", f"## {say('report-answers')}"]
        for review in answered:
            when = review.reviewed_at.astimezone().strftime("%Y-%m-%d %H:%M")
            rating = say(RATING_NAMES[review.rating])
            lines += ["", f"### {_inline(titles.get(review.question_id, review.question_id))}", "", f"{when}  {rating}"]
            lines += ["", *quote(review.answer.text)]
    return "\n".join(lines) + "\n"


def _is_lapse(review: Review) -> bool:
    """Whether a question that had been learned was forgotten."""
    return review.rating == 1 and review.before is not None and review.before.state == REVIEW


def _review(review: Review) -> dict[str, Any]:
    return {
        "question": review.question_id,
        "rating": review.rating,
        "reviewed_at": write_time(review.reviewed_at),
        "language": review.language,
        "seconds": review.answer.seconds,
        "mode": review.answer.mode,
        "choice": review.answer.choice,
        "found": list(review.answer.found),
        "unsure": list(review.answer.unsure),
        "missed": list(review.answer.missed),
        "answer": review.answer.text,
        "before": None if review.before is None else review.before.plain(),
        "after": review.after.plain(),
    }


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_inline(cell).replace("|", "\\|") for cell in cells) + " |"


def _inline(text: str) -> str:
    return as_written(" ".join(text.split()))


def quote(text: str) -> list[str]:
    """A person's answer as it was typed, in a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + "text", *text.strip("\n").split("\n"), fence]
