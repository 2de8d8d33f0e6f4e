"""The rows named, measured in this process, a line of JSON each: ``python -m benchmarks`` starts one a family.

A process of its own, because a backend and the threads of BLAS are chosen once, when NumPy is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import traceback
from dataclasses import asdict, replace
from importlib.util import find_spec

from benchmarks.row import Result, Row
from benchmarks.rows import ROWS
from benchmarks.timing import measure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure")
    parser.add_argument("names", nargs="+", choices=list(ROWS), metavar="ROW")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with contextlib.redirect_stdout(sys.stderr):  # what a library prints is none of our lines
        for name in options.names:
            found = run(ROWS[name], options.seconds, options.threads)
            print(json.dumps(asdict(found)), file=lines, flush=True)
    return 0


def run(row: Row, seconds: float, threads: int) -> Result:
    """What ``row`` comes to; what goes wrong stands in the result, for the other rows are still to be measured."""
    missing = tuple(package for package in row.needs if find_spec(package) is None)
    blank = replace(blank_result(row, threads), missing=missing)
    if row.backend in missing:
        return blank  # nothing of ours runs either
    try:
        return measure(row, row.prepare(not missing), blank, seconds)
    except Exception as error:
        traceback.print_exc()
        return replace(blank, failed=f"{type(error).__name__}: {error}".split("\n")[0])


def blank_result(row: Row, threads: int) -> Result:
    chosen = threads if row.threads is None else row.threads
    return Result(row.name, row.what, row.against, row.kind, row.aim, row.backend, chosen, row.unit)


if __name__ == "__main__":
    sys.exit(main())
