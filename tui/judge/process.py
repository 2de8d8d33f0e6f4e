"""The process that runs a person's code, from outside: watched in time, memory and how much it prints.

    with Runner("numpy") as runner:            # starts the process, which imports the framework meanwhile
        run = runner.run(source, "mine.py", cases)

Whatever the code does (never ends, crashes, exits, prints without end), ``run`` comes back with what there is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.judge import wire
from tui.judge.calling import Fault
from tui.judge.contract import Case
from tui.judge.memory import resident

SECONDS = 4.0  # for a person's file, all cases together, once the framework has been imported
SECONDS_IN_ALL = 7.0  # with the import of a slow framework, which so takes from a file's time
LEAST_SECONDS = 2.5  # that are left to a file in any case
SECONDS_TO_START = 60.0
MEMORY = 1 << 30  # bytes above what the process has when it is ready
PRINTED = 1 << 20  # bytes of output, more of which ends the run
KEPT = 4000  # bytes of output that are shown
LARGEST_MESSAGE = 64 << 20
_TICK = 0.02
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in ', re.MULTILINE)
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT", "LD_LIBRARY_PATH")
ROOT = Path(__file__).resolve().parents[2]


class RunnerError(Exception):
    """The framework cannot be imported, or the process does not start: nothing that a person's file did."""

    def __init__(self, framework: str, reason: str) -> None:
        super().__init__(f"{framework} does not load: {reason}")
        self.code, self.fields = "framework-fails", {"framework": framework, "reason": reason}


@dataclass
class Run:
    """What came of a file: a fault of the whole file, or a result for each case that was reached."""

    fault: Fault | None = None
    cases: list[dict[str, Any]] = field(default_factory=list)  # values, looks, fault, nan
    returns: dict[str, int] = field(default_factory=dict)  # the line where each function returns
    printed: str = ""
    cut: bool = False  # whether more was printed than is kept


