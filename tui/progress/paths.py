"""Where the program keeps what it writes: the platform's data folder, or the one given with ``--data-dir``."""

from __future__ import annotations

import os
from pathlib import Path

APPLICATION = "tformer-quiz"
LOG_NAME = "errors.log"


def typed_path(typed: str) -> Path:
    """A path as a person types it: ``~`` is their home; ``~nobody``, where there is no such user, is a plain name."""
    return Path(os.path.expanduser(typed))


def data_folder(option: str | None = None) -> Path:
    """The folder of the progress file. It is not made here: a program that only reads leaves no folder behind."""
    if option:
        return typed_path(option)
    from platformdirs import user_data_path

    return user_data_path(APPLICATION, appauthor=False)
