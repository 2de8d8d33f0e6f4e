"""One call of ``generate`` made ready: its options checked, held against each other and against the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.generation.greedy import Choose, most_probable
from mlxformer.generation.rules import SearchRules, Start
from mlxformer.generation.sampling import SamplingRules, drawing
from mlxformer.validation import is_whole, require_positive


@dataclass(frozen=True, eq=False)
class Plan:
    """One call of ``generate``, its arguments checked.

    Args:
        rules: of the search.
        choose: how the next token is chosen; None means by beam search.
        start: what the sequences begin with, a row for each of the batch.
        rows_each: how many rows of the decoder each of the batch has.
        results_each: how many results each has.

    >>> import mlxformer as mf
    >>> from mlxformer.generation.plan import make_plan
    >>> from mlxformer.generation.rules import Start
    >>> model = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16))
    >>> options = {"max_length": 4, "temperature": 0.8, "num_return_sequences": 3}
    >>> plan = make_plan(model, Start(np.zeros((1, 0), np.int32)), options)
    >>> plan.rows_each, plan.results_each
    (3, 3)
    """

    rules: SearchRules
    choose: Choose | None
    start: Start
    rows_each: int
    results_each: int


class Writing(Protocol):
    """What a plan asks of a model; ``GenerativeModel`` says what each is.

    >>> import mlxformer as mf
    >>> from mlxformer.generation.plan import Writing
    >>> model: Writing = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16))
    >>> model._rules({"max_length": 4}).max_length
    4
    """

    default_new_tokens: ClassVar[int | None]

    def _rules(self, given: dict[str, Any]) -> SearchRules: ...

    def _started(self, start: Start, rules: SearchRules) -> Start: ...

    def _check_max_length(self, max_length: int) -> None: ...


def make_plan(model: Writing, start: Start, options: Mapping[str, Any]) -> Plan:
    """What ``generate`` was asked for, checked.

    Args:
        model: which knows its own rules and limits.
        start: what the sequences begin with, by the user.
        options: of ``generate``, by name; those that are None were not given.

    Returns:
        The plan.

    Raises:
        ArgumentError: options that cannot be or that contradict each other.

    >>> import mlxformer as mf
    >>> model = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16))
    >>> make_plan(model, Start(np.array([[1, 7]], np.int32)), {"max_new_tokens": 5}).rules.max_length
    7
    """
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if "max_new_tokens" in given and "max_length" in given:
        message = "max_length and max_new_tokens say the same thing; give one of them"
        raise ArgumentError("lengths-both", message)
    new = None if "max_length" in given else given.pop("max_new_tokens", model.default_new_tokens)
    if new is not None:
        require_positive(max_new_tokens=new)
        start = replace(start, max_new_tokens=int(new))
        given["max_length"] = start.ids.shape[1] + 1 + int(new)  # with the start token, if there is one to come
    results = given.pop("num_return_sequences", 1)
    require_positive(num_return_sequences=results)
    sampling: dict[str, Any] = {
        name: given.pop(name) for name in ("temperature", "top_k", "top_p", "min_p", "seed") if name in given
    }
    choose = _choice(sampling)
    if choose is not None and given.setdefault("num_beams", 1) != 1:
        message = "temperature draws tokens and num_beams searches for the best: give one of the two"
        raise ArgumentError("sampling-beams", message, given=given["num_beams"])
    if "stop_sequences" in given:
        given["stop_sequences"] = _as_lists(given["stop_sequences"])
    rules = model._rules(given)
    if choose is None and results > rules.num_beams:
        raise ArgumentError(
            "too-many-results",
            f"num_return_sequences={results}, but {rules.num_beams} beam{'s' * (rules.num_beams > 1)} can give no "
            f"more than that many results: raise num_beams, or draw them with a temperature",
            given=results,
            num_beams=rules.num_beams,
        )
    start = model._started(start, rules)
    width = start.ids.shape[1]
    if start.max_new_tokens is not None:
        rules = replace(rules, max_length=width + start.max_new_tokens)
    room = start.room(rules, width)
    if width > 1 and np.min(room) < 1:
        raise ArgumentError(
            "no-room",
            f"max_length={rules.max_length} leaves no room after the {width} tokens that are there: raise it, or "
            f"give max_new_tokens",
            max_length=rules.max_length,
            given=width,
        )
    model._check_max_length(int(np.max(np.sum(start.ids >= 0, axis=1) + room)))
    if choose is None and rules.num_beams == 1:
        choose = most_probable
    rows = results if choose is not None else rules.num_beams
    return Plan(rules, choose, start, rows, results)


def _choice(sampling: dict[str, Any]) -> Choose | None:
    """How tokens are drawn, by what of ``temperature``, ``top_k``, ``top_p``, ``min_p`` and ``seed`` was given."""
    temperature = sampling.pop("temperature", None)
    seed = sampling.pop("seed", None)
    if temperature is None or temperature == 0:
        asked = [*sampling, *(["seed"] if seed is not None else [])]
        if asked:
            raise ArgumentError(
                "sampling-without-temperature",
                f"{', '.join(asked)}: without a temperature nothing is drawn, the most probable token is taken. Give "
                f"temperature=1.0 too, or leave {'it' if len(asked) == 1 else 'them'} out",
                asked=asked,
            )
        return None
    if seed is not None and not is_whole(seed, 0):
        raise ArgumentError("seed", f"seed must be a whole number of at least 0; got {seed!r}", given=seed)
    return drawing(SamplingRules(temperature=temperature, **sampling), np.random.default_rng(seed))


def _as_lists(stops: Any) -> Any:
    """Lists of ids as tuples; what is something else is left for ``SearchRules`` to refuse."""
    if not isinstance(stops, list | tuple):
        return stops
    return tuple(tuple(stop) if isinstance(stop, list | tuple) else stop for stop in stops)
