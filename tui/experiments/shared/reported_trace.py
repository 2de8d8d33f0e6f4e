"""A trace that can be cancelled at every tap."""

from __future__ import annotations

from typing import Any

import mlxformer as mf
from tui.experiments.contract import Report


def traced(report: Report, fraction: float, root: Any = None) -> mf.Trace:
    """``mf.trace(root)`` that reports each tap at ``fraction``; a ``Cancelled`` raised there ends the run."""
    return mf.trace(root, on_step=lambda path: report(fraction, path))
