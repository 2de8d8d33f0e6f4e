"""The experiments there are, by name. Reading their declarations needs no NumPy, MLX or mlxformer.

A new experiment is the package ``tui/experiments/<name>/`` and its name in ``NAMES``; nothing is found by scanning
folders, so that a stray file can neither add an experiment nor slow a start.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.experiments.contract import Experiment

# In the order in which `lab` lists them. A name has dashes where its package has underscores.
NAMES: tuple[str, ...] = (
    "attention-steps",
    "score-functions",
    "influence",
    "weight-and-effect",
    "qkv",
    "tied-projections",
    "static-mixing",
    "heads",
    "head-ablation",
    "scaling",
    "explosion-court",
    "recurrent-gradients",
    "bottleneck",
    "kv-cache",
    "weight-sharing",
    "bert-ledger",
    "layer-cost",
    "leak-tester",
    "padding",
    "head-width",
    "linearity",
    "mixture-of-experts",
    "grouped-queries",
    "flash-attention",
    "quantisation",
    "long-text",
    "sinusoids",
    "rotary",
    "relative-bias",
    "layer-norm",
    "norm-placement",
    "warm-up",
    "decoupled-decay",
    "packing",
    "mixed-precision",
    "training-memory",
    "preferences",
    "dropout-places",
    "rank-collapse",
    "feed-forward",
    "embedding-scale",
    "cross-encoder",
    "teacher-forcing",
    "label-smoothing",
    "beam-search",
    "subword-training",
    "token-granularity",
    "target-attention",
    "linear-attention",
    "attention-gallery",
    "take-apart",
    "attention-sinks",
    "induction",
    "three-families",
    "training-signal",
    "masking-rate",
    "encoder-half",
    "next-sentence",
    "cls-vector",
    "fine-tuning",
    "contrastive",
    "lora",
    "decoder-only",
    "prefill-decode",
    "paged-cache",
    "speculative",
    "perplexity",
    "rope-scaling",
    "latent-attention",
    "window-hybrids",
    "bounded-scores",
    "expert-balance",
    "delta-rule",
)


@cache
def declared(name: str) -> Experiment:
    """The experiment of that name, which must be one of ``NAMES``: its declaration alone is read."""
    module = importlib.import_module(f"tui.experiments.{name.replace('-', '_')}.declaration")
    experiment: Experiment = module.EXPERIMENT
    if experiment.name != name:
        raise ValueError(f"{module.__name__} declares {experiment.name!r}; the catalogue lists it as {name!r}")
    return experiment


@cache
def catalogue() -> dict[str, Experiment]:
    """Every declared experiment by its name, in the order of ``NAMES``."""
    return {name: declared(name) for name in NAMES}


def takes_long(name: str) -> bool:
    """Whether a screen opens it with numbers that were measured beforehand, which lie beside it."""
    return (Path(__file__).parent / name.replace("-", "_") / "beforehand.json").exists()
