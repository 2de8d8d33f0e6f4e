"""The questions, shipped and the person's own, read against the experiments that there are.

To read and judge the shipped files takes several times as long as all else that a start does, and comes to the same
each time. So the sound bank is kept as JSON, here where the program was installed (``hatch_build.py``) and in the data
folder where it was read since, under a digest of every file that its reading depends on: where one of them has changed
by a byte, or the kept file itself, it is read anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from questions.bank import Bank, files_below, from_json, to_json
from questions.model import CodeQuestion, KnobValue, Question
from tui.judge.catalogue import NAMES as TASKS
from tui.language.usage import UsageError
from tui.proof.cards import card_files, refuse_card

if TYPE_CHECKING:
    from questions.catalogue import Catalogue
    from tui.experiments.contract import Experiment

Report = Callable[[float, str], object]  # how far, from 0 to 1, and with what

LONGEST = 2_000_001  # bytes: a longer file is none that the loader takes (``questions.nodes``)
KEPT, KEPT_OWN = "bank.json", "bank-own.json"  # the second with the shipped ones before the person's own
INSTALLED = Path(__file__).with_name(KEPT)  # what installing has kept of the shipped ones

# What is wrong with a path that a person gave, rather than with what stands in a file.
_PATH_PROBLEMS = frozenset({"no-such-file", "not-a-file", "unreadable", "no-files"})


class _Facts:
    """What the bank may know of an experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.name = experiment.name

    @property
    def knob_names(self) -> Collection[str]:
        return [knob.name for knob in self.experiment.knobs]

    @property
    def check_names(self) -> Collection[str]:
        return [check.name for check in self.experiment.checks]

    def refuse(self, settings: Mapping[str, KnobValue]) -> Exception | None:
        from tui.experiments.contract import KnobError

        try:
            self.experiment.parse(settings)
        except KnobError as error:
            return error
        return None


def silent(fraction: float, text: str) -> None:
    """Nobody is told."""


def known_experiments() -> Catalogue:
    """The experiments and the models' cards as the bank's loader takes them."""
    from questions.catalogue import Catalogue
    from tui.experiments.catalogue import catalogue

    facts = {name: _Facts(experiment) for name, experiment in catalogue().items()}
    return Catalogue(facts, refuse_card, TASKS, _breaks, _numbers)


def _breaks(name: str, check: str, settings: Mapping[str, KnobValue]) -> str | None:
    """What would break a check at these settings; None where all that does is set already."""
    from tui.experiments.catalogue import catalogue
    from tui.experiments.contract import BreakKnobs

    experiment = catalogue()[name]
    how = experiment.declaration(check).fails_when
    if not isinstance(how, BreakKnobs):
        return how.pattern
    hidden = {knob.name: knob.default for knob in experiment.hidden_knobs}
    now = {**hidden, **experiment.defaults(), **settings}
    changed = {knob: value for knob, value in how.values.items() if now[knob] != value}
    return ", ".join(f"{knob}={value}" for knob, value in changed.items()) or None


def _numbers(name: str, settings: Mapping[str, KnobValue]) -> list[float]:
    from tui.experiments.catalogue import catalogue

    experiment = catalogue()[name]
    now = {**experiment.defaults(), **settings}
    return [float(now[knob.name]) for knob in experiment.knobs if knob.kind == "number" and knob.name != "seed"]


def load_bank(paths: Iterable[Path] = (), data_dir: Path | None = None, report: Report = silent) -> Bank:
    """The shipped questions, then those of ``paths`` (files or folders). What is wrong with an item is in ``problems``.

    What is kept in ``data_dir`` of either is taken, and kept there if the folder exists; None reads them anew.
    ``report`` is told which folders of ``paths`` are searched and how far the reading has come. Raises ``UsageError``
    where a path cannot be read at all.
    """
    own = tuple(paths)

    def load_shipped() -> Bank:
        return _kept(data_dir, KEPT, _digest, _load_shipped, INSTALLED)

    def load_own() -> Bank:
        return _load_own(own, load_shipped(), report)

    bank = _kept(data_dir, KEPT_OWN, lambda: _digest_of_own(own, report), load_own) if own else load_shipped()
    for problem in bank.problems:
        if problem.code in _PATH_PROBLEMS:
            raise UsageError("unreadable-questions", path=problem.file, reason=problem)
    return bank


def _load_shipped() -> Bank:
    from questions.loader import load_shipped

    return load_shipped(known_experiments())


def _load_own(paths: Sequence[Path], shipped: Bank, report: Report) -> Bank:
    from questions.loader import load

    return load(paths, known_experiments(), shipped, report)


def keep_shipped(folder: Path) -> Path | None:
    """Read the shipped questions and keep them in ``folder``, as the program does in a data folder: the file, or None
    where it is not there, for a question has a fault."""
    _kept(folder, KEPT, _digest, _load_shipped)
    file = folder / KEPT
    return file if file.is_file() else None


def _kept(
    data_dir: Path | None, name: str, digest_now: Callable[[], str], read: Callable[[], Bank], *others: Path
) -> Bank:
    """What the file ``name``, or one of ``others``, has kept, if it was read from what is there now; else what ``read``
    gives, kept there."""
    if data_dir is None:
        return read()
    digest = digest_now()
    for file in (*others, data_dir / name):
        bank = _taken(file, digest)
        if bank is not None:
            return bank
    bank = read()
    # A file that was saved while they were read may be in the bank as it was, or as it is.
    if os.path.isdir(data_dir) and not bank.problems and digest == digest_now():
        _keep(data_dir / name, digest, to_json(bank))
    return bank


