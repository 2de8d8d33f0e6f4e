"""Which file imports which, read from the syntax trees.

Imports in functions and under ``TYPE_CHECKING`` count, and those by ``importlib`` of a name that is written out, under
whatever name ``import_module`` goes. Of a name that is put together, ``f"tui.experiments.{name}.body"``, what stands
before the first gap counts: the folder ``tui.experiments``.

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
    parts = name.split(".")
    package = parts if is_package else parts[:-1]
    importers = _importers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), package)
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in importers:
            given: dict[str | None, ast.expr] = dict(zip(("name", "package"), node.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in node.keywords}
            known = {"__name__": name, "__package__": ".".join(package)}
            text = _written(given["name"], known) if "name" in given else ""
            anchor = _written(given["package"], known) if "package" in given else ""
            yield _absolute(text, anchor.split(".") if anchor else package), node.lineno


def _importers(tree: ast.Module) -> set[str]:
    """The names under which a file has ``import_module`` and ``__import__``."""
    found = {"import_module", "__import__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname for alias in node.names if alias.name in found and alias.asname}
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).split(".")[-1] in found:
            found |= {ast.unparse(target).split(".")[-1] for target in node.targets}
    return found


def _absolute(name: str, package: Sequence[str]) -> str:
    """``..masks`` as seen from ``package``; a name without points before it as it is."""
    rest = name.lstrip(".")
    if level := len(name) - len(rest):
        return ".".join([*package[: len(package) - level + 1], *([rest] if rest else [])])
    return name


def _written(node: ast.expr, known: Mapping[str, str]) -> str:
    """What a name's expression shows of it: all, or the whole parts before its first gap."""
    text = ""
    for part in _pieces(node):
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.Name) and part.id in known:
            text += known[part.id]
        else:
            rest = text.lstrip(".")
            return text[: len(text) - len(rest)] + rest.rpartition(".")[0]
    return text


def _pieces(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.JoinedStr(values=parts):
            for part in parts:
                yield part.value if isinstance(part, ast.FormattedValue) else part
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _pieces(left)
            yield from _pieces(right)
        case _:
            yield node


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
