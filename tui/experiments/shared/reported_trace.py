"""A trace that can be cancelled at every tap."""

from __future__ import annotations

from typing import Any

import mlxformer as mf
from tui.experiments.contract import Report


def traced(report: Report, fraction: float, root: Any = None, *, measure: bool = False) -> mf.Trace:
    """``mf.trace(root)`` that reports each tap at ``fraction``; a ``Cancelled`` raised there ends the run.

    ``measure``: nobody will open its cells, so it need not know how steps were made, and lets go of every array.
    """
    return mf.trace(root, on_step=lambda path: report(fraction, path), origins=False if measure else None)


def cancellable(report: Report, fraction: float, root: Any = None) -> mf.Trace:
    """As ``traced``, with nothing recorded."""
    return mf.trace(root, on_step=lambda path: report(fraction, path), only="")
