"""Activations made again in the backward pass instead of kept: less memory, for one more forward pass.

    L layers, each keeping its input (A_in) and what is inside (A):   kept   L (A_in + A)
    in segments of k, their inputs kept alone:   kept at most   ⌈L/k⌉ A_in + k (A_in + A),   least at k = √(L A_in / A)

Forward is a third of a step (backward computes two products for each of its own), so that one more is 4/3 of the
work. Gradients are the same: dropout draws the same masks again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import wraps

from mlxformer.backend import drawing_from, mx, nn, random_state
from mlxformer.tracing import is_tracing


def recomputed(fn: Callable[..., mx.array], modules: Sequence[nn.Module] = ()) -> Callable[..., mx.array]:
    """``fn``, of whose call only the arguments are kept for the gradient: the backward pass calls it again.

    Inside a trace it is ``fn`` itself, whose steps are then recorded once.

    Args:
        fn: gives one array, and nothing else happens in it: caches would grow twice.
        modules: those it calls. Gradients go to their trainable parameters and to the arrays among the arguments, and
            to nothing that ``fn`` sees otherwise.

    Returns:
        A function of the same arguments.

    Raises:
        TraceError: when called inside ``mx.compile`` where a module drops out: the masks could not be drawn again.

    Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", §4.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> layer, x = mf.FeedForward(4, 8), mx.ones((1, 2, 4))
    >>> plain = nn.value_and_grad(layer, lambda: mx.sum(layer(x)))()[1]
    >>> again = nn.value_and_grad(layer, lambda: mx.sum(recomputed(layer, [layer])(x)))()[1]
    >>> bool(mx.allclose(plain["up_proj"]["weight"], again["up_proj"]["weight"]))
    True
    """

    @wraps(fn)
    def call(*args: object, **kwargs: object) -> mx.array:
        if is_tracing():
            return fn(*args, **kwargs)
        state = random_state() if any(map(_draws, modules)) else None
        is_again = False

        def run(parameters: list[dict[str, object]], *args: object, **kwargs: object) -> mx.array:
            nonlocal is_again
            drawing = nullcontext() if state is None or not is_again else drawing_from(state)
            is_again = True
            own = [module.trainable_parameters() for module in modules]
            try:
                with drawing:
                    for module, given in zip(modules, parameters, strict=True):
                        module.update(given)
                    return fn(*args, **kwargs)
            finally:  # what was put in belongs to this run, and other calls of the modules must not see it
                for module, before in zip(modules, own, strict=True):
                    module.update(before)

        checkpointed: Callable[..., mx.array] = mx.checkpoint(run)
        return checkpointed([module.trainable_parameters() for module in modules], *args, **kwargs)

    return call


def _draws(module: nn.Module) -> bool:
    """Whether a dropout in it is at work."""
    drops = [part for part in module.modules() if isinstance(part, nn.Dropout)]
    return any(drop.training and drop._p_1 < 1 for drop in drops)
