"""Being told to end, or to stop and go on: the terminal is left as it was found, and what was done is kept.

SIGTERM, SIGHUP, SIGQUIT and SIGINT all mean leaving, with exit status 130. The line-based commands leave as from
Ctrl-C, so that ``finally`` saves and the line editor gives the terminal back. The screen leaves as from Ctrl+Q.

However the screen leaves, where it does not come to its end within ``PATIENCE``, the terminal is restored and the
process ended: everything that a person typed or rated is on the disk by then. Nor does it wait for Python to take
itself down, which is as long again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from textual.app import App

INTERRUPTED = 130
PATIENCE = 0.4  # seconds
AGAIN = 0.05  # seconds after which a signal that nobody has seen is sent again
ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name))
# Synchronized output, bracketed paste, mouse and focus reports, resize reports and kitty's keys off; lines wrap; the
# main screen; the cursor shown; plain letters.
_AS_IT_WAS = (
    "\x1b[?2026l\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l\x1b[?2048l"
    "\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m"
)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Within it, SIGTERM, SIGHUP, SIGQUIT and SIGINT raise ``KeyboardInterrupt``, whatever waits for a key."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = _Ending()
    numbers = [*ENDINGS]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a program in the background may ignore it
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, ending) for number in numbers}
    try:
        with _told_again(ending):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Ending:
    """The handler that ends what runs. It counts what ``_told_again`` sends, which is not a second wish to end."""

    def __init__(self) -> None:
        self.seen = False
        self.repeats = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.seen and self.repeats:
            self.repeats -= 1
            return
        self.seen = True
        raise KeyboardInterrupt


@contextlib.contextmanager
def _told_again(ending: _Ending) -> Iterator[None]:
    """Send a signal again until its handler has run.

    One that comes after Python has looked for signals, and before the line editor or a read waits for a key, would only
    be seen at that key: it interrupts nothing, for nothing waits yet. Python writes the number of each signal into a
    pipe as it comes, and the thread at its other end sends it to the main thread once more, which waits by then.
    """
    if not hasattr(signal, "pthread_kill"):
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    main = threading.get_ident()

    def is_ours(number: int) -> bool:
        """Whether it is ours to handle: the screen, and its event loop, have handlers of their own."""
        handler: object = signal.getsignal(number)
        return handler is ending

    def repeat() -> None:
        with os.fdopen(reader, "rb", buffering=0) as arrived:
            while number := arrived.read(1):
                while not ending.seen and is_ours(number[0]):
                    time.sleep(AGAIN)
                    if not ending.seen:
                        ending.repeats += 1
                        signal.pthread_kill(main, number[0])

    threading.Thread(target=repeat, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        os.close(writer)


@contextlib.contextmanager
def terminal_as_found() -> Iterator[None]:
    """Give the terminal back as it was, also where the screen ended with an exception.

    Until the screen has handlers of its own (``leave_on_signals``), a signal ends the process here: raised within the
    event loop it would leave by a traceback. Nothing has been typed yet.
    """
    before = _attributes()

    def end(number: int, frame: FrameType | None) -> None:
        _end_now(before, INTERRUPTED, "\x1b[K")  # over the line that says how far the reading has come

    ours = [each for each in (*ENDINGS, signal.SIGINT) if isinstance(signal.getsignal(each), _Ending)]
    earlier = {number: signal.signal(number, end) for number in ours}
    try:
        yield
    except BaseException:
        _restore(before)
        raise
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def leave_on_signals(app: App[int]) -> None:
    """Let the running ``app`` leave on a signal, and paint again after it was stopped. Called once it is mounted.

    In a test, where there is no terminal, nothing is changed.
    """
    if app.is_headless or threading.current_thread() is not threading.main_thread():
        return
    import asyncio  # the screen has it; without one, to import it takes as long as all else that --help does

    driver = app._driver
    loop = asyncio.get_running_loop()

    async def leave() -> None:
        await app.action_quit()
        app.exit(INTERRUPTED)

    def end(number: int, frame: FrameType | None) -> None:
        if not loop.is_running():
            _interrupt(number, frame)
        end_soon(app, INTERRUPTED)
        loop.call_soon_threadsafe(lambda: app.call_later(leave))

    def go_on(number: int, frame: FrameType | None) -> None:
        if getattr(driver, "_must_signal_resume", False):  # it gave the terminal up when it was stopped
            assert driver is not None
            driver.resume_application_mode()
        loop.call_soon_threadsafe(lambda: app.call_later(_paint_again, app))

    for ending in (*ENDINGS, signal.SIGINT):
        signal.signal(ending, end)
    if hasattr(signal, "SIGCONT"):
        signal.signal(signal.SIGCONT, go_on)


def _paint_again(app: App[Any]) -> None:
    """Everything, on a terminal on which somebody else has written."""
    app.refresh(layout=True)
    for screen in app.screen_stack:
        screen.refresh(layout=True)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def end_soon(app: App[int], status: int) -> None:
    """End the process within ``PATIENCE``, whatever the screen still waits for: all that there was to keep is kept."""
    if app.is_headless:
        return
    before = getattr(app._driver, "attrs_before", None)
    deadline = threading.Timer(PATIENCE, _end_now, [before, status, getattr(app, "last_words", "")])
    deadline.daemon = True
    deadline.start()


def end_process(status: int) -> NoReturn:
    """End the process here, after everything was written and closed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)


def _end_now(before: list[Any] | None, status: int, said: str) -> NoReturn:
    _restore(before)
    if said:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.write(sys.__stderr__.fileno(), f"\r{said}\r\n".encode())  # type: ignore[union-attr]
    os._exit(status)


def _attributes() -> list[Any] | None:
    try:
        import termios

        return termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ is not None else None
    except (ImportError, OSError, ValueError, _termios_error()):
        return None


def _restore(before: list[Any] | None) -> None:
    """Straight to the descriptor: what writes for the screen may be stuck. A terminal that is gone is let go."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.__stderr__ is not None and sys.__stderr__.isatty():
            os.write(sys.__stderr__.fileno(), _AS_IT_WAS.encode())
    if before is not None:
        with contextlib.suppress(ImportError, OSError, ValueError, _termios_error()):
            import termios

            assert sys.__stdin__ is not None
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, before)


def _termios_error() -> type[Exception]:
    try:
        import termios
    except ImportError:
        return OSError
    return termios.error
