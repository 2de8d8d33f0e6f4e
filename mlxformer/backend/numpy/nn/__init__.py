"""``mlx.nn``, as far as the closed list goes."""

from typing import Any

from ..absent import absent
from ..elementwise import sigmoid, tanh
from . import init, losses
from .activations import (
    GELU,
    ReLU,
    Sigmoid,
    SiLU,
    Tanh,
    elu,
    gelu,
    gelu_approx,
    gelu_fast_approx,
    glu,
    leaky_relu,
    log_softmax,
    relu,
    silu,
    softmax,
    softplus,
)
from .dropout import Dropout
from .embedding import Embedding
from .gradients import value_and_grad
from .linear import Identity, Linear, Sequential
from .module import Module
from .normalization import BatchNorm, LayerNorm, RMSNorm

__all__ = [
    "GELU",
    "BatchNorm",
    "Dropout",
    "Embedding",
    "Identity",
    "LayerNorm",
    "Linear",
    "Module",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "elu",
    "gelu",
    "gelu_approx",
    "gelu_fast_approx",
    "glu",
    "init",
    "leaky_relu",
    "log_softmax",
    "losses",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
    "value_and_grad",
]


def __getattr__(name: str) -> Any:
    raise absent("nn", name)
