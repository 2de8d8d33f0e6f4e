"""Freed memory is kept for the next arrays: what a step takes again, the system need not give again."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mlxformer.backend.numpy import memory
from mlxformer.backend.numpy.memory import MMAP, TRIM, keep_freed

STEPS = """
import resource
import numpy as np
from mlxformer.backend import mx

def faults():
    for _ in range(3):
        some = [mx.ones((1000, 1000)) + 1 for _ in range(10)]  # 40 MB at once
        del some
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

before = faults()
print(faults() - before)
"""


def _faults(**environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", STEPS],
        env={**os.environ, "MLXFORMER_BACKEND": "numpy", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(not keep_freed(), reason="glibc alone is told, and not past someone's own wishes")
def test_what_is_freed_serves_the_next_step() -> None:
    """Pages that the system gave again; three steps of ten arrays of 977 pages of 4 KiB each."""
    assert _faults() < 1000
    assert _faults(MALLOC_TRIM_THRESHOLD_="131072", MALLOC_MMAP_THRESHOLD_="131072") > 10_000


@pytest.mark.parametrize(("most", "told"), [(64, [(MMAP, 64), (TRIM, 256)]), (32, [(MMAP, 32), (TRIM, 256)]), (8, [])])
def test_what_an_older_allocator_takes(most: int, told: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """glibc 2.34 refuses arrays above 32 MiB. TRIM told alone ends its own finding of what to keep, for the worse."""
    taken: list[tuple[int, int]] = []

    def mallopt(option: int, value: int) -> int:
        fits = option != MMAP or value <= most << 20
        if fits:
            taken.append((option, value >> 20))
        return int(fits)

    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    assert keep_freed() == bool(told)
    assert taken == told
