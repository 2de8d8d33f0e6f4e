"""The program's products run in one thread, unless the environment says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.commands.context import BLAS_THREADS, Context, one_thread_for_blas

_RUN = """
import os, sys
from pathlib import Path
from tui.commands.context import Context
Context("en", Path("nowhere")).choose_backend()
assert "numpy" not in sys.modules
import numpy as np
x = np.ones((600, 600), np.float32)
x @ x
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in Linux's /proc")
@pytest.mark.parametrize(("given", "threads"), [({}, 1), ({"OPENBLAS_NUM_THREADS": "3"}, 3)])
def test_as_many_threads_as_the_program_says(given: dict[str, str], threads: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in BLAS_THREADS} | given
    done = subprocess.run([sys.executable, "-c", _RUN], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == min(threads, os.cpu_count() or 1)


def test_what_a_person_set_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BLAS_THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    one_thread_for_blas()
    assert [os.environ.get(name) for name in BLAS_THREADS] == [None, "4", None, None]
    monkeypatch.delenv("OMP_NUM_THREADS")
    Context("en", Path("nowhere")).choose_backend()
    assert [os.environ.get(name) for name in BLAS_THREADS] == ["1"] * 4
