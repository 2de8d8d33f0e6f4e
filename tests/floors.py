"""Which file imports which, read from the syntax trees.

Imports in functions and under ``TYPE_CHECKING`` count, and those by ``importlib`` of a name that is written out.

A room is a folder or a loose file directly in a package. A floor is a set of rooms that do not import each other; each
may import only what is on a floor below. What stands in no floor is an error: a new room has to be given its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

Floors = Sequence[frozenset[str]]


def floors(text: str) -> Floors:
    """From the top floor down, a line each."""
    return [frozenset(line.split()) for line in text.strip().splitlines()]


def module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(root: Path, package: str) -> dict[str, str]:
    """The text of every module of ``package`` by its dotted name."""
    return {module_of(path, root): path.read_text(encoding="utf-8") for path in (root / package).rglob("*.py")}


def imports(modules: Mapping[str, str], packages: Iterable[str] = ()) -> dict[str, dict[str, int]]:
    """For each module, those of ``modules`` that it imports, and the line where it first does.

    packages: the modules that are an ``__init__.py``, whose relative imports start one step further down.
    """
    inside = set(packages)
    found: dict[str, dict[str, int]] = {}
    for name, text in modules.items():
        found[name] = {}
        for target, line in _imported(ast.parse(text), name, name in inside):
            while target and target not in modules:  # ``from a.b import function`` is an import of a.b
                target = target.rpartition(".")[0]
            if target and target != name:
                found[name].setdefault(target, line)
    return found


def _imported(tree: ast.Module, name: str, is_package: bool) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                steps = node.level - is_package
                above = name.split(".")[: len(name.split(".")) - steps]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            given = node.args[0] if node.args else None
            if isinstance(given, ast.Constant):
                yield str(given.value), node.lineno


def strangers(modules: Mapping[str, str], forbidden: Iterable[str]) -> list[str]:
    """Every import of a package that is forbidden, wherever in a file it stands."""
    roots = set(forbidden)
    return sorted(
        f"{name}:{line} imports {target}"
        for name, text in modules.items()
        for target, line in _imported(ast.parse(text), name, False)
        if target.partition(".")[0] in roots
    )


def room(module: str) -> str:
    """``mlxformer.attention.masks`` is in ``attention``; the package's own ``__init__`` is in ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def climbs(found: Mapping[str, Mapping[str, int]], plan: Floors) -> list[str]:
    """Every import that does not go down to a lower floor, and every room that has no floor."""
    level = {name: height for height, floor in enumerate(reversed(plan)) for name in floor}
    level["__init__"] = len(plan)  # a package's own __init__ gathers the public names: nothing in it may import that
    wrong = [f"{name} is in no floor" for name in sorted(found) if room(name) not in level]
    for name, targets in found.items():
        for target, line in targets.items():
            here, there = room(name), room(target)
            if here != there and level.get(here, 0) <= level.get(there, 0):
                wrong.append(f"{name}:{line} imports {target}: {there} is not below {here}")
    return sorted(wrong)


def circles(found: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    """The groups of modules that reach each other by imports (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    result: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in found[name]:
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            at = stack.index(name)
            group = sorted(stack[at:])
            del stack[at:]
            if len(group) > 1:
                result.append(group)

    for name in found:
        if name not in index:
            visit(name)
    return sorted(result)
