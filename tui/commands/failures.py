"""An error that nobody expected: its traceback in a log file, a sentence for the person."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from questions.bilingual import Language
from tui.language.harmless import harmless
from tui.language.words import words
from tui.progress.paths import LOG_NAME, data_folder

LARGEST_LOG = 1_000_000  # bytes; then the log is begun anew, the one before it kept as errors.log.1


def record(error: BaseException, arguments: Sequence[str], language: Language) -> str:
    """Write the traceback to the log in the data folder; what to tell the person."""
    kind, reason = type(error).__name__, " ".join(str(error).split())[:300]
    try:
        log = _write(_folder(arguments) / LOG_NAME, error, arguments)
    except Exception as unwritable:  # whatever keeps it from being written: a person sees a sentence
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return words("errors.unexpected-unlogged", language, kind=kind, reason=reason, place=place, log=str(unwritable))
    return words("errors.unexpected", language, kind=kind, reason=reason, log=log)


def _write(log: Path, error: BaseException, arguments: Sequence[str]) -> Path:
    import platform  # nothing that goes well needs it

    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(log.name + ".1"))
    # The person's alone: their arguments stand in it.
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(f"--- {datetime.now().astimezone().isoformat(timespec='seconds')} {platform.platform()} ")
        file.write(f"Python {platform.python_version()} {list(arguments)}\n")
        file.write(harmless("".join(traceback.format_exception(error))))
    return log


def _folder(arguments: Sequence[str]) -> Path:
    """The data folder, also where the arguments could not all be read."""
    for index, argument in enumerate(arguments):
        if argument == "--data-dir" and index + 1 < len(arguments):
            return data_folder(arguments[index + 1])
        if argument.startswith("--data-dir="):
            return data_folder(argument.partition("=")[2])
    return data_folder()
