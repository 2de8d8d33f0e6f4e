"""torch's own encoder and decoder stacks: random ones, what they compute, and their weights under our names."""

from __future__ import annotations

from typing import Any

import numpy as np

C, H, F, LAYERS = 16, 4, 24, 2
B, TS, TT = 3, 7, 5
# kind, norm, activation, final norm (torch's norm=None in post-norm mode is ours without one)
CASES = {
    "encoder post": ("encoder", "post", "relu", False),
    "encoder post final": ("encoder", "post", "gelu", True),
    "encoder pre": ("encoder", "pre", "gelu", True),
    "decoder post": ("decoder", "post", "relu", False),
    "decoder pre": ("decoder", "pre", "gelu", True),
    "decoder pre bare": ("decoder", "pre", "relu", False),
}


def make(kind: str, norm: str, activation: str, final_norm: bool, seed: int) -> Any:
    """A torch stack in evaluation mode with every parameter drawn, biases and layer norms too."""
    import torch

    torch.manual_seed(seed)
    name = {"encoder": "TransformerEncoder", "decoder": "TransformerDecoder"}[kind]
    layer = getattr(torch.nn, f"{name}Layer")(
        C, H, F, dropout=0.0, activation=activation, batch_first=True, norm_first=norm == "pre"
    )
    options = {"enable_nested_tensor": False} if kind == "encoder" else {}
    stack = getattr(torch.nn, name)(layer, LAYERS, norm=torch.nn.LayerNorm(C) if final_norm else None, **options)
    with torch.no_grad():
        for path, parameter in stack.named_parameters():
            gain = 1.0 if "norm" in path and path.endswith("weight") else 0.0
            parameter.copy_(gain + 0.25 * torch.randn(parameter.shape))
    return stack.eval()


def inputs(seed: int) -> dict[str, np.ndarray]:
    """Source and target vectors, and which source positions are real."""
    rng = np.random.default_rng(seed)
    valid = np.ones((B, TS), bool)
    valid[1, 4:] = valid[2, 1:] = False
    return {
        "source": rng.standard_normal((B, TS, C)).astype(np.float32),
        "target": rng.standard_normal((B, TT, C)).astype(np.float32),
        "valid": valid,
    }


def run(stack: Any, kind: str, given: dict[str, np.ndarray]) -> np.ndarray:
    """What torch computes: padding of the source masked, the decoder causal."""
    import torch

    source, target = torch.tensor(given["source"]), torch.tensor(given["target"])
    hidden = torch.tensor(~given["valid"])
    with torch.no_grad():
        if kind == "encoder":
            return stack(source, src_key_padding_mask=hidden).numpy()
        ahead = torch.ones(TT, TT, dtype=torch.bool).triu(1)
        return stack(target, source, tgt_mask=ahead, memory_key_padding_mask=hidden).numpy()


def renamed(weights: dict[str, np.ndarray], kind: str) -> list[tuple[str, np.ndarray]]:
    """torch's parameters under our paths; its three projections lie in one matrix, one below the other."""
    norms = {"norm1": "self_attention_norm", "norm2": "feed_forward_norm"}
    if kind == "decoder":
        norms = {"norm1": "self_attention_norm", "norm2": "cross_attention_norm", "norm3": "feed_forward_norm"}
    spellings = {
        "self_attn": "self_attention", "multihead_attn": "cross_attention", "linear1": "feed_forward.up_proj",
        "linear2": "feed_forward.down_proj", **norms,
    }  # fmt: skip
    found = []
    for path, value in weights.items():
        for theirs, ours in spellings.items():
            path = path.replace(f".{theirs}.", f".{ours}.")
        if path.startswith("norm."):
            path = path.replace("norm.", "final_norm.")
        if ".in_proj_" in path:
            holder, _, suffix = path.partition(".in_proj_")
            for name, part in zip(("query", "key", "value"), np.split(value, 3), strict=True):
                found.append((f"{holder}.{name}_proj.{suffix}", part))
        else:
            found.append((path, value))
    return found
