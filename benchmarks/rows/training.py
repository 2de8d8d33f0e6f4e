"""A step of training, forward, backward and AdamW, without dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.row import Row, Sides
from benchmarks.timing import timed


def _dates(with_peer: bool) -> Sides:
    """The shipped recipe's model and batch; the peer is ``torch.nn.Transformer`` of the same sizes, tied likewise."""
    import numpy as np

    from mlxformer.pretrained.dates.recipe import DatesRecipe

    recipe = DatesRecipe()
    model = recipe.model()
    source, target = recipe.batch(np.random.default_rng(0), 0)
    ours = _our_step(model, lambda model: recipe.loss(model, source, target))
    if not with_peer:
        return Sides(timed(ours))
    import torch

    config, functional = recipe.config, torch.nn.functional
    word = torch.nn.Embedding(config.vocab_size, config.dims)
    body = torch.nn.Transformer(
        config.dims, config.num_heads, config.num_encoder_layers, config.num_decoder_layers, config.ffn_dims,
        dropout=0.0, batch_first=True,
    )  # fmt: skip
    read, written = torch.tensor(np.asarray(source)).long(), torch.tensor(np.asarray(target)).long()
    places = torch.randn(64, config.dims)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(written.shape[1] - 1)
    padding = read == 0

    def loss() -> Any:
        x, y = (word(part) * config.dims**0.5 + places[: part.shape[1]] for part in (read, written[:, :-1]))
        hidden = body(x, y, tgt_mask=causal, tgt_is_causal=True, src_key_padding_mask=padding,
                      memory_key_padding_mask=padding)  # fmt: skip
        return functional.cross_entropy((hidden @ word.weight.T).flatten(0, 1), written[:, 1:].flatten())

    return Sides(timed(ours), timed(_peer_step([*word.parameters(), *body.parameters()], loss)))


def _masked(with_peer: bool) -> Sides:
    """Masked language modeling, 32 × 64, 15 % to predict; the loss over all places on both sides."""
    import numpy as np

    import mlxformer as mf
    from benchmarks.models import ids
    from mlxformer.backend import mx

    sizes = {"vocab_size": 6000, "hidden_size": 192, "num_hidden_layers": 4, "num_attention_heads": 6,
             "intermediate_size": 768, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}  # fmt: skip
    given = ids(32, 64, 6000)
    labels = np.where(np.random.default_rng(1).random(given.shape) < 0.15, given, -100).astype(np.int32)
    model = mf.BertForMaskedLM(mf.BertConfig.from_dict(sizes))
    ours = _our_step(model, lambda model: model(mx.array(given), labels=mx.array(labels)).loss)
    if not with_peer:
        return Sides(timed(ours))
    import torch
    import transformers

    other = transformers.BertForMaskedLM(transformers.BertConfig(**sizes)).train()
    batch = {"input_ids": torch.tensor(given).long(), "labels": torch.tensor(labels).long()}
    return Sides(timed(ours), timed(_peer_step(list(other.parameters()), lambda: other(**batch).loss)))


def _our_step(model: Any, loss: Callable[[Any], Any]) -> Callable[[], None]:
    from mlxformer.backend import mx, nn, optimizers

    model.train()
    optimizer = optimizers.AdamW(learning_rate=1e-4)
    gradients_of = nn.value_and_grad(model, lambda: loss(model))

    def step() -> None:
        value, gradients = gradients_of()
        optimizer.update(model, gradients)
        mx.eval(value, model.parameters(), optimizer.state)

    return step


def _peer_step(parameters: list[Any], loss: Callable[[], Any]) -> Callable[[], None]:
    import torch

    optimizer = torch.optim.AdamW(parameters, lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


ROWS = (
    Row("train-dates", "training step, dates size, batch 96", 0.6, _dates, "torch", needs=("torch",)),
    Row("train-bert", "training step, BERT 4 × 192, V = 6,000, 32 × 64", 0.8, _masked, "transformers on torch",
        needs=("torch", "transformers")),
)  # fmt: skip
