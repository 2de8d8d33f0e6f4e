"""Stored tensors into a module's parameters, with everything that does not fit said in one error.

checkpoint = open_checkpoint(find_folder("./my-bert"))
report = load_into(model, checkpoint.tensors, names={"embeddings.norm.weight": "embeddings.LayerNorm.weight", …})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.backend import dtype_named, from_mapped, mx, nn, settle, tree_flatten
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.checkpoints.writing import DTYPES
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.harmless import in_a_line

_NAMED = 20  # of each kind in a report's text; all are in its fields


@dataclass(frozen=True)
class LoadReport:
    """What became of each stored tensor, under the name that the file gives it. Its text names the first of each kind.

    Args:
        loaded: those that became parameters.
        other_heads: of heads that this class has not, left out.
        constants: position ids and the like, equal to what the model makes itself.
        tied_copies: equal to the tensor that they are tied to.
        unused: stored twice, and this is not the one that counts.
        absent: optional parts that the checkpoint has not, and the model therefore neither.
        ignored_fields: fields of ``config.json`` that are not known here and that transformers ignores too.
        widened: stored as bfloat16, which this backend has not, and made float32.
        new: parameters that were made anew, by their paths: a head that is to be trained.

    >>> from mlxformer.checkpoints.loading import LoadReport
    >>> print(LoadReport(loaded=("a", "b"), absent=("pooler",)))
    2 tensors loaded
    1 absent, and so are these parts of the model: pooler
    """

    loaded: tuple[str, ...]
    other_heads: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    tied_copies: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    ignored_fields: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"LoadReport({str(self).replace(chr(10), '; ')})"

    def __str__(self) -> str:
        lines = [f"{len(self.loaded)} tensors loaded"]
        for names, what in (
            (self.other_heads, "of other tasks' heads, left out"),
            (self.constants, "constants, checked"),
            (self.tied_copies, "tied copies, checked"),
            (self.unused, "unused, left out"),
            (self.absent, "absent, and so are these parts of the model"),
            (self.ignored_fields, "fields of config.json ignored, as transformers ignores them"),
            (self.widened, "bfloat16, which this backend has not, and float32 here"),
            (self.new, "made anew, to be trained"),
        ):
            if names:
                more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                shown = ", ".join(in_a_line(f"{name:.100}") for name in names[:_NAMED])
                lines.append(f"{len(names)} {what}: {shown}{more}")
        return "\n".join(lines)


def load_into(
    module: nn.Module,
    tensors: Mapping[str, StoredTensor],
    names: Mapping[str, str],
    *,
    rename: Callable[[str], str] = str,
    tied: Mapping[str, str] | None = None,
    constants: Mapping[str, np.ndarray] | None = None,
    other_heads: Iterable[str] = (),
    unused: Iterable[str] = (),
    absent: Iterable[str] = (),
    ignored_fields: Iterable[str] = (),
    dtype: str | None = None,
    check: bool = False,
    new: Mapping[str, mx.array] | None = None,
    cure: str = "Load the class that the checkpoint was saved from, with the config.json saved beside it",
) -> LoadReport:
    """Give every parameter of ``module`` its stored tensor.

    On NumPy a parameter in the file's own dtype is a view of the mapped file, on MLX it is copied once.

    Args:
        module: whose parameters are replaced, in place.
        tensors: stored name -> tensor.
        names: parameter path -> stored name; the module's parameters must be exactly these.
        rename: from a name as stored to a name in ``names`` (old spellings, prefixes).
        tied: copy -> original. A copy must equal its original and is dropped; it stands in for an original not stored.
        constants: name -> the values that the model makes itself (position ids). A stored one must equal them.
        other_heads: prefixes of tensors that belong to other tasks' heads.
        unused: names that the model has no use for.
        absent: noted in the report.
        ignored_fields: noted in the report.
        dtype: of floating parameters: None is float32, ``"auto"`` as each is stored, else ``"float16"``,
            ``"bfloat16"`` or ``"float32"``. bfloat16 is float32 on NumPy, which has none, and the report says so.
        check: whether to look at every number, and refuse NaN and infinity; without it a mapped file is not read.
        new: parameter path -> the value that it gets, whatever is stored.
        cure: the last line of the error.

    Returns:
        What became of each tensor.

    Raises:
        CheckpointError: every missing, unexpected, wrongly shaped or unequal tensor at once; with ``check`` every one
            that holds what is not a number.
        ArgumentError: another dtype.

    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from mlxformer.backend import nn
    >>> from mlxformer.checkpoints.folder import open_checkpoint, save_checkpoint
    >>> from mlxformer.checkpoints.loading import load_into
    >>> layer = nn.Linear(3, 2, bias=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(folder, "{}", {"kernel": np.ones((2, 3))})
    ...     report = load_into(layer, open_checkpoint(Path(folder)).tensors, {"weight": "kernel"})
    >>> report.loaded, layer.weight.tolist()
    (('kernel',), [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    """
    require_load_dtype(dtype)
    heads = tuple(other_heads)
    tied, constants = tied or {}, constants or {}
    problems = _Problems()
    found: dict[str, StoredTensor] = {}
    for stored in tensors.values():
        name = rename(stored.name)
        if name in found:
            problems.add("unexpected", stored.name, f"{stored.name} and {found[name].name} are the same tensor {name}")
        found[name] = stored

    copies = {copy: found.pop(copy) for copy in tied if copy in found}
    for copy, stored in list(copies.items()):
        if tied[copy] not in found:
            found[tied[copy]] = copies.pop(copy)
        elif not _equal(stored, found[tied[copy]].read()):
            problems.add(
                "unequal",
                stored.name,
                f"{stored.name} is not equal to {found[tied[copy]].name}, which config.json ties it to "
                "(tie_word_embeddings)",
            )
    fixed = {name: found.pop(name) for name in constants if name in found}
    for name, stored in fixed.items():
        if not _equal(stored, constants[name]):
            problems.add("unequal", stored.name, f"{stored.name} does not hold what the model makes itself")

    dropped = [found.pop(name).name for name in unused if name in found]

    new = new or {}
    parameters = dict(tree_flatten(module.parameters()))
    parameters = {path: value for path, value in parameters.items() if path not in new}
    names = {path: name for path, name in names.items() if path not in new}
    wanted = _wanted(parameters, names)
    for name, path in wanted.items():
        _check(found.get(name), name, path, parameters[path], problems)
    left_out = [found[name].name for name in found if name not in wanted and name.startswith(heads)] if heads else []
    for name, stored in found.items():
        if name not in wanted and stored.name not in left_out:
            problems.add("unexpected", stored.name, f"{stored.name} {list(stored.shape)} belongs to no part of it")
    problems.raise_if_any(type(module).__name__, tensors, cure)

    weights, widened = [], []
    for name, path in wanted.items():
        stored = found[name]
        value, is_widened = _parameter(stored, dtype, check, problems)
        weights.append((path, value))
        if is_widened:
            widened.append(stored.name)
    problems.raise_if_any(type(module).__name__, tensors, cure)
    kind = dtype_named(dtype) if dtype is not None and dtype != "auto" else None
    made = [(path, value if kind is None else value.astype(kind)) for path, value in new.items()]
    module.load_weights([*weights, *made], strict=True)
    settle(module)
    return LoadReport(
        loaded=tuple(found[name].name for name in wanted),
        other_heads=tuple(left_out),
        constants=tuple(stored.name for stored in fixed.values()),
        tied_copies=tuple(stored.name for stored in copies.values()),
        unused=tuple(dropped),
        absent=tuple(absent),
        ignored_fields=tuple(ignored_fields),
        widened=tuple(widened),
        new=tuple(new),
    )


def require_load_dtype(dtype: object) -> None:
    """Pass where ``dtype`` is what ``from_pretrained`` takes.

    Args:
        dtype: None, ``"auto"``, ``"float16"``, ``"bfloat16"`` or ``"float32"``.

    Raises:
        ArgumentError: anything else.

    >>> from mlxformer.checkpoints.loading import require_load_dtype
    >>> require_load_dtype("int8")
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: dtype must be None, "auto", "float16", "bfloat16" or "float32"; got 'int8'
    """
    if dtype is not None and (not isinstance(dtype, str) or dtype not in ("auto", *DTYPES)):
        message = f'dtype must be None, "auto", "float16", "bfloat16" or "float32"; got {dtype!r}'
        raise ArgumentError("load-dtype", message, given=dtype)


_STORED = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def _parameter(stored: StoredTensor, dtype: str | None, check: bool, problems: _Problems) -> tuple[Any, bool]:
    """The array for a parameter, and whether it is wider than asked for."""
    if not stored.is_floating:
        return from_mapped(stored.read()), False  # a quantized layer's packed weights
    wanted = _STORED[stored.dtype] if dtype == "auto" else dtype or "float32"
    kind = dtype_named(wanted)
    values = stored.read(wide=wanted != "float16")
    if check and not np.isfinite(values).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(values))[0])
        count = int((~np.isfinite(values)).sum())
        text = f"{stored.name}{list(place)} is {values[place]} ({count} of {values.size} numbers are not finite)"
        problems.add("not_finite", stored.name, text)
    if wanted == "float16" and values.dtype != np.float16:
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if not np.array_equal(np.isfinite(halves), np.isfinite(values)):
            text = f"{stored.name} holds {np.abs(values).max():g}; float16 ends at 65504"
            problems.add("overflow", stored.name, text)
        values = halves
    if kind is None:
        return from_mapped(values), True
    value = from_mapped(values)
    return (value if value.dtype == kind else value.astype(kind)), False


_SHOWN = 5  # of each kind in a message; its fields name all


class _Problems:
    """Everything that does not fit, by kind, so that one error says it all."""

    def __init__(self) -> None:
        self.by_kind: dict[str, dict[str, str]] = {}

    def add(self, kind: str, name: str, text: str) -> None:
        self.by_kind.setdefault(kind, {})[name] = text

    def raise_if_any(self, model: str, tensors: Mapping[str, StoredTensor], cure: str) -> None:
        if not self.by_kind:
            return
        count = sum(len(texts) for texts in self.by_kind.values())
        files = ", ".join(sorted({str(stored.path) for stored in tensors.values()})) or "the checkpoint"
        lines = []
        for kind, texts in self.by_kind.items():
            lines += [f"  {kind}: {text}" for text in list(texts.values())[:_SHOWN]]
            if len(texts) > _SHOWN:
                lines.append(f"  {kind}: … and {len(texts) - _SHOWN} more")
        raise CheckpointError(
            "checkpoint-mismatch",
            [f"{files} and {model} differ in {count} tensor{'s' if count > 1 else ''}:", *lines, cure],
            model=model,
            **{kind: list(texts) for kind, texts in self.by_kind.items()},
        )


def _wanted(parameters: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Stored name -> parameter path. A model whose names do not match its own parameters is a mistake of its author."""
    if set(parameters) != set(names):
        differing = ", ".join(sorted(set(parameters) ^ set(names)))
        message = f"the names given to load_into and the module's parameters differ: {differing}"
        raise CheckpointError("checkpoint-names", message, differing=differing)
    return {name: path for path, name in names.items()}


def _check(stored: StoredTensor | None, name: str, path: str, parameter: Any, problems: _Problems) -> None:
    shape = tuple(parameter.shape)
    packed = not mx.issubdtype(parameter.dtype, mx.floating)
    if stored is None:
        problems.add("missing", name, f"{name} {list(shape)}, for the parameter {path}")
    elif stored.shape != shape:
        problems.add(
            "wrong_shape", stored.name, f"{stored.name} is {list(stored.shape)}, the parameter {path} {list(shape)}"
        )
    elif packed and stored.is_floating:
        problems.add("wrong_dtype", stored.name, f"{stored.name} is {stored.dtype}, not a quantized layer's U32")
    elif not packed and not stored.is_floating:
        problems.add("wrong_dtype", stored.name, f"{stored.name} is {stored.dtype}, not F32, F16 or BF16")


def _equal(stored: StoredTensor, expected: np.ndarray) -> bool:
    """Integers exactly; floats too, for a tied copy is the same numbers, and a constant is written from them."""
    values = stored.read()
    return values.shape == expected.shape and bool(np.array_equal(values, expected))
