"""A small BERT trained with its loss at [CLS], at the last letter or on the mean; letters alone do not tell its task.

A text is [CLS] and six letters. A and B stand in each once, one of them at the front; the label says which. All texts
have the same letters that matter, so a bag of letters is no better than chance, and half of the texts have each label.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy
from mlxformer.inspection.probes import fit_probe
from mlxformer.models.bert.pooling import Pooling, pool
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.shared.random_weights import draw, load

LETTERS, LENGTH, A, B = 8, 6, 1, 2  # [CLS] is 0
WIDTH, HEADS, STEPS, BATCH, RATE = 32, 4, 150, 32, 0.005
ASKED = 400  # texts of the test
PLACES: tuple[Pooling, ...] = ("cls", "last", "mean")


def draw_texts(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """ids [N, 1 + LENGTH] and labels [N]: 1 where A is at the front."""
    ids = generator.integers(B + 1, LETTERS + 1, (count, LENGTH))
    labels = generator.integers(0, 2, count)
    rows, elsewhere = np.arange(count), generator.integers(1, LENGTH, count)
    ids[:, 0] = np.where(labels, A, B)
    ids[rows, elsewhere] = np.where(labels, B, A)
    return np.concatenate([np.zeros((count, 1), np.int64), ids], axis=1).astype(np.int32), labels.astype(np.int32)


class Classifier(mf.Module):
    """BERT and a matrix on one vector of its last states."""

    def __init__(self, how: Pooling) -> None:
        super().__init__()
        config = mf.BertConfig(
            vocab_size=LETTERS + 1, hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=HEADS,
            intermediate_size=2 * WIDTH, max_position_embeddings=LENGTH + 1, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        self.bert, self.classifier = mf.BertModel(config), nn.Linear(WIDTH, 2)
        self.how: Pooling = how

    def __call__(self, ids: Any) -> Any:
        """[N, T] -> [N, 2]."""
        return self.classifier(pool(self.bert(ids).last_hidden_state, None, self.how))


@kept(apart=True, beforehand=[(how, seed, STEPS) for how in PLACES for seed in SEEDS_BEFOREHAND])
def accuracy(how: Pooling, seed: int, steps: int) -> float:
    """In per cent, on texts of their own, from the same first weights for each place."""
    generator = np.random.default_rng([seed, 5])
    model = Classifier(how)
    load(model, draw(generator, model))

    def loss(model: Any, ids: Any, labels: Any) -> Any:
        return mx.mean(nn.losses.cross_entropy(model(ids), labels))

    optimizer, step = optimizers.Adam(RATE), nn.value_and_grad(model, loss)
    for _ in range(steps):
        ids, labels = draw_texts(generator, BATCH)
        _, gradients = step(model, mx.array(ids), mx.array(labels))
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
    ids, labels = draw_texts(np.random.default_rng([seed, 6]), ASKED)
    return 100.0 * float((to_numpy(model(mx.array(ids))).argmax(-1) == labels).mean())


def of_letters_alone(seed: int, *, first_only: bool) -> float:
    """A probe on how often each letter stands in a text (or on the first letter), in per cent right on other texts."""
    ids, labels = draw_texts(np.random.default_rng([seed, 7]), 2 * ASKED)
    counted = ids[:, 1:2] if first_only else ids[:, 1:]
    counts = (counted[..., None] == np.arange(LETTERS + 1)).sum(1).astype(np.float64)
    probe = fit_probe(counts[:ASKED], labels[:ASKED])
    return 100.0 * probe.accuracy(counts[ASKED:], labels[ASKED:])
