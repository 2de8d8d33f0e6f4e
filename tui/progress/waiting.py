"""Changes that wait to be written: each is a call that can be made again, and a line in a file of its own.

While the progress file is locked, gone or cannot be written, what a person does is done in memory, and noted here in
``progress.waiting-PROCESS.jsonl`` where the folder takes it: a kill then loses nothing either. The next store that
opens the folder makes the calls of a program that is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tui.progress.records import Answer, Place, read_time, to_json, write_time
from tui.progress.running import is_held, lock

_PREFIX, _SUFFIX = "progress.waiting-", ".jsonl"


@dataclass
class Change:
    """A call of the store: ``name`` with its arguments, at the time when the person did it."""

    name: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    at: datetime
    result: Any = None  # what it gave
    id: int = field(default=0)

    def line(self) -> str:
        plain = {
            "name": self.name,
            "arguments": [_plain(value) for value in self.arguments],
            "options": {name: _plain(value) for name, value in self.options.items()},
            "at": write_time(self.at),
        }
        return to_json(plain)


class WaitingFile:
    """The changes of this process on the disk, made when the first one has to wait."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{_PREFIX}{os.getpid()}-{id(self)}{_SUFFIX}"
        self._descriptor: int | None = None
        self._notes, self._lacks = False, False  # whether there are any, and whether the folder did not take all
        self._all: Path | None = None

    def add(self, change: Change) -> None:
        """Write ``change``, if the folder takes it."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
                lock(self._descriptor)
            _write(self._descriptor, [change])
            self._notes = True
        except OSError:
            self._lacks = True

    def keep_all(self, changes: Sequence[Change]) -> Path | None:
        """Let all ``changes`` stand on the disk before the program ends: where the folder did not take them, in one of
        the system's for what is passing. The file; None where nothing could be written."""
        if self._notes and not self._lacks:
            return self._path
        name = self._path.name.replace(_SUFFIX, f"-all{_SUFFIX}")
        first = self._path.parent if self._all is None else self._all.parent
        for folder in (lambda: first, lambda: Path(tempfile.mkdtemp(prefix="tformer-quiz-"))):
            with contextlib.suppress(OSError):
                path = folder() / name
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
                with contextlib.closing(os.fdopen(descriptor, "wb")):
                    _write(descriptor, changes)
                with contextlib.suppress(OSError):  # with what it lacks
                    self._path.unlink()
                self._all = path
                return path
        return None

    def clear(self) -> None:
        """All of it stands in the progress file now."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            self.close()
        if self._all is not None:
            with contextlib.suppress(OSError):
                self._all.unlink()
        self._notes, self._lacks, self._all = False, False, None

    def close(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def left_behind(folder: Path) -> Iterator[tuple[Path, list[Change]]]:
    """What programs that are gone could not write, each file with its changes. A line cut short is none."""
    for path in sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}")):
        if is_held(path):
            continue
        changes = []
        with contextlib.suppress(OSError):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(
                    ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError
                ):
                    changes.append(_read(json.loads(line)))
            yield path, changes


def _write(descriptor: int, changes: Iterable[Change]) -> None:
    data = "".join(change.line() + "\n" for change in changes).encode("utf-8", "surrogatepass")
    while data:
        data = data[os.write(descriptor, data) :]  # a disk that fills up takes a part
    os.fsync(descriptor)


def _plain(value: Any) -> Any:
    if isinstance(value, Answer | Place):
        return {"type": type(value).__name__, **asdict(value)}
    if isinstance(value, datetime):
        return {"type": "datetime", "value": write_time(value)}
    if isinstance(value, date):
        return {"type": "date", "value": value.isoformat()}
    return value


def _value(plain: Any) -> Any:
    if not isinstance(plain, dict) or "type" not in plain:
        return plain
    kind, fields = plain["type"], {name: value for name, value in plain.items() if name != "type"}
    if kind == "datetime":
        return read_time(fields["value"])
    if kind == "date":
        return date.fromisoformat(fields["value"])
    return {"Answer": Answer, "Place": Place}[kind](**fields)


def _read(plain: Mapping[str, Any]) -> Change:
    arguments = tuple(_value(value) for value in plain["arguments"])
    options = {name: _value(value) for name, value in plain["options"].items()}
    return Change(plain["name"], arguments, options, read_time(plain["at"]))
