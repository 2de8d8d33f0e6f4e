"""What a person's code may not do in its process: write files, start processes, open connections, signal others.

It keeps accidents in, by Python's audit events; it is no prison. Code that is out to do harm has ways around it, and
nobody should judge a stranger's file whom they would not trust to run it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

_WRITES = frozenset(
    [
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "os.utime",
        "os.chflags",
        "shutil.rmtree",
        "shutil.move",
        "shutil.copyfile",
        "shutil.copytree",
        "shutil.make_archive",
        "tempfile.mkstemp",
        "tempfile.mkdtemp",
        "sqlite3.connect",
        "os.setxattr",
        "os.removexattr",
        "os.lockf",
    ]
)
_PROCESSES = frozenset(
    [
        "os.fork",
        "os.forkpty",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "os.startfile",
        "pty.spawn",
        "subprocess.Popen",
    ]
)
_SIGNALS = frozenset(["os.kill", "os.killpg", "signal.pthread_kill"])
_NETWORK = frozenset(["socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"])
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM: tuple[str, ...] = (
    "/dev/null",
    "/dev/urandom",
    "/dev/zero",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys",
    "/usr",
)
_SYSTEM += ("/lib", "/opt", "/etc", "/System", "/Library")


class RefusedError(PermissionError):
    """``what``: files, reads, processes, signals or network; ``detail``: which."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(f"not allowed here: {what} ({detail})")
        self.what, self.detail = what, detail


class LeavingError(SystemExit):
    """``os._exit`` and ``os.abort``, which would end the process without a word."""


def install(filename: str) -> None:
    """Watch from now on what the code of ``filename`` does; for all other code nothing changes."""
    readable = _readable()
    frame_of = sys._getframe

    def is_theirs() -> bool:
        frame: Any = frame_of(2)
        while frame is not None:
            if frame.f_code.co_filename == filename:
                return True
            frame = frame.f_back
        return False

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & _WRITE_FLAGS) if isinstance(flags, int) else False
            writes = writes or (isinstance(mode, str) and any(letter in mode for letter in "wax+"))
            if isinstance(path, int):
                return
            name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
            if writes and name != os.devnull and is_theirs():
                raise RefusedError("files", name[:200])
            if not writes and not _is_below(name, readable) and is_theirs():
                raise RefusedError("reads", name[:200])
        elif event in _WRITES and is_theirs():
            raise RefusedError("files", _said(arguments) or event)
        elif event in _PROCESSES and is_theirs():
            raise RefusedError("processes", event)
        elif event in _SIGNALS and is_theirs():
            raise RefusedError("signals", event)
        elif event in _NETWORK and is_theirs():
            raise RefusedError("network", event)

    def leave(*arguments: Any) -> None:
        raise LeavingError(*arguments[:1])

    def stay(*arguments: Any) -> None:
        raise RefusedError("processes", "fork_exec")

    if importlib.util.find_spec("_posixsubprocess") is not None:
        # What multiprocessing starts its processes with raises no event.
        vars(importlib.import_module("_posixsubprocess"))["fork_exec"] = stay
    os._exit = leave  # type: ignore[assignment]
    os.abort = leave  # type: ignore[assignment]
    sys.addaudithook(refuse)


def _said(arguments: tuple[Any, ...]) -> str:
    return str(arguments[0])[:200] if arguments and isinstance(arguments[0], str | bytes) else ""


def _readable() -> tuple[str, ...]:
    """Where Python and its packages lie: whatever an import may read."""
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(None, sys.path), os.getcwd(), *_SYSTEM]
    found = {os.path.abspath(place) for place in places} | {os.path.realpath(place) for place in places}
    return tuple(sorted(place for place in found if place != str(Path.home()) and place != os.sep))


def _is_below(name: str, places: tuple[str, ...]) -> bool:
    real = os.path.realpath(name)
    return any(real == place or real.startswith(place + os.sep) for place in places)
