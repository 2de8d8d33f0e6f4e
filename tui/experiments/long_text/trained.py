"""A small BERT taught to find one deciding token, asked by each way of cutting a text that is too long for it.

All lengths are an eighth of BERT's: 64 positions for 512, texts of 250 tokens for 2000, head 16 and tail 46 of 62.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy
from mlxformer.models.bert.pooling import pool
from tui.experiments.long_text import spans
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.shared.random_weights import draw, load

POSITIONS, LENGTH, OVERLAP = 64, 250, 16
USABLE = POSITIONS - 2
VOCABULARY, CLS, SEP, DECIDING = 40, 1, 2, 3  # 4 and above are what the texts are made of
WIDTH, STEPS, BATCH, RATE = 16, 600, 16, 5e-3  # so many steps at most
LEARNED = 0.05  # the loss, averaged over about ten steps, at which training ends
ASKED = 24  # texts at each depth, half of them without the deciding token
DEPTHS = tuple(range(0, 101, 10))
WAYS: Mapping[str, Sequence[range]] = {
    "head": spans.head(LENGTH, USABLE),
    "tail": spans.tail(LENGTH, USABLE),
    "head-and-tail": [range(16), range(LENGTH - 46, LENGTH)],
    "windows": spans.windows(LENGTH, OVERLAP, USABLE),
}


class Classifier(mf.Module):
    """BERT and a matrix on the largest value of each feature over the text."""

    def __init__(self) -> None:
        super().__init__()
        config = mf.BertConfig(
            vocab_size=VOCABULARY, hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=1,
            intermediate_size=WIDTH, max_position_embeddings=POSITIONS, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        self.bert, self.classifier = mf.BertModel(config, pooler=False), nn.Linear(WIDTH, 2)

    def __call__(self, ids: Any) -> Any:
        """[N, T] -> [N, 2]."""
        return self.classifier(pool(self.bert(ids).last_hidden_state, None, "max"))


def draw_texts(generator: np.random.Generator, count: int, length: int, place: int | None = None) -> np.ndarray:
    """[count, length]: the second half have the deciding token, at ``place`` or (None) anywhere."""
    ids = generator.integers(DECIDING + 1, VOCABULARY, (count, length)).astype(np.int32)
    rows = np.arange(count // 2, count)
    ids[rows, generator.integers(0, length, len(rows)) if place is None else place] = DECIDING
    return ids


def _framed(ids: np.ndarray) -> Any:
    edge = np.ones((len(ids), 1), np.int32)
    return mx.array(np.concatenate([CLS * edge, ids, SEP * edge], axis=1))


@kept(apart=True, beforehand=[(seed, STEPS) for seed in SEEDS_BEFOREHAND])
def accuracies(seed: int, steps: int) -> Mapping[str, Sequence[float]]:
    """Way -> % of texts sorted right, at each of ``DEPTHS``."""
    generator = np.random.default_rng([seed, 8])
    model = _trained(generator, steps)
    labels = np.arange(ASKED) >= ASKED // 2
    found: dict[str, list[float]] = {name: [] for name in (*WAYS, "windows-mean")}
    for depth in DEPTHS:
        texts = draw_texts(generator, ASKED, LENGTH, round(depth / 100 * (LENGTH - 1)))
        for name, pieces in WAYS.items():
            if name == "windows":
                margins = np.stack([_margins(model, texts[:, each.start : each.stop]) for each in pieces])
                found["windows-mean"].append(_share(margins.mean(0), labels))
                margins = margins.max(0)
            else:
                kept = np.concatenate([texts[:, each.start : each.stop] for each in pieces], axis=1)
                margins = _margins(model, kept)
            found[name].append(_share(margins, labels))
    return found


def _trained(generator: np.random.Generator, steps: int) -> Classifier:
    """From normal weights of a standard deviation of 0.1, on texts that fit, until it has learned them."""
    model = Classifier()
    values = draw(generator, model)
    load(model, {path: v if v.ndim == 1 else np.float32(0.1 * v.shape[-1] ** 0.5) * v for path, v in values.items()})
    labels = mx.array((np.arange(BATCH) >= BATCH // 2).astype(np.int32))

    def loss(model: Any, ids: Any) -> Any:
        return mx.mean(nn.losses.cross_entropy(model(ids), labels))

    optimizer, step = optimizers.Adam(RATE), nn.value_and_grad(model, loss)
    recent = 1.0
    for _ in range(steps):
        found, gradients = step(model, _framed(draw_texts(generator, BATCH, USABLE)))
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        recent = 0.9 * recent + 0.1 * float(found)
        if recent < LEARNED:
            break
    return model


def _margins(model: Classifier, ids: np.ndarray) -> np.ndarray:
    """How far the score of "it is there" lies above the other's. [N]."""
    logits = to_numpy(model(_framed(ids))).astype(np.float64)
    return np.asarray(logits[:, 1] - logits[:, 0])


def _share(margins: np.ndarray, labels: np.ndarray) -> float:
    return 100.0 * float(((margins > 0) == labels).mean())
