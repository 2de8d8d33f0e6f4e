"""A docstring names every argument, one a line under ``Args:``, and none that there is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "mlxformer"
# The two sides of the backend are MLX's own interface, and documented there.
FILES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if not path.is_relative_to(ROOT / "backend/numpy") and path.name not in ("on_numpy.py", "on_mlx.py")
)
REFERS = "this and all others are those of ``generate``"  # what ``stream`` says of the options that it shares with it

Definition = ast.FunctionDef | ast.ClassDef


def public(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    """Functions, classes, and the methods that people call."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_") and not _is_overload(node):
            yield node.name, node
            for part in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(part, ast.FunctionDef) and _is_called(part) and not _is_said_above(part, node, tree):
                    yield f"{node.name}.{part.name}", part


def _is_said_above(method: ast.FunctionDef, owner: ast.ClassDef, tree: ast.Module) -> bool:
    """Whether a method without a docstring has that of a base in the same file, which ``help`` shows."""
    bases = {ast.unparse(base) for base in owner.bases}
    above = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in bases]
    return ast.get_docstring(method) is None and method.name in {
        part.name for node in above for part in node.body if isinstance(part, ast.FunctionDef)
    }


def _is_overload(node: Definition) -> bool:
    """Whether it only says what its namesake below returns."""
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)


def _is_called(method: ast.FunctionDef) -> bool:
    return not _is_overload(method) and (method.name == "__call__" or not method.name.startswith("_"))


def arguments(node: Definition) -> list[str]:
    """Of a function, of a class's ``__init__``, or the fields of a dataclass, a named tuple or a protocol."""
    if isinstance(node, ast.ClassDef):
        made = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
        if made:
            return arguments(made[0])
        fields = [part for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)]
        names = [part.target.id for part in fields if "ClassVar" not in ast.unparse(part.annotation)]  # type: ignore[union-attr]
        return [name for name in names if not name.startswith("_")]
    given = node.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [each.arg for each in every if each is not None and each.arg not in ("self", "cls")]


def documented(text: str) -> list[str]:
    block = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^    (\w+): ", block[1], re.MULTILINE) if block else []


def faults(source: str) -> list[str]:
    """Each definition whose docstring is missing, or says other arguments than it takes, or in another order."""
    found = []
    for name, node in public(ast.parse(source)):
        text = ast.get_docstring(node)
        if text is None:
            found.append(f"{name} has no docstring")
        elif documented(text) != arguments(node) and REFERS not in text:
            found.append(f"{name} takes {arguments(node)}, its docstring names {documented(text)}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_argument_has_its_line(file: Path) -> None:
    assert faults(file.read_text(encoding="utf-8")) == []


def test_a_missing_line_is_found() -> None:
    text = 'def f(x, *, mask=None):\n    """F.\n\n    Args:\n        x: [T].\n    """\ndef _g(): pass\nclass A: pass\n'
    assert faults(text) == ["f takes ['x', 'mask'], its docstring names ['x']", "A has no docstring"]
