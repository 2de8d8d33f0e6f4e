"""What the global options say, for every subcommand and for the screen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from questions.bilingual import Language
from tui.practice.selection import Selection

if TYPE_CHECKING:
    from questions.bank import Bank
    from tui.progress.store import ProgressStore

BackendChoice = Literal["auto", "mlx", "numpy"]
BACKENDS: tuple[BackendChoice, ...] = ("auto", "mlx", "numpy")
# OpenBLAS and its builds with OpenMP, MKL, Accelerate.
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Context:
    """``backend`` is None where it was not given: the environment's MLXFORMER_BACKEND then holds."""

    language: Language
    data_dir: Path
    backend: BackendChoice | None = None
    questions: tuple[Path, ...] = ()
    seed: int | None = None
    plain: bool = False
    selection: Selection = Selection()  # noqa: RUF009 (it cannot be changed)
    interview_on: str | None = None  # by --interview-on: kept as the setting of that name
    language_given: bool = field(default=False)  # by --lang: remembered once a person has worked with it
    opened: list[ProgressStore] = field(default_factory=list, compare=False)  # by the command

    @property
    def is_served(self) -> bool:
        """Whether ``serve`` started the program: it then speaks to a page by pipes, and has no terminal."""
        return "web_driver" in os.environ.get("TEXTUAL_DRIVER", "")

    def choose_backend(self) -> None:
        """Let ``--backend`` decide; it must be called before mlxformer and NumPy are imported, which read it once."""
        if self.backend is not None:
            os.environ["MLXFORMER_BACKEND"] = self.backend
        one_thread_for_blas()

    def load_bank(self, *, anew: bool = False) -> Bank:
        """The shipped questions and the person's own, kept ones unless ``anew``; where it takes long, a line says how
        far it has come. Raises ``UsageError`` where a path cannot be read."""
        from tui.bank import load_bank

        kept = None if anew else self.data_dir
        if not self.questions:
            return load_bank((), kept)
        from tui.commands.progress_line import ProgressLine

        with ProgressLine() as report:
            return load_bank(self.questions, kept, report)

    def open_store(self) -> ProgressStore:
        """The progress in the data folder. Raises ``ProgressError``; the store's ``notices`` are to be said."""
        from tui.progress.preferences import change_setting
        from tui.progress.store import open_store

        store = open_store(self.data_dir)
        self.opened.append(store)
        if self.interview_on is not None:
            change_setting(store, "interview-on", self.interview_on)
        return store

    def check_ahead(self) -> None:
        """Begin to look through the progress file, while the program is imported; the store waits for what is found."""
        from tui.progress.file import check_ahead

        check_ahead(self.data_dir)

    def read_store(self) -> ProgressStore:
        """The same to be read only: where there is no progress yet, no file is made for it. Raises ``ProgressError``
        also where there is a file that cannot be read."""
        from tui.progress.peeking import FILE_NAME, is_there
        from tui.progress.store import open_store

        store = open_store(self.data_dir if is_there(self.data_dir / FILE_NAME) else None)
        store.require_read()
        return store


def one_thread_for_blas() -> None:
    """One thread for NumPy's products, unless the environment says how many; NumPy reads it when it is imported.

    An experiment multiplies small matrices: a second thread spends its core on waiting, and the turn takes no less.
    """
    if not any(variable in os.environ for variable in BLAS_THREADS):
        os.environ.update(dict.fromkeys(BLAS_THREADS, "1"))
