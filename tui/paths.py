"""Where the program keeps what it writes: the platform's data folder, or the one given with ``--data-dir``."""

from __future__ import annotations

from pathlib import Path

APPLICATION = "tformer-quiz"
LOG_NAME = "errors.log"


def data_folder(option: str | None = None) -> Path:
    """The folder of the progress file. It is not made here: a program that only reads leaves no folder behind."""
    if option:
        return Path(option).expanduser()
    from platformdirs import user_data_path

    return user_data_path(APPLICATION, appauthor=False)