class Runner:
    """One process, for one file."""

    def __init__(self, framework: str, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.framework, self.seconds, self.memory = framework, seconds, memory
        self.folder = Path(tempfile.mkdtemp(prefix="by-hand-"))
        give, self._to = os.pipe()
        self._from, take = os.pipe()
        self._faults, faults = os.pipe()
        command = [sys.executable, "-P", "-m", "tui.judge.child", framework, *map(str, (give, take, faults))]
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment(),
                pass_fds=(give, take, faults),
                start_new_session=True,
            )
        finally:
            for end in (give, take, faults):
                os.close(end)
        assert self.process.stdout is not None
        self._printing = self.process.stdout.fileno()
        for end in (self._from, self._faults, self._printing):
            os.set_blocking(end, False)
        self._buffer = bytearray()
        self._output = bytearray()
        self._count = 0
        self._trouble = bytearray()
        self._ready = False
        self._baseline = 0
        self._selector = selectors.DefaultSelector()
        for end in (self._from, self._faults, self._printing):
            self._selector.register(end, selectors.EVENT_READ)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started, and drop its folder. Twice does no harm."""
        self._kill()
        self._selector.close()
        for end in (self._to, self._from, self._faults):
            with contextlib.suppress(OSError):
                os.close(end)
        self._to = self._from = self._faults = -1
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def run(self, source: bytes, file: str, cases: Sequence[Case]) -> Run:
        """Run ``source``; ``file`` is what its lines are said to be of. Raises ``RunnerError``."""
        called = time.monotonic()
        self._wait_until_ready()
        waited = time.monotonic() - called
        seconds = max(min(self.seconds, LEAST_SECONDS), min(self.seconds, SECONDS_IN_ALL - waited))
        self._output.clear()  # what the framework said while it was imported
        self._count = 0
        run = Run()
        if not self._send(source, file, cases):
            run.fault = self._end_of_process(file)
            return run
        deadline = time.monotonic() + seconds
        begun = False
        while True:
            message = self._message(min(deadline, time.monotonic() + _TICK))
            if message is not None:
                header, blob = message
                try:
                    if "done" in header:
                        break
                    if "begins" in header:
                        begun = True
                    elif self._take(header, blob, run):
                        break
                    else:
                        begun = begun and "case" not in header
                    continue
                except (ValueError, KeyError, TypeError, IndexError, OverflowError, MemoryError):
                    self._add(run, Fault("tampered"), begun)
                    break
            stopped = self._why_stop(deadline)
            if stopped is not None:
                self._add(run, Fault(stopped, self._line(file, ask=True)), begun)
                break
            if self._from_closed:
                self._add(run, self._end_of_process(file), begun)
                break
        self._kill()
        self._drain()
        run.printed = self._output[:KEPT].decode("utf-8", "replace")
        run.cut = self._count > KEPT
        return run

    _from_closed = False

    def _take(self, header: dict[str, Any], blob: bytes, run: Run) -> bool:
        """One message into ``run``; whether it was the last."""
        if "fault" in header and "case" not in header:
            run.fault = _fault(header["fault"])
            return True
        if "loaded" in header:
            run.returns = {str(name): int(line) for name, line in header["loaded"].items()}
            return False
        run.cases.append(
            {
                "values": [wire.read(each, blob) for each in header["values"]],
                "looks": [(str(name), wire.read(value, blob)) for name, value in header["looks"]],
                "fault": None if header["fault"] is None else _fault(header["fault"]),
                "nan": header["nan"],
            }
        )
        return False

    @staticmethod
    def _add(run: Run, fault: Fault, begun: bool) -> None:
        """A fault that ended the process: of the case that ran, or of the file if none had begun."""
        if begun:
            run.cases.append({"values": [], "looks": [], "fault": fault, "nan": None})
        else:
            run.fault = fault

    def _why_stop(self, deadline: float) -> str | None:
        if time.monotonic() >= deadline:
            return "time"
        if self._count > PRINTED:
            return "printed"
        if resident(self.process.pid) - self._baseline > self.memory:
            return "memory"
        return None

    def _end_of_process(self, file: str) -> Fault:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        self._drain()
        status = self.process.returncode
        line = self._line(file, ask=False)
        if status is not None and status < 0:
            try:
                name = signal.Signals(-status).name
            except ValueError:
                name = str(-status)
            return Fault("crash", line, name)
        return Fault("ended", line, str(status))

    def _line(self, file: str, ask: bool) -> int | None:
        """The line of the person's file that runs now (``ask``), or ran when the process crashed."""
        if ask and self.process.poll() is None and hasattr(signal, "SIGUSR1"):
            with contextlib.suppress(OSError):
                os.kill(self.process.pid, signal.SIGUSR1)
            until = time.monotonic() + 1.0
            while not _FRAME.search(self._trouble.decode("utf-8", "replace")) and time.monotonic() < until:
                self._read_some(0.02)
            self._read_some(0.02)  # the frames below the first, of which one is the person's
        text = self._trouble.decode("utf-8", "replace")
        lines = [int(number) for name, number in _FRAME.findall(text) if name == file]
        return lines[0] if lines else None

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        message = self._message(time.monotonic() + SECONDS_TO_START)
        if message is None or "ready" not in message[0]:
            reason = str(message[0].get("broken", "")) if message else self._output.decode("utf-8", "replace")[-300:]
            raise RunnerError(self.framework, reason or "it takes too long")
        self._ready = True
        self._baseline = resident(self.process.pid)

    def _send(self, source: bytes, file: str, cases: Sequence[Case]) -> bool:
        writer = wire.Writer(_plain)
        listed = [
            [
                case.name,
                [[c.function, writer.write(list(c.arguments)), writer.write(dict(c.options))] for c in case.calls],
            ]
            for case in cases
        ]
        start = len(writer.blob)
        job = {"file": file, "cases": listed, "source": [start, start + len(source)]}
        try:
            data = memoryview(wire.frame(job, writer.blob + source))
            while data:
                data = data[os.write(self._to, data) :]
        except OSError:
            return False
        return True

    def _message(self, until: float) -> tuple[dict[str, Any], bytes] | None:
        """The next message; None where none is whole by ``until`` or the process has closed its end."""
        while True:
            if len(self._buffer) >= wire.HEAD_SIZE:
                text, blob = wire.lengths(bytes(self._buffer[: wire.HEAD_SIZE]))
                if text + blob > LARGEST_MESSAGE:
                    self._from_closed = True
                    return None
                whole = wire.HEAD_SIZE + text + blob
                if len(self._buffer) >= whole:
                    data = bytes(self._buffer[wire.HEAD_SIZE : whole])
                    del self._buffer[:whole]
                    try:
                        return json.loads(data[:text]), data[text:]
                    except ValueError:
                        self._from_closed = True
                        return None
            left = until - time.monotonic()
            if left <= 0 or self._from_closed:
                return None
            self._read_some(left)

    def _read_some(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            end = key.fd
            try:
                data = os.read(end, 1 << 16)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._selector.unregister(end)
                self._from_closed = self._from_closed or end == self._from
            elif end == self._from:
                self._buffer += data
            elif end == self._faults:
                self._trouble = (self._trouble + data)[:100_000]
            else:
                self._count += len(data)
                self._output += data[: max(0, KEPT - len(self._output))]

    def _drain(self) -> None:
        """What has been written and not yet read, as far as there is any."""
        until = time.monotonic() + 0.2
        while self._selector.get_map() and time.monotonic() < until and self._count <= PRINTED:
            before = (self._count, len(self._trouble), len(self._selector.get_map()))
            self._read_some(0.01)
            if before == (self._count, len(self._trouble), len(self._selector.get_map())):
                break

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5.0)

    def _environment(self) -> dict[str, str]:
        """Little of ours: no data folder, a home of its own, one thread for each library."""
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH", ""))))
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
        )
        own = {
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONUTF8": "1",
            "MLX_ENABLE_TF32": "0",
        }
        return {**kept, **threads, **own}


def _fault(data: Any) -> Fault:
    kind, line, text, name = data
    return Fault(str(kind), None if line is None else int(line), str(text), str(name))


def _plain(value: Any) -> wire.Array | None:
    import numpy as np

    return wire.Array("numpy", str(value.dtype), value) if isinstance(value, np.ndarray) else None
