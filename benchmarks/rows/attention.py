"""Attention, 12 heads of width 64, against torch's fused one."""

from __future__ import annotations

from functools import partial

from benchmarks.row import Row, Sides
from benchmarks.timing import timed

HEADS, WIDTH = 12, 64
AIMS = {  # tokens: full, causal
    128: (1.15, 1.1),
    512: (1.25, 0.8),
    1024: (1.15, 1.0),
    4096: (1.15, 1.1),
}


def _attention(tokens: int, causal: bool, with_peer: bool) -> Sides:
    import numpy as np

    import mlxformer as mf
    from benchmarks.models import require_same
    from mlxformer.backend import mx

    given = np.random.default_rng(0).normal(size=(3, 1, HEADS, tokens, WIDTH)).astype("float32")
    q, k, v = (mx.array(part) for part in given)

    def ours() -> mx.array:
        out = mf.scaled_dot_product_attention(q, k, v, mask="causal" if causal else None)
        mx.eval(out)
        return out

    if not with_peer:
        return Sides(timed(ours))
    import torch

    tq, tk, tv = (torch.from_numpy(part) for part in given)

    def peer() -> object:
        with torch.inference_mode():
            return torch.nn.functional.scaled_dot_product_attention(tq, tk, tv, is_causal=causal).numpy()

    require_same(ours(), peer())
    return Sides(timed(ours), timed(peer))


ROWS = tuple(
    Row(f"attention-{tokens}{'-causal' * causal}",
        f"attention 12 × 64, {tokens} tokens, {'causal' if causal else 'full'}",
        AIMS[tokens][causal], partial(_attention, tokens, causal), "torch's fused attention", needs=("torch",))
    for causal in (False, True)
    for tokens in AIMS
)  # fmt: skip
