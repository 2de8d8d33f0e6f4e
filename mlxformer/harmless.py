"""What leaves for a terminal: whatever would act on it, or hide or turn round what is read, is written out.

The names in a checkpoint, a vocabulary or a command line may come from a stranger. ``tui/language/harmless.py`` does
the same for the program, which must not wait for this package to load; a test holds that both write out the same.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import IO, Any

# Controls but for tab and line end, C1 codes, marks and overrides of direction, separators that some take for a line
# end, byte-order marks, annotations, what is no character, halves of pairs, tags.
_ACTS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
)
_ACTING = re.compile(f"[{_ACTS}]|\r(?!\n)")
_ACTING_OR_PARTING = re.compile(f"[{_ACTS}\t\n\r]")


def harmless(text: str) -> str:
    """``text`` in its lines, with what would act on a terminal written out.

    Args:
        text: any string.

    Returns:
        The same, where nothing in it acts.

    >>> from mlxformer.harmless import harmless
    >>> harmless("a\\x1b[2J")
    'a\\\\x1b[2J'
    """
    return _ACTING.sub(_written, text)


def in_a_line(text: str) -> str:
    """The same for what stands within a line: tabs and line ends are written out too.

    Args:
        text: any string.

    Returns:
        One line.

    >>> from mlxformer.harmless import in_a_line
    >>> in_a_line("a\\nb")
    'a\\\\nb'
    """
    return _ACTING_OR_PARTING.sub(_written, text)


def say(text: object, file: IO[str] | None = None) -> None:
    """Print, with what would act written out: the one way in which the commands of this package write.

    Args:
        text: what to print.
        file: where to; None is stdout.

    >>> from mlxformer.harmless import say
    >>> say("well")
    well
    """
    print(harmless(str(text)), file=file or sys.stdout)


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose complaints quote arguments as text; its arguments are those of ``ArgumentParser``.

    >>> from mlxformer.harmless import Parser
    >>> Parser(prog="look").prog
    'look'
    """

    def error(self, message: str) -> Any:
        """Say what is wrong, in a line, and leave with status 2.

        Args:
            message: what is wrong.
        """
        super().error(in_a_line(message))


def _written(found: re.Match[str]) -> str:
    character = found[0]
    return ascii(character)[1:-1]
