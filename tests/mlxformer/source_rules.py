"""What code that runs on both backends may write, checked on its syntax tree.

A file is held to the rules if it imports ``mx`` or ``nn`` from ``mlxformer.backend``. The rules:

1. A name of ``mx``, ``nn`` or ``optimizers`` is on the NumPy backend's closed list, and is written out: neither they
   nor ``mx.random`` and the like are values of their own, to be given to ``getattr``.
2. Nothing is changed in place (``x += y``, ``x[i] = y``) unless the code shows that it is a Python or NumPy value: by
   an annotation, a literal, or a call such as ``len``, ``dict`` or ``np.zeros``. MLX changes the array that other names
   also see; NumPy's backend does not.
3. No ``isinstance(x, mx.array)``, no ``type(x)`` of one and no ``x.__class__``: what NumPy differentiates is of another
   class.
4. No array method or property but ``shape ndim dtype size reshape transpose swapaxes astype T``; not by ``getattr``.
5. No import of ``mlx`` or of what is inside ``mlxformer.backend``, whose own names are the only door: not by
   ``importlib``, ``__import__`` or ``sys.modules`` either, and no question whether it is there. No import of ``*``.
6. Nobody asks which backend runs: its name stands in messages (an f-string, a keyword argument) and nowhere else. What
   the two do each in its own way is a function of ``mlxformer.backend``.

Rules 5 and 6 hold for files that use no arrays, too.
"""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

from mlxformer.backend.numpy import core, nn, optimizers
from tests.mlxformer.backend.numpy.closed_list import closed_list

NAMESPACES = {"fast", "random", "linalg", "losses", "init"}
ROOTS = {
    "mx": closed_list(core) | NAMESPACES,
    "nn": closed_list(nn) | NAMESPACES,
    "optimizers": set(optimizers.__all__),
}
METHODS = {"shape", "ndim", "dtype", "size", "reshape", "transpose", "swapaxes", "astype", "T"}
# What an mlx.core.array has besides. `split` is left out: it is str's too, and mx.split is as short.
FORBIDDEN = {"abs", "all", "any", "argmax", "argmin", "at", "conj", "cos", "cummax", "cummin", "cumprod", "cumsum"}
FORBIDDEN |= {"diag", "diagonal", "exp", "flatten", "imag", "item", "itemsize", "log", "log10", "log1p", "log2", "mT"}
FORBIDDEN |= {"logcumsumexp", "logsumexp", "max", "maximum", "mean", "min", "minimum", "moveaxis", "nbytes", "prod"}
FORBIDDEN |= {"real", "reciprocal", "round", "rsqrt", "sin", "sqrt", "square", "squeeze", "std", "sum", "tolist"}
FORBIDDEN |= {"var", "view"}

INSIDE = {"choice", "numpy", "on_mlx", "on_numpy", "_running"}
IMPORTERS = {"import_module", "find_spec", "__import__"}
RENAMES = "under another name: the rules know it by its own"
ASKS = "asks which backend runs: make what differs a function of mlxformer.backend"

# How much the code shows of a value: nothing; that it is a container, of what may be arrays; that no array is in it.
UNKNOWN, CONTAINER, PLAIN = range(3)
PLAIN_CALLS = {"Counter", "Path", "to_numpy", "numpy_view", "lasting"}  # NumPy refuses to write to a view
PLAIN_CALLS |= {name for name in dir(builtins) if not name.startswith("_")}
CONTAINER_CALLS = {"OrderedDict", "defaultdict", "deque", "tree_flatten", "dict", "list", "set", "sorted", "tuple"}
# As much is shown of their value as of their arguments.
AS_GIVEN = {"enumerate", "filter", "getattr", "iter", "map", "max", "min", "next", "reversed", "sum", "zip"}
CONTAINERS = {"dict", "list", "set", "tuple", "deque", "defaultdict", "Counter", "Mapping", "Sequence", "Iterator"}
OF_STRINGS = {name for name in dir(str) if not name.startswith("_")} - {"split", "count", "index"}


