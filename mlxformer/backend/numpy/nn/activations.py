"""Activation functions, and each as a layer; the exact GELU is with erf, in ``error_function``."""

from __future__ import annotations

import math
from typing import Any

from ..elementwise import exp, maximum, minimum, multiply, sigmoid, tanh, where
from ..elementwise import softplus as _softplus
from ..error_function import gelu
from ..operands import operand
from ..shaping import split
from ..softmaxes import log_softmax as _log_softmax
from ..softmaxes import softmax as _softmax
from .module import Module


def relu(x: Any) -> Any:
    """max(x, 0)"""
    return maximum(x, 0)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """max(slope·x, x)"""
    return maximum(multiply(x, negative_slope), x)


def gelu_approx(x: Any) -> Any:
    """0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) (Hendrycks & Gimpel 2016)"""
    x = operand(x)
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x: Any) -> Any:
    """x·σ(1.702·x)"""
    x = operand(x)
    return x * sigmoid(1.702 * x)


def silu(x: Any) -> Any:
    """x·σ(x), also called swish."""
    return multiply(x, sigmoid(x))


def softplus(x: Any) -> Any:
    """log(1 + eˣ)"""
    return _softplus(x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above zero, α·(eˣ − 1) below."""
    x = operand(x)
    return where(x > 0, x, alpha * (exp(minimum(x, 0)) - 1))


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x)"""
    return _softmax(x, axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x − log Σ exp(x)"""
    return _log_softmax(x, axis)


def glu(x: Any, axis: int = -1) -> Any:
    """a·σ(b), the two halves of x (Dauphin et al. 2017)."""
    a, b = split(x, 2, axis)
    return a * sigmoid(b)


class ReLU(Module):
    def __call__(self, x: Any) -> Any:
        return relu(x)


class SiLU(Module):
    def __call__(self, x: Any) -> Any:
        return silu(x)


class Tanh(Module):
    def __call__(self, x: Any) -> Any:
        return tanh(x)


class Sigmoid(Module):
    def __call__(self, x: Any) -> Any:
        return sigmoid(x)


class GELU(Module):
    """GELU by erf (``approx="none"``), by tanh (``"precise"`` or ``"tanh"``) or by a sigmoid (``"fast"``)."""

    _KINDS = {"none": gelu, "precise": gelu_approx, "tanh": gelu_approx, "fast": gelu_fast_approx}  # noqa: RUF012

    def __init__(self, approx: str = "none") -> None:
        super().__init__()
        if approx not in self._KINDS:
            raise ValueError(f"The approximation should be in {list(self._KINDS)} but '{approx}' was given")
        self._approx = approx

    def __call__(self, x: Any) -> Any:
        return self._KINDS[self._approx](x)
