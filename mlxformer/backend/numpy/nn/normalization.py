"""Normalizing layers."""

from __future__ import annotations

from typing import Any

from ..creation import ones, zeros
from ..elementwise import rsqrt, stop_gradient
from ..norms import layer_norm, rms_norm
from ..operands import operand
from ..reductions import mean, var
from .module import Module


def _positive(name: str, eps: float) -> float:
    if eps <= 0:
        raise ValueError(f"[{name}] 'eps' must be positive but got {eps}.")
    return eps


class LayerNorm(Module):
    """(x − mean) / √(var + eps) · weight + bias over the last axis (Ba et al. 2016)."""

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.eps = _positive("LayerNorm", eps)
        self.dims = dims
        if affine:
            self.weight = ones((dims,))
            if bias:
                self.bias = zeros((dims,))

    def _extra_repr(self) -> str:
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: Any) -> Any:
        return layer_norm(x, self.get("weight"), self.get("bias"), self.eps)


class RMSNorm(Module):
    """x / √(mean(x²) + eps) · weight over the last axis (Zhang & Sennrich 2019)."""

    def __init__(self, dims: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = _positive("RMSNorm", eps)
        self.weight = ones((dims,))

    def _extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, eps={self.eps}"

    def __call__(self, x: Any) -> Any:
        return rms_norm(x, self["weight"], self.eps)


class BatchNorm(Module):
    """Each feature (the last axis) normalized over all other axes (Ioffe & Szegedy 2015).

    In training by the batch's own mean and variance, of which running averages are kept for evaluation.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.eps = _positive("BatchNorm", eps)
        self.num_features = num_features
        self.momentum = momentum
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = ones((num_features,))
            self.bias = zeros((num_features,))
        if track_running_stats:
            self.running_mean = zeros((num_features,))
            self.running_var = ones((num_features,))
            self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def unfreeze(self, *args: Any, **kwargs: Any) -> Any:
        """As ``Module.unfreeze``, but the running averages stay frozen."""
        super().unfreeze(*args, **kwargs)
        self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def _extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={'weight' in self}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def __call__(self, x: Any) -> Any:
        x = operand(x)
        if not 2 <= x.ndim <= 4:
            raise ValueError(f"Expected input tensor to have 2, 3 or 4 dimensions, but got {x.ndim}")
        axes = tuple(range(x.ndim - 1))
        if self.training and x.size == x.shape[-1]:
            raise ValueError("BatchNorm training requires more than one value per channel.")
        if self.training or not self.track_running_stats:
            center, spread = mean(x, axes), var(x, axes)
        else:
            center, spread = self["running_mean"], self["running_var"]
        if self.training and self.track_running_stats:
            mu = self.momentum
            # Without stop_gradient the layer would keep the tape of this step alive.
            self.running_mean = (1 - mu) * self["running_mean"] + mu * stop_gradient(center)
            self.running_var = (1 - mu) * self["running_var"] + mu * stop_gradient(var(x, axes, ddof=1))
        x = (x - center) * rsqrt(spread + self.eps)
        return self.weight * x + self.bias if "weight" in self else x
