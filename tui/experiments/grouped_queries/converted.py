"""The date model that ships, made GQA or MQA: K and V heads averaged by group, then trained a little further."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.recipe import DatesRecipe
from mlxformer.pretrained.dates.split import held_out_dates
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND

HEADS, HEAD_DIM = 4, 16  # of the model that ships
CONVERTED = (2, 1)  # groups
ASKED, BATCH, RATE = 48, 32, 1e-3
STEPS = (0, 10, 20, 40)


def pooled(weight: np.ndarray, kv_heads: int, heads: int, head_dim: int) -> np.ndarray:
    """[h·D, C] -> [g·D, C]: the mean of each group (Ainslie et al. 2023, §2.1)."""
    return weight.reshape(kv_heads, heads // kv_heads, head_dim, -1).mean(1).reshape(kv_heads * head_dim, -1)


@kept(apart=True, beforehand=[(groups, seed, True) for groups in CONVERTED for seed in SEEDS_BEFOREHAND])
def accuracies(kv_heads: int, seed: int, trained: bool) -> tuple[float, ...]:
    """After ``STEPS``: held-out dates of which every character is right after the right ones before it, in %."""
    model, recipe = converted(kv_heads), DatesRecipe(batch_size=BATCH)
    asked = _asked(seed)
    optimizer, step = optimizers.Adam(RATE), nn.value_and_grad(model, recipe.loss)
    generator = np.random.default_rng([seed, kv_heads])
    found = []
    for number in range(max(STEPS) + 1):
        if number in STEPS:
            found.append(_exact(model, *asked))
        if trained and number < max(STEPS):
            _, gradients = step(model, *recipe.batch(generator, number))
            optimizer.update(model, gradients)
            mx.eval(model.parameters(), optimizer.state)
    return tuple(found)


def converted(kv_heads: int) -> Any:
    """dates with ``kv_heads`` key and value heads in every attention."""
    reader = mf.load_pretrained("dates")
    weights: dict[str, Any] = dict(tree_flatten(reader.model.parameters()))
    model = mf.Transformer(replace(reader.model.config, num_kv_heads=kv_heads))
    model.load_weights([
        (path, mx.array(pooled(to_numpy(value), kv_heads, HEADS, HEAD_DIM)) if _is_shared(path) else value)
        for path, value in weights.items()
    ])  # fmt: skip
    model.eval()
    return model


def _is_shared(path: str) -> bool:
    return path.endswith(("key_proj.weight", "value_proj.weight"))


def _asked(seed: int) -> tuple[Any, np.ndarray]:
    source, tokenizer = random.Random(seed), mf.load_pretrained("dates").tokenizer
    dates, names = source.sample(held_out_dates(), ASKED), list(FORMATS)
    texts = [write_date(date, names[i % len(names)], source).text for i, date in enumerate(dates)]
    ids = mx.array(tokenizer.pad([tokenizer.source(text) for text in texts]))
    return ids, tokenizer.pad([tokenizer.target(date.isoformat()) for date in dates])


def _exact(model: Any, ids: Any, gold: np.ndarray) -> float:
    written = to_numpy(model(ids, mx.array(gold[:, :-1]))).argmax(-1)
    return 100.0 * float((written == gold[:, 1:]).all(1).mean())
