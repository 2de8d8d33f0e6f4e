"""The tasks there are, by name, and the frameworks they can be written in. Needs no array library."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from tui.judge.contract import Task

Framework = Literal["numpy", "torch", "mlx"]
FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)
NAMES = (
    "softmax",
    "cross-entropy",
    "attention",
    "multi-head-attention",
    "kv-cache",
    "grouped-queries",
    "rope",
    "layer-norm",
    "layer-norm-backward",
    "rms-norm",
    "top-p",
    "bpe",
    "online-softmax",
    "lora",
    "adamw",
    "causal-attention",
    "cross-attention",
    "sliding-window-attention",
    "gpt2-block",
    "encoder-layer",
    "gelu",
    "swiglu",
    "linear",
    "embedding",
    "dropout",
    "sinusoidal-positions",
    "adam",
    "cosine-schedule",
    "gradient-clipping",
    "gradient-accumulation",
    "label-smoothing",
    "top-k",
    "beam-search",
    "speculative-decoding",
    "moe",
    "int8-quantization",
    "alibi",
    "padding-mask",
    "bert-masking",
    "linear-attention",
    "dpo",
    "ppo",
    "grpo",
)
_PACKAGES: dict[str, str] = {"numpy": "numpy", "torch": "torch", "mlx": "mlx.core"}


def load_task(name: str) -> Task:
    """The task of that name: its cases, its reference and its mistakes. Imports NumPy and mlxformer."""
    module: Any = importlib.import_module(f"tui.judge.tasks.{name.replace('-', '_')}")
    task: Task = module.TASK
    return task


def is_installed(framework: Framework) -> bool:
    """Whether a framework can be imported here; found without importing it."""
    try:
        return importlib.util.find_spec(_PACKAGES[framework]) is not None
    except ModuleNotFoundError:  # of the package that it stands in
        return False