def _taken(file: Path, digest: str) -> Bank | None:
    """The bank in a kept ``file``; None where it is of other files, hurt or not there."""
    if not os.path.isfile(file):  # a pipe would be waited for
        return None
    with (
        contextlib.suppress(OSError, ValueError, TypeError, LookupError, RecursionError),
        file.open("rb", buffering=0) as stream,  # what goes through a buffer is copied once more
    ):
        head = stream.read(len(_head(digest, b"")))
        if head.startswith(digest.encode()):
            kept = stream.read()
            return from_json(kept) if head == _head(digest, kept) else None
    return None


def _keep(file: Path, digest: str, kept: bytes) -> None:
    """Written beside and put in place whole; where that cannot be, the next start takes as long as this one."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with open(beside, "wb", opener=_private) as stream:
            stream.write(_head(digest, kept) + kept)
        beside.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # as everything in the data folder


def _head(digest: str, kept: bytes) -> bytes:
    """The first line of the kept file: what it was read from, and what it holds."""
    return f"{digest} {hashlib.sha256(kept).hexdigest()}\n".encode()


def _digest() -> str:
    """Of all that decides what the shipped bank is: its files, what reads them, and what they are judged against.

    It is the same wherever they lie and whatever Python reads them: a sound bank says what its files say.
    """
    root = Path(__file__).parents[1]
    experiments = root / "tui" / "experiments"
    files = [
        *(root / "questions").rglob("*.*"),
        *(file for pattern in ("*.py", "*/declaration.py", "shared/*.py") for file in experiments.glob(pattern)),
        root / "tui" / "judge" / "catalogue.py",
        root / "tui" / "proof" / "cards.py",
        Path(__file__),
    ]
    named = {file.relative_to(root).as_posix(): file for file in files if file.suffix != ".pyc"}
    named |= {f"card of {card.parent.name}": card for card in card_files()}
    found = hashlib.sha256()
    for name in sorted(named):
        data = named[name].read_bytes()
        found.update(f"{name} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest()


def _digest_of_own(paths: Sequence[Path], report: Report) -> str:
    """Of the shipped bank, and of what stands at ``paths`` under which names."""
    found = hashlib.sha256(_digest().encode())
    room = _room()
    for path in paths:
        for file in sorted(_files(path, report)):
            data = _contents(file, room)
            found.update(f"{path} {file} {os.path.realpath(file)} {len(data)}\n".encode("utf-8", "surrogateescape"))
            found.update(data)
    return found.hexdigest()


def _room() -> memoryview:
    """For one file after the other: to make room for each takes longer than to read it."""
    return memoryview(bytearray(LONGEST))


def _contents(file: Path, room: memoryview | None = None) -> memoryview:
    """What the loader reads of a file, and a byte more; nothing where it reads none. What is faulty is not kept.

    It lies in ``room``, if given, until that is used again.
    """
    room = _room() if room is None else room
    with contextlib.suppress(OSError):
        if file.is_file():
            with file.open("rb") as stream:
                return room[: stream.readinto(room)]
    return room[:0]


def _files(path: Path, report: Report = silent) -> Iterator[Path]:
    """The question files at ``path``, and itself, be it there or not. ``report`` is told which folders are searched."""
    yield path
    yield from files_below(path, looked_into=partial(report, 0.0))


def in_order(bank: Bank) -> list[CodeQuestion]:
    """The tasks from the first to learn to the last."""
    return sorted(bank.tasks, key=lambda task: TASKS.index(task.task))


class OwnFiles:
    """A person's own question files, read again when one of them changes while the program runs."""

    def __init__(self, paths: Iterable[Path], bank: Bank, report: Report = silent) -> None:
        self._paths = tuple(paths)
        self._stamps = self._look(report)
        self.bank = bank

    def have_changed(self) -> bool:
        """Whether a file was saved, made or removed since they were read."""
        return self._look() != self._stamps

    def read_again(self, report: Report = silent) -> Bank:
        """The bank as the files are now. Of an item that is faulty now the last good version stays in it."""
        from questions.loader import load

        self._stamps = self._look()  # before reading: what is saved meanwhile is a change again
        shipped = Bank(
            tuple(each for each in self.bank.questions if each.shipped),
            tasks=tuple(each for each in self.bank.tasks if each.shipped),
        )
        self.bank = with_last_good(load(self._paths, known_experiments(), shipped, report), self.bank)
        return self.bank

    def _look(self, report: Report = silent) -> dict[str, tuple[int, int, int]]:
        found = {}
        for file in (file for path in self._paths for file in _files(path, report)):
            with contextlib.suppress(OSError):
                stamp = file.stat()
                if not stat.S_ISDIR(stamp.st_mode):
                    found[str(file)] = (stamp.st_mtime_ns, stamp.st_size, stamp.st_ino)
        return found


def with_last_good(bank: Bank, before: Bank) -> Bank:
    """``bank``, and those items of ``before`` that it lacks because their file has a fault now."""
    faulty = {problem.file for problem in bank.problems}
    there = {question.id for question in bank.questions} | {task.id for task in bank.tasks}

    def lost(item: Question | CodeQuestion) -> bool:
        return not item.shipped and item.file in faulty and item.id not in there

    questions = (*bank.questions, *filter(lost, before.questions))
    return Bank(questions, bank.problems, (*bank.tasks, *filter(lost, before.tasks)))
