"""A task to write by hand, as a question that is practiced, searched and asked in an interview like any other.

Its answer is the solution. What an answer says, the judge finds: whether the code runs, gives the example, gives every
case, and how long it took. Each of these is a key point, so that an interview counts and reports it as any other.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from questions.bank import Bank
from questions.bilingual import Bilingual
from questions.model import CodeQuestion, KeyPoint, Question, partly
from tui.judge.catalogue import FRAMEWORKS, Framework, is_installed

if TYPE_CHECKING:
    from questions.marking import Status
    from tui.judge.verdict import Verdict
    from tui.progress.store import ProgressStore

POINTS = (
    KeyPoint(Bilingual("跑得起来，类型和形状都对", "it runs, with the right types and shapes"), (), "runs"),
    KeyPoint(Bilingual("第一个算例的数对", "the numbers of the first case are right"), (), "first-case"),
    KeyPoint(Bilingual("每个算例都对", "every case is right"), (), "every-case"),
    KeyPoint(Bilingual("在预定的时间里写完", "written within the time aimed at"), (), "in-time"),
)
_NUMBERS = frozenset({"values", "nan", "data"})  # kinds of failure of code that runs
BODY = "    ..."
LARGEST = 4 << 20  # bytes of a draft
_IMPORTS = {"numpy": "import numpy as np", "torch": "import torch", "mlx": "import mlx.core as mx"}


@dataclass(frozen=True)
class Written(Question):
    """``task`` as a question."""

    kind: ClassVar[str] = "code"
    task: CodeQuestion | None = field(default=None, compare=False)


def as_question(task: CodeQuestion) -> Written:
    head = {
        name: getattr(task, name) for name in ("id", "topic", "level", "question", "sees", "file", "line", "shipped")
    }
    return partly(Written, {**head, "key_points": POINTS, "task": task}, partial(_answer, task))


def _answer(task: CodeQuestion) -> dict[str, object]:
    taken = {name: getattr(task, name) for name in ("follow_ups", "sources", "experiment")}
    return {"answer": _solution(task, "numpy"), **taken}


def _solution(task: CodeQuestion, framework: str) -> Bilingual:
    code = task.solution.of(framework) or task.solution.numpy
    block = f"```python\n{code.rstrip()}\n```"
    return Bilingual(block, block)


def in_framework(question: Question, framework: str) -> Question:
    """``question``; its answer, where that is code, in the framework that the person writes in."""
    task = task_of(question)
    return question if task is None else replace(question, answer=_solution(task, framework))


def everything(bank: Bank, tasks: Sequence[CodeQuestion] | None = None) -> tuple[Question, ...]:
    """All questions of ``bank``, its tasks among them (in the order of ``tasks``, where given)."""
    return (*bank.questions, *map(as_question, bank.tasks if tasks is None else tasks))


def task_of(question: Question) -> CodeQuestion | None:
    """The task that ``question`` is, or None where it is answered in words."""
    return question.task if isinstance(question, Written) else None


def marks_of(verdict: Verdict, seconds: float, minutes: int) -> list[Status]:
    """What the judge found, for each of ``POINTS``."""
    failure = verdict.failure
    runs = failure is None or failure.kind in _NUMBERS
    said = [runs, runs and verdict.passed_cases > 0, verdict.passed, verdict.passed and seconds <= minutes * 60]
    return ["found" if each else "missed" for each in said]


def skeleton(task: CodeQuestion, framework: str) -> str:
    """The file that one begins with: the import and the functions to fill in."""
    heads = [line.partition("->")[0].strip() for line in task.signature.split("\n")]
    bodies = "".join(f"\n\ndef {head}:\n{BODY}\n" for head in heads)
    return f"{_IMPORTS[framework]}\n{bodies}"


def draft_path(progress: Path | None, task: CodeQuestion, framework: str) -> Path:
    """Where ``task`` is written: beside the progress file, so that the draft is there next time."""
    folder = _folder_of_this_sitting() if progress is None else progress.parent / "by-hand"
    return folder / f"{task.task.replace('-', '_')}_{framework}.py"


@cache
def _folder_of_this_sitting() -> Path:
    """Where nothing is kept: a name that nobody else can have taken, for what lies there is run."""
    return Path(tempfile.mkdtemp(prefix="tformer-quiz-by-hand-"))


def begin_draft(path: Path, task: CodeQuestion, framework: str) -> bool:
    """Make the draft where there is none; whether it was made. Raises ``OSError``."""
    if path.exists():
        return False
    keep_draft(path, skeleton(task, framework))
    return True


def keep_draft(path: Path, text: str) -> None:
    """Write the draft whole or not at all, the person's alone: a full disk or a kill leaves what was there before.

    Raises ``OSError``.
    """
    file = Path(os.path.realpath(path))  # a link of the person's stays one
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(scratch, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise


def read_draft(path: Path) -> bytes:
    """The draft, as an editor or anybody else has left it. Raises ``OSError``, also where it is no file of a size that
    code has: nothing waits for a pipe or takes in what has no end."""
    found = os.stat(path)
    if stat.S_ISREG(found.st_mode) and found.st_size > LARGEST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):  # of a folder, opening says so
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(path))
    with path.open("rb") as file:
        return file.read(LARGEST)


def draft_text(path: Path) -> str:
    """The same as text, its lines ended as here. Raises ``OSError`` and ``UnicodeDecodeError``."""
    return read_draft(path).decode().replace("\r\n", "\n").replace("\r", "\n")


def stamp(path: Path) -> tuple[int, int] | None:
    """What changes when the file is saved; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def next_framework(framework: Framework) -> Framework:
    """The one after it of those that are installed."""
    installed = [each for each in FRAMEWORKS if is_installed(each)]
    return installed[(installed.index(framework) + 1) % len(installed)]


def framework_of(store: ProgressStore) -> Framework:
    """The framework that the person chose last, where it is installed; else NumPy."""
    kept = store.setting("framework")
    return kept if kept in FRAMEWORKS and is_installed(kept) else "numpy"
