"""The command line: ``tformer-quiz``, or ``python -m tui.cli``.

Data goes to stdout and words to stderr. The exit status is 0 well, 1 a check failed (or the program did), 2 wrong
usage or bad input, 130 interrupted. Whatever goes wrong is said in a sentence; a traceback goes to a log file.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

try:  # Ctrl+C while this loads ends the program as it does later: without a traceback
    from questions.bilingual import Language
    from tui.commands.arguments import Request, command_module, early_language, parse
    from tui.commands.failures import record
    from tui.commands.output import OutputError, finish_output, prepare_environment, prepare_streams, tell, write
    from tui.commands.signals import INTERRUPTED, end_process, interruptible, terminal_as_found
    from tui.language.words import say_error, words
except KeyboardInterrupt:
    sys.exit(130)

if TYPE_CHECKING:
    from tui.commands.context import Context

FAILED, MISUSED = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    prepare_streams()
    prepare_environment()
    try:
        with interruptible():
            status = _answer(given)
        finish_output()  # here, where a reader that has gone or a full disk is still noticed
        return status
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be gone
            tell("")
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_gone(given)
    except OutputError as error:
        _give_up_stdout()
        tell(say_error(error, _language_of_errors(given)))
        return FAILED
    except Exception as error:  # the last line of defense: a person sees a sentence, the log has the traceback
        language = _language_of_errors(given)
        if hasattr(error, "code") and hasattr(error, "fields"):
            tell(say_error(error, language))
            return MISUSED
        if isinstance(error, PermissionError) and error.filename is not None:  # whatever was to be looked at there
            tell(words("errors.no-access", language, path=os.fsdecode(error.filename), reason=error))
            return MISUSED
        tell(record(error, given, language))
        return FAILED


def _answer(arguments: Sequence[str]) -> int:
    request = parse(arguments)
    context = request.context
    if request.version:
        from importlib.metadata import version

        write(f"tformer-quiz {version('tformer-quiz')}")
        return 0
    if request.help:
        write(words(f"help.{request.command or 'program'}", context.language).rstrip("\n"))
        return 0
    context.choose_backend()
    if request.command is not None:
        run = command_module(request.command).run
        return _said_at_the_end(context, lambda: run(context, request.options))
    return _open(request)


def _said_at_the_end(context: Context, run: Callable[[], int]) -> int:
    """The status of ``run``; then, however it ended, what the progress file has not got."""
    try:
        return run()
    finally:
        if context.opened:
            from tui.commands.notices import tell_left

            tell_left(context)


def _open(request: Request) -> int:
    """The screen; the line-based quiz with --plain, and where no screen can be drawn.

    That is without a terminal on all ends (Textual draws on stderr), and on one that says it can do nothing (TERM).
    """
    dumb = os.name == "posix" and os.environ.get("TERM", "") in ("", "dumb", "unknown")
    drawable = request.context.is_served or (not dumb and all(map(_is_terminal, (sys.stdin, sys.stdout, sys.stderr))))
    if request.context.plain or not drawable:
        from tui.commands.quiz import run as run_plain

        return _said_at_the_end(request.context, lambda: run_plain(request.context))
    request.context.check_ahead()
    gc.disable()  # all that is made before the first question stands there stays; the app turns it on again
    from tui.app import run

    with terminal_as_found():
        status = run(request.context)
    finish_output()
    end_process(status)


def _language_of_errors(arguments: Sequence[str]) -> Language:
    try:
        return early_language(arguments)
    except Exception:  # whatever went wrong may be what tells the language; it must still be said
        return "en"


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)  # None where the descriptor was closed before the program began
    return bool(isatty and isatty())


def _reader_gone(arguments: Sequence[str]) -> int:
    """Whoever read stdout has stopped (``| head``): that is well, but a ``check`` cut short has not proven anything."""
    _give_up_stdout()
    return FAILED if "check" in arguments else 0


def _give_up_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python's own flush at exit would complain


if __name__ == "__main__":
    sys.exit(main())
