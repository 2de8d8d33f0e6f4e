"""The three stacks, of random weights, each as its family has it, on embedded tokens; and one changed step by step."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.inspection.flops import count_layer_flops
from tui.experiments.contract import Report, silent
from tui.experiments.leak_tester.models import influence
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, embed, load

WIDTH, HEADS, HIDDEN, LAYERS = 32, 4, 128, 2
COUNTED = 16  # tokens on either side where operations are counted


class Families(mf.Module):
    """``bert``: an encoder; ``gpt``: a causal stack of the same weights; ``encoder``, ``decoder`` and biases: T5."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = np.random.default_rng([seed, 11])

        def made(stack: Any) -> Any:
            return load(stack, draw(generator, stack))

        sizes = (LAYERS, WIDTH, HEADS, HIDDEN)
        self.bert = made(mf.Encoder(*sizes, mf.LayerConfig(activation="gelu")))
        same = dict(tree_flatten(self.bert.parameters()))
        self.gpt = mf.CausalStack(*sizes, mf.LayerConfig(activation="gelu"))
        self.gpt.load_weights(list(same.items()))
        self.gpt.eval()
        t5 = mf.LayerConfig(norm="pre", attention_bias=False)
        self.encoder = made(mf.Encoder(*sizes, t5))
        self.decoder = made(mf.Decoder(*sizes, t5))
        self.source_bias = made(mf.T5RelativeBias(HEADS))
        self.target_bias = made(mf.T5RelativeBias(HEADS, bidirectional=False))

    def run_t5(self, x: np.ndarray, sources: int, *, mask: Any = "causal") -> Any:
        """x [B, Ts + Tt, C], the source first -> [B, Tt, C]."""
        source, target = mx.array(x[:, :sources]), mx.array(x[:, sources:])
        memory = self.encoder(source, bias=self.source_bias(sources, sources))
        targets = x.shape[1] - sources
        return self.decoder(target, memory, mask, bias=self.target_bias(targets, targets))


@kept(size=4)
def families_of(seed: int) -> Families:
    return Families(seed)


@kept()
def of_one_stack(name: str, tokens: tuple[str, ...], seed: int, causal: bool, *, report: Report = silent) -> np.ndarray:
    """The influence of each token on each output of BERT or GPT."""
    stack = getattr(families_of(seed), name)
    mask = "causal" if causal else None
    return influence(lambda x: stack(mx.array(x), mask=mask), placed(list(tokens), seed), seed, report)


@kept()
def of_pair(
    source: tuple[str, ...], target: tuple[str, ...], seed: int, mask: str | None, *, report: Report = silent
) -> np.ndarray:
    """The influence of each token of source and target on each output of T5."""
    x, families = embed([*source, *target], WIDTH, seed), families_of(seed)
    return influence(lambda x: families.run_t5(x, len(source), mask=mask), x, seed, report)


def changed_alone(families: Families, tokens: list[str], seed: int, unchanged: Collection[str]) -> dict[str, float]:
    """BERT's stack with one thing as another family has it, its weights kept: ‖y' − y‖ / ‖y‖ of the outputs."""
    x = mx.array(placed(tokens, seed))[None]
    bare = mx.array(embed(tokens, WIDTH, seed))[None]
    moved = mf.Encoder(LAYERS, WIDTH, HEADS, HIDDEN, mf.LayerConfig(activation="gelu", norm="pre"))
    moved.load_weights(list(dict(tree_flatten(families.bert.parameters())).items()), strict=False)
    moved.eval()
    own = to_numpy(families.bert(x))
    arms = {
        "mask": lambda: families.bert(x, "causal"),
        "norm": lambda: moved(x),
        "positions": lambda: families.bert(bare, bias=families.source_bias(len(tokens), len(tokens))),
    }
    return {
        name: 0.0 if name in unchanged else float(np.linalg.norm(to_numpy(run()) - own) / np.linalg.norm(own))
        for name, run in arms.items()
    }


def placed(tokens: list[str], seed: int) -> np.ndarray:
    """Embedded, with sinusoidal positions: [T, C]. T5 has no such positions; its biases are in its attention."""
    return embed(tokens, WIDTH, seed) + np.array(mf.sinusoidal_positions(len(tokens), WIDTH), np.float32)


def matrices(*modules: Any) -> int:
    """The parameters in matrices, those of the relative biases left out."""
    named: list[Any] = [pair for module in modules for pair in list(tree_flatten(module.parameters()))]
    found = [value for _, value in named]
    return sum(int(value.size) for value in found if value.ndim == 2)


def operations(families: Families, *, encoder_only: bool) -> tuple[int, int]:
    """Of T5 on COUNTED source and target tokens, and of GPT on both in one row."""
    x = np.ones((2 * COUNTED, WIDTH), np.float32)
    with mf.trace() as t5:
        if encoder_only:
            families.encoder(mx.array(x[:COUNTED])[None])
        else:
            families.run_t5(x[None], COUNTED)
    with mf.trace() as gpt:
        families.gpt(mx.array(x)[None])
    return count_layer_flops(t5), count_layer_flops(gpt)
