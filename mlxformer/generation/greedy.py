"""Writing token by token: greedy search takes the most probable, and sampling draws, in the same loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mlxformer.generation.rules import (
    NextLogits,
    SearchRules,
    Start,
    checked_logits,
    constrain,
    has_ended,
    log_softmax,
)

Choose = Callable[[np.ndarray], np.ndarray]  # scores [N, V] -> int [N]


def write(
    next_logits: NextLogits, start: Start, rules: SearchRules, choose: Choose
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The next token of each row, step by step, until every row has ended.

    Args:
        next_logits: the decoder.
        start: what the rows begin with.
        rules: those of a search.
        choose: the token of each row, by the scores that the rules left.

    Yields:
        int32 [N], padding where a row had ended, and the model's own log-probability of each, float64 [N], 0 there.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.greedy import write
    >>> from mlxformer.generation.rules import SearchRules, Start
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=2)
    >>> steps = write(model.start_decoding(ids), Start.of(1, rules), rules, most_probable)
    >>> [log_p.shape for _, log_p in steps]
    [(1,)]
    """
    sequences = start.ids
    running = start.room(rules, sequences.shape[1]) > 0
    while running.any():
        width = sequences.shape[1]
        logits = checked_logits(next_logits(sequences), width)
        chosen = choose(constrain(logits, sequences, rules, start))
        own = np.take_along_axis(log_softmax(logits), chosen[:, None].astype(np.int64), axis=-1)[:, 0]
        tokens = np.where(running, chosen, rules.pad_id).astype(np.int32)
        sequences = np.concatenate([sequences, tokens[:, None]], axis=1)
        yield tokens, np.where(running, own.astype(np.float64), 0.0)
        running = running & ~has_ended(sequences, rules) & (start.room(rules, width + 1) > 0)


def collected(steps: Iterator[tuple[np.ndarray, np.ndarray]], start: Start) -> tuple[np.ndarray, np.ndarray]:
    """What ``write`` wrote, as whole sequences and their log-probabilities.

    Args:
        steps: of ``write``.
        start: what the rows begin with.

    Returns:
        int32 [N, T], and float64 [N].

    >>> from mlxformer.generation.greedy import collected
    >>> from mlxformer.generation.rules import Start
    >>> collected(iter([(np.array([7]), np.array([-0.5]))]), Start(np.array([[1]])))
    (array([[1, 7]]), array([-0.5]))
    """
    columns, total = [start.ids], np.zeros(len(start.ids))
    for tokens, log_p in steps:
        columns.append(tokens[:, None])
        total = total + log_p
    return np.concatenate(columns, axis=1), total


def most_probable(scores: np.ndarray) -> np.ndarray:
    """The token of the highest score, of equals the first.

    Args:
        scores: [N, V].

    Returns:
        int [N].

    >>> from mlxformer.generation.greedy import most_probable
    >>> most_probable(np.array([[0.0, 2.0, 2.0]])).tolist()
    [1]
    """
    return scores.argmax(axis=-1)


def greedy_search(next_logits: NextLogits, batch: int, rules: SearchRules, start: Start | None = None) -> np.ndarray:
    """The most probable next token, until every row has ended.

    Args:
        next_logits: the decoder, ``model.start_decoding(ids)``.
        batch: how many sources it has.
        rules: those of the search.
        start: what the rows begin with; None means the start token.

    Returns:
        int32 [B, T]; a finished row goes on with padding.

    Raises:
        ArgumentError: logits that are not numbers, rules that leave no token.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.greedy import greedy_search
    >>> from mlxformer.generation.rules import SearchRules
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=4)
    >>> greedy_search(model.start_decoding(ids), 1, rules)[:, 0].tolist()  # the start token
    [1]
    """
    start = Start.of(batch, rules) if start is None else start
    return collected(write(next_logits, start, rules, most_probable), start)[0]
