"""What code that runs on both backends may write, checked on its syntax tree.

A file is held to the rules if it imports ``mx`` or ``nn`` from ``mlxformer.backend``. The rules:

1. A name of ``mx``, ``nn`` or ``optimizers`` is on the NumPy backend's closed list.
2. Nothing is changed in place (``x += y``, ``x[i] = y``) unless the code shows that it is a Python or NumPy value: by
   an annotation, a literal, or a call such as ``len``, ``dict`` or ``np.zeros``. MLX changes the array that other names
   also see; NumPy's backend does not.
3. No ``isinstance(x, mx.array)`` and no ``type(x)`` of one: what NumPy differentiates is of another class.
4. No array method or property but ``shape ndim dtype size reshape transpose swapaxes astype T``.
5. No ``import mlx`` and no ``import mlxformer.backend.numpy``: ``mlxformer.backend`` is the only door.

Rules 1 and 5 do not hold under ``if backend.name == ...``, which is where one backend does what the other cannot.
"""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

from mlxformer.backend.numpy import core, nn, optimizers
from tests.mlxformer.backend.numpy.closed_list import closed_list

ROOTS = {
    "mx": closed_list(core) | {"fast", "random", "linalg"},
    "nn": closed_list(nn) | {"losses", "init"},
    "optimizers": set(optimizers.__all__),
}
METHODS = {"shape", "ndim", "dtype", "size", "reshape", "transpose", "swapaxes", "astype", "T"}
# What an mlx.core.array has besides. `split` is left out: it is str's too, and mx.split is as short.
FORBIDDEN = {"abs", "all", "any", "argmax", "argmin", "at", "conj", "cos", "cummax", "cummin", "cumprod", "cumsum"}
FORBIDDEN |= {"diag", "diagonal", "exp", "flatten", "imag", "item", "itemsize", "log", "log10", "log1p", "log2", "mT"}
FORBIDDEN |= {"logcumsumexp", "logsumexp", "max", "maximum", "mean", "min", "minimum", "moveaxis", "nbytes", "prod"}
FORBIDDEN |= {"real", "reciprocal", "round", "rsqrt", "sin", "sqrt", "square", "squeeze", "std", "sum", "tolist"}
FORBIDDEN |= {"var", "view"}

# How much the code shows of a value: nothing; that it is a container, of what may be arrays; that no array is in it.
UNKNOWN, CONTAINER, PLAIN = range(3)
PLAIN_CALLS = {"Counter", "Path", "to_numpy"}
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
    found = [f"{path}:{line}: {what}" for line, what in sorted(_Imports().check(tree))]
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


def _is_branch_on_the_backend(node: ast.If) -> bool:
    return isinstance(node.test, ast.Compare) and (_dotted(node.test.left) or "").split(".")[-1] == "name"


class _Imports(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def check(self, tree: ast.Module) -> list[tuple[int, str]]:
        self.visit(tree)
        return self.found

    def visit_If(self, node: ast.If) -> None:
        if not _is_branch_on_the_backend(node):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._check(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._check(node, node.module or "")

    def _check(self, node: ast.stmt, module: str) -> None:
        parts = module.split(".")
        if parts[0] == "mlx" or module.startswith("mlxformer.backend.numpy"):
            self.found.append((node.lineno, f"imports {module}: import mx and nn from mlxformer.backend"))


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
        self.one_backend_only = False
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

    def visit_If(self, node: ast.If) -> None:
        before, self.one_backend_only = self.one_backend_only, self.one_backend_only or _is_branch_on_the_backend(node)
        self.generic_visit(node)
        self.one_backend_only = before

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
            if name.removeprefix(f"{root}.") not in ROOTS[root] and not self.one_backend_only:
                self.found.append((node.lineno, f"{name} is not on the NumPy backend's closed list"))
            return
        if node.attr in FORBIDDEN and not self._is_no_array(node.value):
            self.found.append((node.lineno, f"array method {ast.unparse(node)!r}: use the function of mx"))
        self.generic_visit(node)

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
