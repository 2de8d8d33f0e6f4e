"""Freed memory is kept for the next arrays: what a step takes again, the system need not give again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlxformer.backend.numpy.memory import keep_freed

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
