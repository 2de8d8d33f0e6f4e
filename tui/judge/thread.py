"""The one thread that judges for the screen: only the latest file counts, and a process is started ahead of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.judge.process import Runner
    from tui.judge.verdict import Verdict

Deliver = Callable[["Verdict | Exception"], object]


@dataclass(frozen=True)
class _Request:
    task: str
    source: bytes
    file: str
    framework: str
    deliver: Deliver


class JudgeThread:
    """``deliver`` is called in that thread: it must be thread-safe, as ``post_message`` is."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: _Request | None = None
        self._framework = ""
        self._runner: Runner | None = None
        self._thread: threading.Thread | None = None
        self._closing = False

    def prepare(self, framework: str) -> None:
        """Start a process that imports ``framework``, so that the next file need not wait for it."""
        with self._changed:
            self._framework = framework
            self._start()
            self._changed.notify()

    def request(self, task: str, source: bytes, file: str, framework: str, deliver: Deliver) -> None:
        """Judge ``source`` as soon as may be; one that waits already is forgotten."""
        with self._changed:
            self._framework = framework
            self._waiting = _Request(task, source, file, framework, deliver)
            self._start()
            self._changed.notify()

    def close(self) -> None:
        """Stop for good; a process that stands ready is ended."""
        with self._changed:
            self._closing = True
            self._waiting = None
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(0.1)  # what it judges ends with this process
        if self._runner is not None:
            self._runner.close()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="judge", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closing and self._waiting is None and self._is_prepared():
                    self._changed.wait()
                if self._closing:
                    return
                request, self._waiting = self._waiting, None
                framework = self._framework
            try:
                if request is None:
                    self._replace(framework)
                else:
                    self._judge(request)
            except Exception as error:  # the next save is judged all the same
                if request is not None:
                    request.deliver(error)

    def _is_prepared(self) -> bool:
        return self._runner is not None and self._runner.framework == self._framework

    def _replace(self, framework: str) -> None:
        if self._runner is not None:
            self._runner.close()
        from tui.judge.process import Runner  # in this thread, after the first frame: it brings NumPy along

        self._runner = Runner(framework)

    def _judge(self, request: _Request) -> None:
        from tui.judge.judging import judge

        if self._runner is None or self._runner.framework != request.framework or self._runner.has_ended:
            self._replace(request.framework)
        runner, self._runner = self._runner, None
        verdict = judge(request.task, request.source, request.file, request.framework, runner)
        request.deliver(verdict)
