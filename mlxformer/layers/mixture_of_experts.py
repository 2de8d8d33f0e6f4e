"""A mixture of experts in the feed-forward layer's place: many of them are kept, few of them read each token.

    y = Σ_{e ∈ top k} g_e(x) E_e(x),   p(x) = softmax(x W_r)       (Shazeer et al. 2017, §2; Fedus et al. 2021, §2.1)

The gates g are the k largest of p, shared out anew so that they add up to 1 (Shazeer's softmax over the top k logits,
Mixtral), or left as they are (Switch, k = 1: else its one gate were always 1 and the router had no gradient). Each
expert E_e is a ``FeedForward``. Parameters grow with the number of experts E, the operations for a token with k.

Shared experts read every token beside them (DeepSeekMoE, 2024, §3.2). With ``scoring="sigmoid"`` and a balance bias b,
DeepSeek-V3's router (2024, §2.1.2): s = σ(x W_r), the k largest of s + b are chosen, and the gates are s of the chosen,
shared out anew. b follows the load by ``balance_bias_step`` and has no gradient: it moves who is chosen and no gate.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlxformer.axes import MODEL
from mlxformer.backend import is_evaluable, mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.origins import Function, Softmax, projection
from mlxformer.tracing import Module, tap
from mlxformer.validation import (
    is_whole,
    require_choice,
    require_floating,
    require_positive,
    require_positive_number,
    require_sequence,
    require_shape,
)


class MixtureOfExperts(Module):
    """E feed-forward layers and a router that sends each token to ``top_k`` of them; C -> C.

    No token is dropped: there is no capacity, and no noise on the logits.

    Args:
        dims: C.
        ffn_dims: F, of each expert.
        num_experts: E.
        top_k: how many experts read a token, at most E; 2 by default.
        normalize_gates: whether the chosen probabilities are divided by their sum (True, as in Mixtral) or stay as they
            are (Switch).
        activation: of the experts; ``relu`` by default.
        bias: whether the experts' projections have one, True by default; the router has none.
        num_shared_experts: how many experts more read every token, with gate 1; 0 by default.
        scoring: of the router, ``"softmax"`` over the experts or ``"sigmoid"`` of each alone (DeepSeek-V3).
        balance_bias: whether there is a bias [E] of the choice, zeros at first and frozen; ``balance_bias_step`` gives
            the next. False by default.

    Raises:
        ArgumentError: where top_k exceeds the experts, a scoring that there is not, a negative number of shared
            experts; when called, for inputs of another kind, rank or width.

    Source: Shazeer et al. 2017, §2; Fedus et al. 2021, §2.1; DeepSeekMoE, 2024, §3; DeepSeek-V3, 2024, §2.1.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> layer = mf.MixtureOfExperts(8, 16, num_experts=4, top_k=1)
    >>> layer(mx.ones((1, 3, 8))).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        dims: int,
        ffn_dims: int,
        num_experts: int,
        top_k: int = 2,
        *,
        normalize_gates: bool = True,
        activation: str = "relu",
        bias: bool = True,
        num_shared_experts: int = 0,
        scoring: Literal["softmax", "sigmoid"] = "softmax",
        balance_bias: bool = False,
    ) -> None:
        super().__init__()
        require_positive(num_experts=num_experts, top_k=top_k)
        if top_k > num_experts:
            raise ArgumentError(
                "too-few-experts",
                f"top_k = {top_k} experts cannot be chosen of {num_experts}; top_k goes from 1 to num_experts",
                top_k=top_k,
                experts=num_experts,
            )
        require_choice("scoring", scoring, ("softmax", "sigmoid"))
        if not is_whole(num_shared_experts, 0):
            message = f"num_shared_experts must be a whole number of at least 0; got {num_shared_experts!r}"
            raise ArgumentError("shared-experts", message, given=num_shared_experts)
        self.dims, self.num_experts, self.top_k, self.scoring = dims, num_experts, top_k, scoring
        self.normalize_gates = normalize_gates
        self.router = nn.Linear(dims, num_experts, bias=False)
        self.experts = [FeedForward(dims, ffn_dims, activation=activation, bias=bias) for _ in range(num_experts)]
        if num_shared_experts:
            self.shared_experts = [
                FeedForward(dims, ffn_dims, activation=activation, bias=bias) for _ in range(num_shared_experts)
            ]
        if balance_bias:
            self.balance_bias = mx.zeros((num_experts,))
            self.freeze(recurse=False, keys=["balance_bias"])

    def _extra_repr(self) -> str:
        shared = f", num_shared_experts={len(self.shared_experts)}" if "shared_experts" in self else ""
        return f"dims={self.dims}, num_experts={self.num_experts}, top_k={self.top_k}{shared}"

    def __call__(self, x: mx.array) -> mx.array:
        """The gated sum of what the chosen experts make of each token.

        A trace shows the router's ``probabilities``, the ``chosen`` experts and ``gates``.

        Only chosen experts run, each once, on all of its tokens. Inside ``mx.compile``, where the choice cannot be
        read, each expert runs on every token and the gates of the others are 0: the same numbers for more work.

        Args:
            x: floating point [B, T, C].

        Returns:
            [B, T, C].
        """
        require_sequence("x", x, self.dims)
        tokens = x.reshape(-1, self.dims)  # [N, C]
        _, chosen, gates = self.route(tokens)
        combine = self._grouped if is_evaluable(chosen) else self._every
        y = combine(tokens, chosen, gates).reshape(*x.shape)
        for expert in self.shared_experts if "shared_experts" in self else ():
            y = y + expert(x)
        return tap("output", y, axes=MODEL, formula="Σ g_e E_e(x)")

    def route(self, tokens: mx.array) -> tuple[mx.array, mx.array, mx.array]:
        """Which experts read each token.

        Args:
            tokens: floating point [N, C].

        Returns:
            All probabilities (or sigmoids), float32 [N, E], the experts chosen, int32 [N, k], best first, and their
                gates, float32 [N, k].
        """
        axes = ("token", "expert")
        logits = tap(
            "logits",
            self.router(tokens),
            axes=axes,
            formula="x W_r",
            of=lambda: projection(tokens, self.router, "W_r", "tc,ec->te"),
        )
        wide = logits.astype(mx.float32)
        softmax = self.scoring == "softmax"
        p = tap(
            "probabilities",
            mx.softmax(wide, axis=-1) if softmax else mx.sigmoid(wide),
            axes=axes,
            formula=f"{self.scoring}(x W_r)",
            of=lambda: Softmax(logits) if softmax else Function("sigmoid", logits),
        )
        rank = mx.stop_gradient(p + self.balance_bias if "balance_bias" in self else logits)
        order = mx.argsort(-rank, axis=-1)[:, : self.top_k].astype(mx.int32)
        chosen = tap("chosen", order, axes=("token", "choice"), formula="the k largest")
        gates = mx.take_along_axis(p, chosen, axis=-1)
        if self.normalize_gates:
            gates = gates / mx.sum(gates, axis=-1, keepdims=True)
        formula = "p of the chosen / their sum" if self.normalize_gates else "p of the chosen"
        return p, chosen, tap("gates", gates, axes=("token", "choice"), formula=formula)

    def _grouped(self, tokens: mx.array, chosen: mx.array, gates: mx.array) -> mx.array:
        """Tokens sorted by expert, each expert on its own slice, and the outputs put back in the tokens' order."""
        experts = to_numpy(chosen).reshape(-1)  # [N·k]
        order = np.argsort(experts, kind="stable")
        ends = np.cumsum(np.bincount(experts, minlength=self.num_experts))
        back = np.empty(len(order), np.int32)
        back[order] = np.arange(len(order), dtype=np.int32)
        sorted_tokens = mx.take(tokens, mx.array((order // self.top_k).astype(np.int32)), axis=0)  # [N·k, C]
        outputs, start = [], 0
        for expert, end in zip(self.experts, ends.tolist(), strict=True):
            if end > start:
                outputs.append(expert(mx.expand_dims(sorted_tokens[start:end], 0))[0])
            start = end
        y = mx.take(mx.concatenate(outputs, axis=0), mx.array(back), axis=0)  # [N·k, C]
        gated = y.reshape(-1, self.top_k, self.dims) * mx.expand_dims(gates, -1)  # float32 [N, k, C]
        return mx.sum(gated, axis=1).astype(tokens.dtype)  # [N, C]

    def _every(self, tokens: mx.array, chosen: mx.array, gates: mx.array) -> mx.array:
        numbers = mx.arange(self.num_experts).reshape(1, 1, -1)
        share = mx.sum(
            mx.where(mx.expand_dims(chosen, -1) == numbers, mx.expand_dims(gates, -1), 0.0), axis=1
        )  # [N, E]
        outputs = mx.stack([expert(mx.expand_dims(tokens, 0))[0] for expert in self.experts], axis=1)  # [N, E, C]
        return mx.sum(outputs * mx.expand_dims(share, -1), axis=1).astype(tokens.dtype)


def load_balancing_loss(probabilities: mx.array, chosen: mx.array) -> mx.array:
    """``E Σ_e f_e P_e``: 1 where load and probability are even, E where one expert gets all.

    f_e is the share of the N·k places that expert e fills, P_e the mean of its probability. f has no gradient (it
    counts), P has: the loss lowers the probability of the busy experts. The paper adds it with the factor α = 0.01.

    Args:
        probabilities: floating point [N, E], of ``MixtureOfExperts.route``.
        chosen: the experts of each token, int32 [N, k].

    Returns:
        A scalar, float32.

    Raises:
        ArgumentError: for shapes that do not fit.

    Source: Fedus et al. 2021, §2.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> float(mf.load_balancing_loss(mx.full((2, 2), 0.5), mx.array([[0], [1]])))
    1.0
    """
    require_floating("probabilities", probabilities)
    require_shape("probabilities", probabilities, ("token", "expert"))
    require_shape("chosen", chosen, ("token", "choice"), (probabilities.shape[0], None))
    experts = probabilities.shape[1]
    hits = mx.expand_dims(mx.stop_gradient(chosen), -1) == mx.arange(experts).reshape(1, 1, -1)  # [N, k, E]
    filled = mx.mean(hits.astype(mx.float32), axis=(0, 1))  # f [E]
    return experts * mx.sum(filled * mx.mean(probabilities.astype(mx.float32), axis=0))


def balance_bias_step(balance_bias: mx.array, chosen: mx.array, rate: float) -> mx.array:
    """``b + u · sign(mean load − load)``: up for experts that were chosen too seldom, down for those too often.

    Outside of the gradient, after each step of training; the loss is not touched.

    Args:
        balance_bias: b, float32 [E].
        chosen: the experts of each token of the batch, int32 [N, k], of ``MixtureOfExperts.route``.
        rate: u, above 0; 0.001 in DeepSeek-V3.

    Returns:
        The next b, float32 [E]; an expert with the mean load keeps its own.

    Raises:
        ArgumentError: shapes that do not fit, and a rate not above 0.

    Source: Wang et al. 2024, "Auxiliary-Loss-Free Load Balancing Strategy for Mixture-of-Experts", algorithm 1.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.mixture_of_experts import balance_bias_step
    >>> balance_bias_step(mx.zeros((2,)), mx.array([[0], [0], [1]]), 0.5).tolist()
    [-0.5, 0.5]
    """
    require_floating("balance_bias", balance_bias)
    require_shape("balance_bias", balance_bias, ("expert",))
    require_shape("chosen", chosen, ("token", "choice"))
    require_positive_number("rate", rate)
    hits = mx.expand_dims(chosen, -1) == mx.arange(balance_bias.shape[0]).reshape(1, 1, -1)  # [N, k, E]
    load = mx.sum(hits.astype(mx.float32), axis=(0, 1))
    return balance_bias + float(rate) * mx.sign(mx.mean(load) - load)
