"""What the global options say, for every subcommand and for the screen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from questions.bilingual import Language

if TYPE_CHECKING:
    from tui.progress.store import ProgressStore

BackendChoice = Literal["auto", "mlx", "numpy"]
BACKENDS: tuple[BackendChoice, ...] = ("auto", "mlx", "numpy")


@dataclass(frozen=True)
class Context:
    """``backend`` is None where it was not given: the environment's MLXFORMER_BACKEND then holds."""

    language: Language
    data_dir: Path
    backend: BackendChoice | None = None
    questions: tuple[Path, ...] = ()
    seed: int | None = None
    plain: bool = False
    language_given: bool = field(default=False)  # by --lang: remembered once a person has worked with it

    def choose_backend(self) -> None:
        """Let ``--backend`` decide; it must be called before mlxformer is imported, which reads it once."""
        if self.backend is not None:
            os.environ["MLXFORMER_BACKEND"] = self.backend

    def open_store(self) -> ProgressStore:
        """The progress in the data folder. Raises ``ProgressError``; the store's ``notices`` are to be said."""
        from tui.progress.store import open_store

        return open_store(self.data_dir)

    def read_store(self) -> ProgressStore:
        """The same to be read only: where there is no progress yet, no file is made for it."""
        from tui.progress.file import FILE_NAME
        from tui.progress.store import open_store

        return open_store(self.data_dir if (self.data_dir / FILE_NAME).exists() else None)
