"""The LSTM's forget gates once more, by a plain float64 loop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def forget_product(weights: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """∏_t f_t of an LSTM cell with ``weights`` run on x [T, C] from zeros: [H]. Gates are stacked i, f, g, o."""
    into, bias, back = (
        np.asarray(weights[name], np.float64) for name in ("input_proj.weight", "input_proj.bias", "hidden_proj.weight")
    )
    width = back.shape[1]
    hidden, cell, product = np.zeros(width), np.zeros(width), np.ones(width)
    for inputs in np.asarray(x, np.float64):
        i, f, g, o = (into @ inputs + bias + back @ hidden).reshape(4, width)
        keep = _sigmoid(f)
        cell = keep * cell + _sigmoid(i) * np.tanh(g)
        hidden = _sigmoid(o) * np.tanh(cell)
        product = product * keep
    return product


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
