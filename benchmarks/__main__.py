"""Ours beside the peers': ``python -m benchmarks [ROW ...] [--json FILE] [--against FILE]``.

Each row measures two sides in one process, in turns, and tells the median of the rounds with the middle half of them
beside the aim; ``--list`` names the rows. The peers are the extra ``benchmarks``: a row without its peer says so and
measures ours alone. Exits with 1 where a row failed; an aim that is not reached is no failure.

``--json`` is written after every row: what was measured before Ctrl+C is there, and ``--resume`` goes on with the rest.
``--readme`` puts the table, with the machine's line, between the README's marks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.measure import blank_result
from benchmarks.processes import ROOT
from benchmarks.row import Result
from benchmarks.rows import FAMILIES, ROWS
from benchmarks.table import in_readme, table
from tui.commands.context import BLAS_THREADS

README = ROOT / "README.md"
PACKAGES = ("numpy", "mlx", "textual", "torch", "transformers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows, or families of them (default: all)")
    parser.add_argument("--list", action="store_true", help="name the rows by family and measure nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument(
        "--resume", action="store_true", help="keep the rows that --json FILE has, and measure the others"
    )
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--against", type=Path, metavar="FILE", help="what changed since a run that --json wrote")
    parser.add_argument("--threads", type=_count, default=2, metavar="N", help="of either side (default: 2)")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="for the rounds of a row (default: 3)")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="processes that compute beside (default: 0)")
    options = parser.parse_args(arguments)
    if options.list:
        for family, rows in FAMILIES.items():
            print(f"{family}: {' '.join(row.name for row in rows)}")
        return 0
    unknown = [name for name in options.rows if name not in ROWS and name not in FAMILIES]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; --list names them")
    given = options.against
    try:
        before = None if given is None else read(given)
        given = options.json
        kept = read(given) if options.resume and given is not None and given.exists() else {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        parser.error(f"{given} is not what --json writes: {error}")
    about = {**machine(), "threads": options.threads, "seconds": options.seconds, "busy": options.busy}
    names = _chosen(options.rows)
    found = {name: result for name, result in kept.items() if not result.failed or name not in names}
    try:
        _write(options.json, about, found)  # and not after minutes
    except OSError as error:
        parser.error(f"cannot write {options.json}: {error.strerror}")
    interrupted = False
    with _busy(options.busy), contextlib.closing(
        _measured([name for name in names if name not in found], options.seconds, options.threads)
    ) as measured:  # fmt: skip
        try:
            for result in measured:
                found[result.name] = result
                _write(options.json, about, found)
        except KeyboardInterrupt:
            interrupted = True
    _write(options.json, about, found)
    results = [found[name] for name in names if name in found]
    said = ", ".join(f"{name}: {value}" for name, value in about.items() if value not in (None, 0))
    print(said)
    print(table(results, before))
    if options.readme:
        README.write_text(in_readme(README.read_text(encoding="utf-8"), said, results), encoding="utf-8")
    return 130 if interrupted else 1 if any(result.failed for result in results) else 0


def _write(file: Path | None, about: Mapping[str, Any], found: Mapping[str, Result]) -> None:
    if file is not None:
        written = {"machine": dict(about), "rows": [asdict(result) for result in found.values()]}
        file.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read(file: Path) -> dict[str, Result]:
    """The results that ``--json`` wrote, by name."""
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    return {row["name"]: Result(**{**row, "missing": tuple(row["missing"])}) for row in rows}


def machine() -> dict[str, Any]:
    """What the numbers depend on: none can be compared with another machine's."""
    found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "processor": platform.processor()}
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        found["processor"] = next((line.split(": ")[1] for line in lines if line.startswith("model name")), "")
    found |= {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if hasattr(os, "getloadavg"):
        found["load"] = round(os.getloadavg()[0], 2)
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number of at least 1")
    return int(text)


def _chosen(names: Sequence[str]) -> list[str]:
    if not names:
        return list(ROWS)
    return list(dict.fromkeys(name for given in names for name in _named(given)))


def _named(given: str) -> list[str]:
    """The row of that name; else all of the family."""
    return [given] if given in ROWS else [row.name for row in FAMILIES[given]]


def _measured(names: Sequence[str], seconds: float, threads: int) -> Generator[Result, None, None]:
    """In the order of ``names``, a process for those of a family that follow each other."""
    family = {row.name: family for family, rows in FAMILIES.items() for row in rows}
    for _, group in groupby(names, key=lambda name: (family[name], ROWS[name].backend)):
        yield from _in_a_process(list(group), seconds, threads)


def _in_a_process(names: Sequence[str], seconds: float, threads: int) -> Iterator[Result]:
    """What a process of ``benchmarks.measure`` finds. Where it dies, the rows that it had not told have failed."""
    bounds = dict.fromkeys((*BLAS_THREADS, "MLXFORMER_THREADS"), str(threads))
    environment = {**os.environ, **bounds, "MLXFORMER_BACKEND": ROWS[names[0]].backend, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.measure", *names, "--seconds", str(seconds), "--threads", str(threads)]
    left = list(names)
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                row = json.loads(line)
                found = Result(**{**row, "missing": tuple(row["missing"])})
                left.remove(found.name)
                print(f"{found.name}: {found.failed or found.value}", file=sys.stderr, flush=True)
                yield found
        except BaseException:  # Ctrl+C, or nobody asks for more
            process.kill()
            raise
    for name in left:
        yield replace(blank_result(ROWS[name], threads), failed=f"its process ended with {process.returncode}")


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    """``count`` processes that do nothing but compute, as on a machine that is used."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
