"""Opening a stranger's files: regular ones alone, of a bounded size, JSON with a bounded number of things in it.

A pipe would be waited for for ever, an endless device read until memory ends, and a few megabytes of brackets become
gigabytes of Python objects. All this is known before anything is parsed.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from mlxformer.errors import CheckpointError

# The largest config.json and index of shards are a few megabytes; a tokenizer.json of 262,144 tokens is 33.
JSON_BYTES, JSON_ITEMS = 16_000_000, 1_000_000
TOKENIZER_BYTES, TOKENIZER_ITEMS = 64_000_000, 2_500_000


def open_regular(path: Path) -> BinaryIO:
    """The file, opened to be read, if it is a regular one (or a link to one).

    Args:
        path: of the file.

    Returns:
        The open file.

    Raises:
        CheckpointError: it is a pipe, a device or a folder, or cannot be opened.
        FileNotFoundError: there is none.

    >>> import os
    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.reading import open_regular
    >>> open_regular(Path(os.devnull))
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: /dev/null is not a regular file, and nothing else is opened
    """
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        os.close(number)
        if is_folder:
            raise _unreadable(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
        message = f"{path} is not a regular file, and nothing else is opened"
        raise CheckpointError("not-a-regular-file", message, path=str(path))
    return os.fdopen(number, "rb")


def read_bytes(path: Path, limit: int = JSON_BYTES) -> bytes:
    """All of a regular file that is not larger than a limit.

    Args:
        path: of the file.
        limit: bytes.

    Returns:
        Its bytes.

    Raises:
        CheckpointError: it is no regular file, larger, or cannot be read.
        FileNotFoundError: there is none.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.reading import read_bytes
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "vocab.txt").write_text("[PAD]")
    ...     read_bytes(Path(folder) / "vocab.txt")
    b'[PAD]'
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise too_large(path, f"it has {size:,} bytes; at most {limit:,} are read")
        try:
            return file.read(limit + 1)
        except OSError as error:
            raise _unreadable(path, error) from error


def parse_json(path: Path, content: bytes, items: int = JSON_ITEMS, **options: Any) -> Any:
    """The value of a JSON text that does not hold more than so many things.

    Args:
        path: for errors.
        content: the text, UTF-8.
        items: how many commas and brackets there may be.
        options: of ``json.loads``.

    Returns:
        What it says.

    Raises:
        CheckpointError: more than that.
        ValueError: it is not JSON.

    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.reading import parse_json
    >>> parse_json(Path("config.json"), b'{"hidden_size": 768}')
    {'hidden_size': 768}
    """
    found = sum(content.count(sign) for sign in (b",", b"[", b"{"))
    if found > items:
        raise too_large(path, f"it holds about {found:,} values; at most {items:,} are read")
    return json.loads(content.decode("utf-8-sig"), **options)  # Windows editors put a mark first


def too_large(path: Path, what: str) -> CheckpointError:
    """The error for a file that is larger than anything of its kind.

    Args:
        path: of the file.
        what: how large it is, and what is allowed.

    Returns:
        To be raised.

    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.reading import too_large
    >>> str(too_large(Path("vocab.txt"), "it has 9 bytes"))
    'vocab.txt is too large: it has 9 bytes'
    """
    return CheckpointError("file-too-large", f"{path} is too large: {what}", path=str(path))


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    reason = getattr(error, "strerror", None) or error
    return CheckpointError("checkpoint-unreadable", f"{path} cannot be read: {reason}", path=str(path))