def uses_arrays(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[-1] == "backend"
        and any(alias.name in ROOTS for alias in node.names)
        for node in ast.walk(tree)
    )


def violations(source: str, path: str = "snippet") -> list[str]:
    """``path:line: what`` for each breach."""
    tree = ast.parse(source)
    found = [f"{path}:{line}: {what}" for line, what in sorted(_Doors(tree).found)]
    if uses_arrays(tree):
        found += [f"{path}:{line}: {what}" for line, what in sorted(_Rules(tree).found)]
    return found


def model_files(package: Path) -> list[Path]:
    """All of mlxformer but the backend itself."""
    return [path for path in sorted(package.rglob("*.py")) if path.relative_to(package).parts[0] != "backend"]


def _dotted(node: ast.expr) -> str | None:
    """``a.b.c`` as text, if the expression is nothing but names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)) is not None:
        return f"{base}.{node.attr}"
    return None


class _Doors(ast.NodeVisitor):
    """By which doors a file reaches a backend, and whether it asks which one runs."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[tuple[int, str]] = []
        self.names: set[str] = set()  # what stands for the running backend's name
        self.descriptions: set[str] = set()  # and for what ``describe()`` gives
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] in ("backend", "choice"):
                self.names |= {alias.asname or alias.name for alias in node.names if alias.name == "name"}
            elif isinstance(node, ast.Assign) and ast.unparse(node.value).endswith("describe()"):
                self.descriptions |= {name for target in node.targets for name in _names(target)}
        self.visit(tree)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._check_module(node, alias.name)
            if alias.name == "mlxformer.backend" and alias.asname:
                self.found.append((node.lineno, f"mlxformer.backend {RENAMES}"))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        self._check_module(node, module)
        if module == "mlxformer.backend" or (node.level and module.split(".")[-1] == "backend"):
            for alias in node.names:
                if alias.name in INSIDE:
                    self._check_module(node, f"mlxformer.backend.{alias.name}")
                elif alias.asname and alias.name != "name":
                    self.found.append((node.lineno, f"{alias.name} {RENAMES}"))
        for alias in node.names:
            if alias.asname and (alias.name == "backend" or module.split(".")[0] == "importlib"):
                self.found.append((node.lineno, f"{alias.name} {RENAMES}"))
            if alias.name == "*":
                self.found.append((node.lineno, f"imports * from {module}: name what is wanted of it"))

    def visit_Call(self, node: ast.Call) -> None:
        called = (_dotted(node.func) or "").split(".")[-1]
        if called in IMPORTERS:
            given = node.args[0] if node.args else node.keywords[0].value
            self._check_named_module(node, given, f"{called} of a name that is not written out")
        if _dotted(node.func) == "sys.modules.get":
            self._check_named_module(node, node.args[0], "sys.modules of a name that is not written out")
        if called in ("getattr", "hasattr", "vars") and node.args and self._is_backend(node.args[0]):
            self.found.append((node.lineno, ASKS))
        for part in node.keywords:  # a message's field
            if not self._is_backends_name(part.value):
                self.visit(part.value)
        for child in node.args if called in IMPORTERS else (node.func, *node.args):
            self.visit(child)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if _dotted(node.value) == "sys.modules":
            self._check_named_module(node, node.slice, "sys.modules of a name that is not written out")
        self.generic_visit(node)

    def _check_named_module(self, node: ast.expr, given: ast.expr, else_: str) -> None:
        if isinstance(given, ast.Constant):
            self._check_module(node, str(given.value))
        else:
            self.found.append((node.lineno, else_))

    def _check_module(self, node: ast.stmt | ast.expr, module: str) -> None:
        parts = module.lstrip(".").split(".")
        inside = "backend" in parts[:2] and parts[-1] != "backend"
        if parts[0] == "mlx" or inside:
            self.found.append((node.lineno, f"imports {module}: import mx and nn from mlxformer.backend"))

    @staticmethod
    def _is_backend(node: ast.expr) -> bool:
        return (_dotted(node) or "").split(".")[-1] == "backend"

    def visit_Constant(self, node: ast.Constant) -> None:
        if node.value == "MLXFORMER_BACKEND":
            self.found.append((node.lineno, ASKS))

    def _is_backends_name(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.names
        if not isinstance(node, ast.Attribute):
            return False
        of = node.value
        if isinstance(of, ast.Name) and of.id in self.descriptions:
            return node.attr in ("name", "device", "reason")
        if isinstance(of, ast.Call):
            of, wanted = of.func, "describe"
        else:
            wanted = "backend"
        if wanted == "describe":
            return node.attr in ("name", "device", "reason") and (_dotted(of) or "").split(".")[-1] == wanted
        return node.attr == "name" and (_dotted(of) or "").split(".")[-1] == wanted

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass  # a message

    def visit_Compare(self, node: ast.Compare) -> None:
        if any(self._is_backends_name(part) for part in ast.walk(node)):
            self.found.append((node.lineno, ASKS))
            return
        if any(_dotted(part) == "sys.modules" for part in node.comparators):
            self._check_named_module(node, node.left, "sys.modules of a name that is not written out")
        self.generic_visit(node)

    def _visit_name(self, node: ast.Name | ast.Attribute) -> None:
        of_backend = isinstance(node, ast.Attribute) and node.attr == "__dict__" and self._is_backend(node.value)
        if of_backend or self._is_backends_name(node):
            self.found.append((node.lineno, ASKS))
        elif isinstance(node, ast.Attribute) and node.attr in INSIDE and self._is_backend(node.value):
            self._check_module(node, f"mlxformer.backend.{node.attr}")
        elif (_dotted(node) or "").split(".")[-1] in IMPORTERS:
            self.found.append((node.lineno, f"{_dotted(node)} {RENAMES}"))
        else:
            self.generic_visit(node)

    visit_Name = visit_Attribute = _visit_name


class _Knowledge:
    """How much the code shows of the names in scope, of ``self``'s attributes, and of what functions return."""

    def __init__(self, tree: ast.Module) -> None:
        self.modules = {"np", "math"}
        self.returns: dict[str, ast.expr | None] = {}
        self.attributes: dict[str, int] = {}
        self.scopes: list[dict[str, int]] = [{}]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.modules |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            elif isinstance(node, ast.FunctionDef):
                self.returns[node.name] = node.returns
        self._learn(tree.body)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                self._learn_attributes(node)

    def enter(self, node: ast.FunctionDef) -> None:
        given = node.args
        parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        self.scopes.append({part.arg: self._of_annotation(part.annotation) for part in parameters})
        self._learn(node.body)

    def enter_comprehension(self, generators: list[ast.comprehension]) -> None:
        self.scopes.append({})
        for generator in generators:
            self.scopes[-1] |= dict(self._bindings(generator))

    def leave(self) -> None:
        self.scopes.pop()

    def of(self, node: ast.expr) -> int:
        match node:
            case ast.Constant() | ast.JoinedStr() | ast.Compare() | ast.Lambda():
                return PLAIN
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return min((PLAIN if self.of(part) == PLAIN else CONTAINER for part in parts), default=PLAIN)
            case ast.Dict(values=parts):
                return min((PLAIN if self.of(part) == PLAIN else CONTAINER for part in parts), default=PLAIN)
            case ast.ListComp() | ast.DictComp() | ast.SetComp():
                return CONTAINER
            case ast.Name(id=name):
                return next((scope[name] for scope in reversed(self.scopes) if name in scope), UNKNOWN)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self.attributes.get(name, UNKNOWN)
            case ast.Attribute(attr="shape" | "ndim" | "size" | "value"):  # a trace's Step.value is a NumPy copy
                return PLAIN
            case ast.Attribute(value=base) | ast.Subscript(value=base) | ast.Starred(value=base):
                return PLAIN if self.of(base) == PLAIN else UNKNOWN
            case ast.BinOp(left=left, right=right):
                return min(self.of(left), self.of(right))
            case ast.UnaryOp(operand=operand):
                return self.of(operand)
            case ast.IfExp(body=body, orelse=orelse):
                return min(self.of(body), self.of(orelse))
            case ast.BoolOp(values=values):
                return min(self.of(value) for value in values)
            case ast.Call():
                return self._of_call(node)
        return UNKNOWN

    def _of_call(self, node: ast.Call) -> int:
        name = _dotted(node.func)
        if name is not None and "." not in name:
            if name in self.returns:
                return self._of_annotation(self.returns[name])
            if name in AS_GIVEN:
                return min((self.of(part) for part in node.args), default=UNKNOWN)
            if name in CONTAINER_CALLS:
                return min((max(CONTAINER, self.of(part)) for part in node.args), default=PLAIN)
            return PLAIN if name in PLAIN_CALLS else UNKNOWN
        if name is not None and name.split(".")[0] in self.modules - set(ROOTS):
            return PLAIN
        if name is not None and name.startswith("self.") and name.count(".") == 1:
            return self._of_annotation(self.returns.get(name.removeprefix("self.")))
        if isinstance(node.func, ast.Attribute):
            return PLAIN if node.func.attr in OF_STRINGS or self.of(node.func.value) == PLAIN else UNKNOWN
        return UNKNOWN

    def _of_annotation(self, annotation: ast.expr | None) -> int:
        if annotation is None:
            return UNKNOWN
        if isinstance(annotation, ast.BinOp):
            return min(self._of_annotation(annotation.left), self._of_annotation(annotation.right))
        text = ast.unparse(annotation)
        if not any(word in text for word in ("mx.", "nn.", "Any", "Array", "object", "Module")):
            return PLAIN
        head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        return CONTAINER if (_dotted(head) or "").split(".")[-1] in CONTAINERS else UNKNOWN

    def _learn(self, body: list[ast.stmt]) -> None:
        """Adds to the innermost scope what every assignment to a name shows of it: the least of them."""
        for _ in range(3):  # a name may be known only once another is
            shown: dict[str, int] = {}
            for statement in body:
                for node in _own_nodes(statement):
                    for name, kind in self._bindings(node):
                        shown[name] = min(shown.get(name, PLAIN), kind)
            self.scopes[-1] |= shown
        for node in (node for statement in body for node in _own_nodes(statement)):
            match node:  # code that asks for the class of a name knows what it does with it
                case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), _]):
                    self.scopes[-1][name] = max(self.scopes[-1].get(name, UNKNOWN), CONTAINER)

    def _bindings(self, node: ast.AST) -> list[tuple[str, int]]:
        match node:
            case ast.Assign(targets=targets, value=value):
                return [pair for target in targets for pair in self._unpacked(target, value)]
            case ast.AnnAssign(target=target, annotation=annotation):
                return [(name, self._of_annotation(annotation)) for name in _names(target)]
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                return [(name, self.of(value))]
            case ast.For(target=target, iter=iterated) | ast.comprehension(target=target, iter=iterated):
                return [(name, PLAIN if self.of(iterated) == PLAIN else UNKNOWN) for name in _names(target)]
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                return [(name, self.of(value))]
        return []

    def _unpacked(self, target: ast.expr, value: ast.expr) -> list[tuple[str, int]]:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            pairs = zip(target.elts, value.elts, strict=True)
            return [pair for part, given in pairs for pair in self._unpacked(part, given)]
        if isinstance(target, ast.Name):
            return [(target.id, self.of(value))]
        return [(name, PLAIN if self.of(value) == PLAIN else UNKNOWN) for name in _names(target)]

    def _learn_attributes(self, node: ast.ClassDef) -> None:
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                self.attributes[part.target.id] = self._of_annotation(part.annotation)
        annotated, shown = set(self.attributes), dict[str, int]()
        for method in (part for part in node.body if isinstance(part, ast.FunctionDef)):
            self.enter(method)
            for inner in ast.walk(method):
                match inner:
                    case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=kind):
                        annotated.add(name)
                        shown[name] = self._of_annotation(kind)
                    case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                        if name not in annotated:
                            shown[name] = min(shown.get(name, PLAIN), self.of(value))
            self.leave()
        self.attributes |= shown


