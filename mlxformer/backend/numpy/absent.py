"""What MLX has and this backend has not: an error that says so and how to get it."""

from __future__ import annotations

from mlxformer.errors import MlxformerError

from .names_of_mlx import NAMES

CURE = (
    "Set MLXFORMER_BACKEND=mlx to run on MLX itself "
    '(pip install mlx on a Mac with Apple silicon, pip install "mlx[cpu]" on Linux)'
)


class AbsentError(MlxformerError, AttributeError, TypeError):
    """A name or an operation of MLX that is not on the NumPy backend's closed list.

    An ``AttributeError``, so that ``hasattr`` says no; a ``TypeError``, as an array that cannot be written to raises.
    """


def absent(namespace: str, name: str) -> AttributeError:
    """The error for ``name``, which ``namespace`` (``mx``, ``mx.random``, ``array``...) does not have."""
    if name in NAMES[namespace]:
        what = f"array.{name}" if namespace == "array" else f"{namespace}.{name}"
        return AbsentError("not-on-numpy", f"{what} is not on the list of the NumPy backend. {CURE}.", what=what)
    if namespace == "array":
        return AttributeError(f"'array' object has no attribute {name!r}")
    return AttributeError(f"module {namespace!r} has no attribute {name!r}")


def immutable() -> AbsentError:
    """The error for writing into an array."""
    return AbsentError(
        "not-on-numpy",
        "Item assignment is not on the list of the NumPy backend: its arrays are immutable. Build the result with "
        f"mx.where, mx.concatenate or mx.pad, which both backends have. Or: {CURE[0].lower()}{CURE[1:]}.",
        what="x[...] = y",
    )
