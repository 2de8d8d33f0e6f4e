"""What every optimizer shares: its state, scheduled parameters, and the walk over the tree of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import dtypes
from ..arrays import array
from ..trees import tree_map


class Optimizer:
    """Its state is a tree like the parameters', a dict at each leaf, beside ``step`` and ``learning_rate``."""

    def __init__(self, schedulers: dict[str, Callable[[array], array]] | None = None) -> None:
        self._initialized = False
        # MLX counts in uint64. A signed count has the same values, and `step - boundary` cannot wrap.
        self._state: dict[str, Any] = {"step": array(0, dtypes.int64)}
        self._schedulers = dict(schedulers or {})

    def update(self, model: Any, gradients: Any) -> None:
        """One step: the model takes its new parameters."""
        model.update(self.apply_gradients(gradients, model))

    def init(self, parameters: Any) -> None:
        """Makes the state for these parameters; otherwise the first step does."""
        _match(parameters, self._state)
        tree_map(
            lambda parameter, state: self.init_single(parameter, state) if not state else None, parameters, self._state
        )
        self._initialized = True

    def init_single(self, parameter: Any, state: dict[str, Any]) -> None:
        raise NotImplementedError

    def apply_gradients(self, gradients: Any, parameters: Any) -> Any:
        """The new parameters, as a tree of the gradients' form; ``parameters`` may hold more."""
        if not self._initialized:
            self.init(gradients)
        for name, scheduler in self._schedulers.items():
            self.state[name] = scheduler(self.step)
        self.state["step"] = self.step + 1
        return tree_map(self.apply_single, gradients, parameters, self.state)

    def apply_single(self, gradient: Any, parameter: Any, state: dict[str, Any]) -> Any:
        raise NotImplementedError

    @property
    def state(self) -> dict[str, Any]:
        return self._state

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._initialized = False
        self._state = state

    @property
    def step(self) -> Any:
        """How many steps have been taken."""
        return self.state["step"]

    @property
    def learning_rate(self) -> Any:
        return self.state["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.state["learning_rate"] = array(learning_rate)

    def _maybe_schedule(self, name: str, value: Any) -> None:
        """Keeps ``value``; a function of the step is called anew at every step."""
        if callable(value):
            self._schedulers[name] = value
            self.state[name] = value(self.step)
        else:
            self.state[name] = array(value)


def _match(parameters: Any, state: Any) -> Any:
    """``state`` with an empty dict for each parameter that it lacks."""
    if isinstance(parameters, (list, tuple)):
        states = [_match(parameter, known) for parameter, known in zip(parameters, state, strict=False)]
        states.extend(tree_map(lambda _: {}, parameters[len(states) :]))
        return type(parameters)(states)
    if isinstance(parameters, dict):
        for key, value in parameters.items():
            state[key] = _match(value, state[key]) if key in state else tree_map(lambda _: {}, value)
    return state
