"""Writing a file that a person named: whole or not at all, and over another only where they say so."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from tui.language.harmless import harmless, harmless_json
from tui.language.usage import UsageError


def _bytes(path: Path, text: str, encoding: str) -> bytes:
    written = harmless_json(text) if path.suffix.lower() == ".json" else harmless(text)
    return written.encode(encoding, "backslashreplace")


def write_file(path: Path, content: str | bytes, encoding: str = "utf-8", *, force: bool) -> None:
    """Write the whole file, the person's alone, or leave the one that is there. Raises ``UsageError``.

    Over a file that is there only with ``force``; a folder or a device is never written over. What would act on a
    terminal is written out: in JSON so that it reads back as it was.
    """
    target = refuse_to_overwrite(path, force=force)
    try:
        descriptor, scratch = tempfile.mkstemp(prefix=".tformer-quiz-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content if isinstance(content, bytes) else _bytes(path, content, encoding))
            if force:
                if target.exists():
                    os.chmod(scratch, target.stat().st_mode & 0o777)
                os.replace(scratch, target)
            else:
                _put_where_nothing_is(Path(scratch), target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)
    except FileExistsError as error:
        raise UsageError("file-exists", path=path) from error
    except OSError as error:
        raise UsageError("cannot-write", path=path, reason=error) from error


def refuse_to_overwrite(path: Path, *, force: bool) -> Path:
    """The file that ``path`` stands for. Raises ``UsageError`` where it must not be written, or never could be."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_dir():
        raise UsageError("cannot-write", path=path, reason=IsADirectoryError(errno.EISDIR, "it is a folder"))
    if os.path.lexists(target) and not (force and target.is_file()):
        raise UsageError("file-exists", path=path)
    try:
        os.stat(target.parent)
        with contextlib.suppress(FileNotFoundError):
            os.lstat(target)
    except OSError as error:
        raise UsageError("cannot-write", path=path, reason=error) from error
    return target


def _put_where_nothing_is(scratch: Path, target: Path) -> None:
    """Give ``scratch`` the name ``target``, also where another program makes a file of that name at this moment."""
    try:
        os.link(scratch, target)
    except FileExistsError:
        raise
    except OSError:  # a drive that knows no links
        if target.exists():
            raise
        os.replace(scratch, target)
