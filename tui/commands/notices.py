"""What a person is told on stderr beside the data: faults in question files, and what became of their progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from questions.bilingual import Language
from questions.errors import Problem
from tui.commands.output import tell
from tui.language.words import say_code, say_place, say_problem, words

if TYPE_CHECKING:
    from tui.commands.context import Context
    from tui.progress.file import Notice

FEW = 5


def tell_problems(problems: Sequence[Problem], language: Language) -> None:
    """The first few faults of the question files; ``check`` gives all of them."""
    for problem in problems[:FEW]:
        tell(say_place(problem) + say_problem(problem, language))
    if len(problems) > FEW:
        tell(words("commands.more-problems", language, count=len(problems) - FEW))


def tell_left(context: Context) -> None:
    """What the command changed and the progress file has not got, now that the command is done."""
    tell_notices((left for store in context.opened if (left := store.left()) is not None), context.language)


def tell_notices(notices: Iterable[Notice], language: Language) -> None:
    """What happened to the progress file when it was opened."""
    for notice in notices:
        tell(say_code(notice.code, notice.fields, notice.code, language))
