"""How much memory a process has in RAM. A limit on addresses would stop torch and MLX, which reserve far more."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys


def resident(pid: int) -> int:
    """The resident size of a process in bytes; 0 where it has gone or cannot be asked."""
    try:
        if sys.platform == "linux":
            with open(f"/proc/{pid}/statm", "rb") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        if sys.platform == "darwin":
            return _on_macos(pid)
        return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)], text=True)) * 1024
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 0


def _on_macos(pid: int) -> int:
    """``proc_pidinfo(PROC_PIDTASKINFO)``: ``struct proc_taskinfo`` begins with the virtual and the resident size."""
    system = ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)
    buffer = ctypes.create_string_buffer(96)
    size: int = system.proc_pidinfo(pid, 4, ctypes.c_uint64(0), buffer, 96)
    return struct.unpack_from("<QQ", buffer)[1] if size == 96 else 0
