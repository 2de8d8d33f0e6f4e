"""The operations that the layers of one traced run really took, read off the shapes that passed."""

from __future__ import annotations

from mlxformer.tracing import Trace


def count_layer_flops(steps: Trace) -> int:
    """Floating-point operations of all matrix products in attention and feed-forward, a multiply-add being 2.

    Every call counts, also the second to Nth of a layer that is used N times. An encoder layer on n tokens takes
    8 n d² + 4 n² d + 4 n d F, the last being 6 n d F where it is gated. Softmax, norms, activations and the embedding
    are not counted. A self-attention that reads keys and values from a cache is counted with the projections of its new
    tokens alone; one that reads a static cache (cross-attention) counts as if it had projected them.

    Args:
        steps: a closed trace.

    Returns:
        Operations.

    Raises:
        TraceError: a trace without such layers.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.flops import count_layer_flops
    >>> with mf.trace() as steps:
    ...     y = mf.Encoder(1, 8, 2, 16)(mx.ones((1, 5, 8)))
    >>> count_layer_flops(steps) == 8 * 5 * 8**2 + 4 * 5**2 * 8 + 4 * 5 * 8 * 16
    True
    """
    total = 0
    for step in steps:
        holder, _, name = step.path.rpartition(".")

        def beside(other: str, holder: str = holder, call: int = step.call) -> tuple[int, ...]:
            return steps.all(f"{holder}.{other}" if holder else other)[call].kept.shape

        size = step.kept.size
        if name in ("queries", "keys", "values"):
            if name != "queries" and holder.endswith("self_attention"):  # all that is stored was traced, the past too
                size = size // step.kept.shape[2] * beside("queries")[2]
            total += 2 * beside("output")[-1] * size  # [B, H, T, D] = X [B, T, C] times [C, H·D]
        elif name == "scores":
            total += 2 * beside("queries")[-1] * size
        elif name == "heads":
            total += 2 * beside("scores")[-1] * size
        elif name == "concatenated":
            total += 2 * size * beside("output")[-1]
        elif name == "activated":
            total += 4 * size * beside("output")[-1]  # up to F and down again
        elif name == "gated":
            total += 6 * size * beside("output")[-1]  # the gate, up and down
    if not total:
        steps.all("scores")  # names what was recorded instead
    return total