class _Rules(ast.NodeVisitor):
    """Walks one file and notes its breaches."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[tuple[int, str]] = []
        self.known = _Knowledge(tree)
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.known.enter(node)
        self.generic_visit(node)
        self.known.leave()

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.known.enter_comprehension(node.generators)
        self.generic_visit(node)
        self.known.leave()

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._check_changed(node.target, node, "augmented assignment to")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self._check_changed(target.value, node, "item assignment to")
        self.generic_visit(node)

    def _check_changed(self, target: ast.expr, node: ast.stmt, what: str) -> None:
        if self.known.of(target) == UNKNOWN:
            self.found.append((node.lineno, f"{what} {ast.unparse(target)!r}, which may be an array"))

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
            self._check_class(node.args[1], node)
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[of, ast.Constant(value=str(name)), *_]):
                self._check_asked_of(of, name, node)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if isinstance(node.left, ast.Call) and _dotted(node.left.func) == "type":
            for other in node.comparators:
                self._check_class(other, node)
        self.generic_visit(node)

    def _check_class(self, classes: ast.expr, node: ast.expr) -> None:
        if any(isinstance(part, ast.expr) and _dotted(part) == "mx.array" for part in ast.walk(classes)):
            self.found.append((node.lineno, "asks for the class mx.array: use mlxformer.backend.is_array"))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = _dotted(node)
        root = name.split(".")[0] if name else ""
        if name and root in ROOTS and not any(root in scope for scope in self.known.scopes):
            known = name.removeprefix(f"{root}.")
            if known in NAMESPACES:
                self.found.append((node.lineno, f"{name} as a value: write out the name that is wanted of it"))
            elif known not in ROOTS[root]:
                self.found.append((node.lineno, f"{name} is not on the NumPy backend's closed list"))
            return
        self._check_asked_of(node.value, node.attr, node)
        self.generic_visit(node)

    def _check_asked_of(self, of: ast.expr, name: str, node: ast.expr) -> None:
        if name == "__class__":
            self.found.append((node.lineno, f"{ast.unparse(of)}.{name}: use mlxformer.backend.is_array"))
        if name in FORBIDDEN and not self._is_no_array(of):
            self.found.append((node.lineno, f"array method '{ast.unparse(of)}.{name}': use the function of mx"))

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in ROOTS and not any(node.id in scope for scope in self.known.scopes):
            self.found.append((node.lineno, f"{node.id} as a value: write out the name that is wanted of it"))

    def _is_no_array(self, node: ast.expr) -> bool:
        name = _dotted(node) or ""
        if name == "self" or name.split(".")[0] in self.known.modules:
            return True
        return self.known.of(node) != UNKNOWN or (isinstance(node, ast.Call) and _dotted(node.func) == "mx.finfo")


def _names(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, (ast.Tuple, ast.List)):
        return [name for part in target.elts for name in _names(part)]
    return _names(target.value) if isinstance(target, ast.Starred) else []


def _own_nodes(statement: ast.stmt) -> list[ast.AST]:
    """The nodes of a statement, but not those of functions and classes inside it: they have scopes of their own."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return []
    nodes: list[ast.AST] = [statement]
    for child in ast.iter_child_nodes(statement):
        nodes += _own_nodes(child) if isinstance(child, ast.stmt) else list(ast.walk(child))
    return nodes
