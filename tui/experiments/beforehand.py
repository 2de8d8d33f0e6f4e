"""``python -m tui.experiments.beforehand [NAME ...]``: measure what is slow for the first seeds, and write it down.

Each experiment's file holds what its ``kept`` functions with ``beforehand`` give for those arguments, on NumPy.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui.experiments.catalogue import NAMES
from tui.experiments.shared.kept import Kept, written


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tui.experiments.beforehand", description=(__doc__ or "").split(": ")[1]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, []], help="experiments (default: all)")
    for name in parser.parse_args(arguments).names or NAMES:
        files: dict[Path, dict[str, dict[str, object]]] = {}
        for function in measured(name):
            results = {written(args): function.measure(*args) for args in function.beforehand}
            files.setdefault(function.file, {})[function.function.__name__] = results
        for file, found in files.items():
            file.write_text(_lines(found), encoding="utf-8")
            print(file)
    return 0


def _lines(found: dict[str, dict[str, object]]) -> str:
    """JSON, a result a line."""
    functions = []
    for name, results in found.items():
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in results.items())
        functions.append(f"{json.dumps(name)}: {{\n{lines}\n}}")
    return "{" + ",\n".join(functions) + "}\n"


def measured(name: str) -> Iterator[Kept]:
    """The functions of the experiment ``name`` that are measured beforehand."""
    package = importlib.import_module(f"tui.experiments.{name.replace('-', '_')}")
    for module in pkgutil.iter_modules(package.__path__):
        found = importlib.import_module(f"{package.__name__}.{module.name}")
        for value in vars(found).values():
            if isinstance(value, Kept) and value.beforehand and value.__module__ == found.__name__:
                yield value


if __name__ == "__main__":
    sys.exit(main())
