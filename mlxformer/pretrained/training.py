"""Training, the same for every shipped model: deterministic batches, a progress bar, checkpoints that resume.

The batch of a step is drawn from the seed and the step's number alone, and so is the dropout, so that a run that was
killed and resumed is the run that was not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_unflatten
from mlxformer.errors import CheckpointError
from mlxformer.pretrained.progress import ProgressBar
from mlxformer.pretrained.weights import named
from mlxformer.training.schedules import warmup_linear_decay

CHECKPOINT_EVERY = 60.0  # seconds


class Recipe(Protocol):
    """What is trained, on what, and how; one for each shipped model.

    Args:
        name: of the model.
        steps: how many.
        clip: the greatest norm of a step's gradients.

    >>> from mlxformer.pretrained.registry import find
    >>> find("dates")[1].clip
    1.0
    """

    name: str
    steps: int
    clip: float

    def model(self) -> nn.Module:
        """The model with fresh weights, drawn from ``mx.random``.

        Returns:
            Any module.
        """

    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer, with its learning rate by the step.

        Returns:
            One of ``mlxformer.backend.optimizers``.
        """

    def batch(self, generator: np.random.Generator, step: int) -> tuple[mx.array, ...]:
        """The arrays of one step.

        Args:
            generator: what draws.
            step: from 0, for what changes as training goes on.

        Returns:
            What ``loss`` takes.
        """

    def loss(self, model: Any, *batch: Any) -> Any:
        """What is made small.

        Args:
            model: what is trained.
            batch: the arrays of a step.

        Returns:
            A scalar, or a tuple that begins with it.
        """


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Args:
        model: in evaluation mode.
        losses: of each step.
        seconds: that it took, earlier runs included.
        steps: how many were made.

    >>> from mlxformer.pretrained.training import Trained
    >>> Trained(model=None, losses=[2.5, 2.25], seconds=0.5, steps=2).losses[-1]
    2.25
    """

    model: Any
    losses: list[float]  # of each step
    seconds: float
    steps: int

    def __repr__(self) -> str:
        last = f"{self.losses[-1]:g}" if self.losses else "none"
        return f"Trained(steps={self.steps}, seconds={self.seconds:.1f}, loss={last})"


def train(
    recipe: Recipe,
    *,
    seed: int = 0,
    folder: Path | None = None,
    seconds: float | None = None,
    steps: int | None = None,
    every: tuple[int, Callable[[Any, int], None]] | None = None,
    quiet: bool = False,
) -> Trained:
    """Train ``recipe``, resuming from a checkpoint where there is one.

    The batch of a step is drawn from the seed and the step's number alone, and so is the dropout, so that a run that
    was killed and resumed is the run that was not.

    Args:
        recipe: what, on what, and how.
        seed: of weights, batches and dropout.
        folder: where checkpoints lie, written about once a minute and at the end; None keeps none.
        seconds: stop after so many; None does not.
        steps: stop after so many; None means all of the recipe's.
        every: (n, call), for a curve: ``call(model, step)`` each n steps; None calls nothing.
        quiet: whether no progress bar is drawn.

    Returns:
        The model and its losses.

    Raises:
        CheckpointError: a checkpoint that is damaged or of another run.

    >>> from mlxformer.pretrained.registry import find
    >>> from mlxformer.pretrained.training import train
    >>> train(find("reverse-transformer")[1], steps=1, quiet=True)  # doctest: +ELLIPSIS
    Trained(steps=1, seconds=..., loss=...)
    """
    mx.random.seed(seed)
    model, optimizer = recipe.model(), recipe.optimizer()
    model.train()
    mx.eval(model.parameters())
    optimizer.init(model.trainable_parameters())
    losses: list[float] = []
    spent = 0.0
    path = None if folder is None else checkpoint_path(folder, recipe.name, seed)
    if path is not None and path.exists():
        losses, spent = _resume(path, recipe, seed, model, optimizer)
    last = recipe.steps if steps is None else min(steps, recipe.steps)
    bar = None if quiet else ProgressBar(recipe.name, len(losses) / last)
    step_of = nn.value_and_grad(model, lambda *batch: recipe.loss(model, *batch))
    started = saved = time.monotonic()
    while len(losses) < last:
        step = len(losses)
        batch = recipe.batch(np.random.default_rng((seed, step)), step)
        mx.random.seed((seed << 32 | step) % (1 << 63))
        loss, gradients = step_of(*batch)
        loss = loss[0] if isinstance(loss, tuple) else loss
        gradients, _ = optimizers.clip_grad_norm(gradients, recipe.clip)
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(float(to_numpy(loss)))
        now = time.monotonic()
        if path is not None and now - saved > CHECKPOINT_EVERY:
            _save(path, recipe, seed, model, optimizer, losses, spent + now - started)
            saved = now
        if bar is not None:
            bar(len(losses) / last, f"{len(losses)}/{last}  loss {sum(losses[-20:]) / len(losses[-20:]):.4f}")
        if every is not None and len(losses) % every[0] == 0:
            model.eval()
            every[1](model, len(losses))
            model.train()
        if seconds is not None and now - started >= seconds:
            break
    spent += time.monotonic() - started
    if path is not None:
        _save(path, recipe, seed, model, optimizer, losses, spent)
    model.eval()
    return Trained(model, losses, spent, len(losses))


def falls(
    peak: float, warmup: int, first_end: int, again: Sequence[tuple[int, float]], last: int
) -> Callable[[mx.array], mx.array]:
    """A learning rate that warms up and falls in a straight line, and may do so again before it is down.

    Args:
        peak: the highest rate.
        warmup: steps until it is reached.
        first_end: the step at which the first fall would reach 0.
        again: (step, rate): from each of these steps on it falls anew, from this to 0 at the next of them.
        last: the step at which the last fall reaches 0.

    Returns:
        A function of the step, from 0.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.pretrained.training import falls
    >>> rate = falls(0.5, 1, 5, [(3, 0.25)], 5)
    >>> [float(rate(mx.array(step))) for step in range(5)]
    [0.0, 0.5, 0.375, 0.25, 0.125]
    """
    first = warmup_linear_decay(peak, warmup, first_end)
    if not again:
        return first
    begins = [since for since, _ in again]
    down = [
        optimizers.linear_schedule(rate, 0.0, end - since)
        for (since, rate), end in zip(again, [*begins[1:], last], strict=True)
    ]
    return optimizers.join_schedules([first, *down], begins)


def checkpoint_path(folder: Path, name: str, seed: int) -> Path:
    """Where the checkpoint of a run lies.

    Args:
        folder: of all checkpoints.
        name: of the model.
        seed: of the run.

    Returns:
        A file, which need not exist.

    >>> from pathlib import Path
    >>> from mlxformer.pretrained.training import checkpoint_path
    >>> checkpoint_path(Path("trained"), "dates", 0).name
    'dates-0.checkpoint.npz'
    """
    return folder / f"{name}-{seed}.checkpoint.npz"


def _save(
    path: Path,
    recipe: Recipe,
    seed: int,
    model: nn.Module,
    optimizer: optimizers.Optimizer,
    losses: list[float],
    spent: float,
) -> None:
    """Written beside and then renamed: a kill leaves the old checkpoint or the new one."""
    arrays = {f"model/{name}": to_numpy(value) for name, value in named(model.parameters()).items()}
    arrays |= {f"optimizer/{name}": to_numpy(value) for name, value in named(optimizer.state).items()}
    about = {"name": recipe.name, "seed": seed, "losses": np.array(losses), "seconds": spent}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with open(beside, "wb") as file:
        savez: Any = np.savez  # its stubs take no keywords but its own
        savez(file, **arrays, **{f"about/{name}": np.array(value) for name, value in about.items()})
    os.replace(beside, path)


def _resume(
    path: Path, recipe: Recipe, seed: int, model: nn.Module, optimizer: optimizers.Optimizer
) -> tuple[list[float], float]:
    try:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(
            "training-checkpoint-damaged", f"{path} cannot be read ({error}); delete it to begin anew", path=str(path)
        ) from error
    if str(arrays["about/name"]) != recipe.name or int(arrays["about/seed"]) != seed:
        raise CheckpointError(
            "training-checkpoint-other", f"{path} is a checkpoint of another run; delete it or choose another folder",
            path=str(path),
        )  # fmt: skip
    for group, take in (("model/", model.update), ("optimizer/", lambda state: setattr(optimizer, "state", state))):
        pairs = [(name[len(group) :], mx.array(value)) for name, value in arrays.items() if name.startswith(group)]
        take(tree_unflatten(pairs))
    mx.eval(model.parameters(), optimizer.state)
    return [float(loss) for loss in arrays["about/losses"]], float(arrays["about/seconds"])
