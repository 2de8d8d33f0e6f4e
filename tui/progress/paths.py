"""Where the program keeps what it writes: the platform's data folder, or the one given with ``--data-dir``."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tui.language.usage import UsageError

APPLICATION = "tformer-quiz"
LOG_NAME = "errors.log"


def typed_path(typed: str) -> Path:
    """A path as a person types it: ``~`` is their home. Raises ``UsageError`` where there can be no such path."""
    path = os.path.expanduser(typed)
    if path.startswith("~") and not os.path.lexists(path):
        raise UsageError("no-such-user", user=path.split("/")[0][1:60], path=path[:60])
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError("path-too-long", path=path[:60]) from error
    except ValueError as error:  # a NUL; a surrogate that no system's name holds
        raise UsageError("not-a-path", path=path[:60]) from error
    return Path(path)


def data_folder(option: str | None = None) -> Path:
    """The folder of the progress file. It is not made here: a program that only reads leaves no folder behind."""
    if option:
        return typed_path(option)
    from platformdirs import user_data_path

    return user_data_path(APPLICATION, appauthor=False)
