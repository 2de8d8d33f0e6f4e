"""What freed arrays leave is kept for the next ones, as MLX keeps it in its cache.

glibc gives memory back to the system as soon as a few megabytes lie free, and the system fills each page anew with
zeros: of a training step of a small Transformer that was a quarter. So it is told to keep more. Other allocators, and
someone's own ``MALLOC_TRIM_THRESHOLD_`` or ``MALLOC_MMAP_THRESHOLD_``, are left as they are.
"""

from __future__ import annotations

import ctypes
import os

TRIM, MMAP = -1, -3  # of ``mallopt``, in <malloc.h>
KEPT = 256 << 20  # bytes that may lie free at most
# Bytes of an array that is kept; a larger one is the system's again when it is freed. Before 2.35 glibc takes no more
# than the second.
LARGEST = (64 << 20, 32 << 20)


def keep_freed() -> bool:
    """Tell glibc what to keep; whether it was told."""
    if "MALLOC_TRIM_THRESHOLD_" in os.environ or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl; Windows
        return False
    # Told either, glibc no longer finds what suits by itself: nothing is better than the second alone.
    return any(tell(MMAP, largest) == 1 for largest in LARGEST) and tell(TRIM, KEPT) == 1
