"""Parameters counted from modules that hold no numbers."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel
from mlxformer.models.counting import count_parameters, parameter_shapes, without_values
from mlxformer.models.marian.config import MarianConfig
from mlxformer.models.marian.model import MarianModel
from mlxformer.models.transformer import Transformer, TransformerConfig
from tests.mlxformer.comparing import assert_bit_equal
from tests.mlxformer.transformer_reference import TINY

MARIAN = MarianConfig(
    vocab_size=58_101, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8,
    decoder_attention_heads=8, encoder_ffn_dim=2048, decoder_ffn_dim=2048, max_position_embeddings=512,
)  # fmt: skip


def test_published_models():
    """Vaswani's base ("65 × 10⁶", Table 3), its big ("213 × 10⁶"), BERT's base and large ("110M", "340M", §3)."""
    assert count_parameters(TransformerConfig(vocab_size=37_000)) == 63_045_632
    big = TransformerConfig(vocab_size=37_000, dims=1024, num_heads=16, ffn_dims=4096)
    assert count_parameters(big) == 214_171_648
    assert count_parameters(BertConfig()) == 109_482_240
    large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
    assert count_parameters(BertConfig(**large)) == 335_141_888


def test_opus_mt_by_hand():
    """V·C; 4(C² + C) an attention, 2CF + F + C a feed-forward, 2C a norm. The bias on the logits is no parameter."""
    vocab, c, f = 58_101, 512, 2048
    attention, feed_forward, norm = 4 * (c * c + c), 2 * c * f + f + c, 2 * c
    layers = 6 * (attention + feed_forward + 2 * norm) + 6 * (2 * attention + feed_forward + 3 * norm)
    assert count_parameters(MARIAN) == vocab * c + layers


@pytest.mark.parametrize(
    ("cls", "config"),
    [
        (Transformer, TransformerConfig(**TINY, norm="pre", positions="t5")),
        (BertModel, BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
                               intermediate_size=12)),
        (MarianModel, MarianConfig(vocab_size=20, d_model=8, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=8,
                                   decoder_ffn_dim=8, encoder_attention_heads=2, decoder_attention_heads=2,
                                   decoder_start_token_id=19, pad_token_id=19)),
    ],
)  # fmt: skip
def test_shapes_are_those_of_the_model(cls, config):
    made = {path: tuple(value.shape) for path, value in tree_flatten(cls(config).trainable_parameters())}
    assert parameter_shapes(config) == made
    assert count_parameters(config) == sum(int(np.prod(shape)) for shape in made.values())


@pytest.mark.parametrize("config", [TransformerConfig(vocab_size=37_000), MARIAN])
def test_no_array_is_made(config):
    count_parameters(config)  # what is imported late is not counted
    if backend.name == "mlx":
        before = mx.get_active_memory()
        count_parameters(config)
        assert mx.get_active_memory() - before < 1_000_000
        return
    tracemalloc.start()
    count_parameters(config)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000, "the parameters alone would be over 240 MB"


def test_the_next_random_numbers_are_those_that_would_have_come():
    draws = []
    for counts in (False, True):
        mx.random.seed(5)
        first = to_numpy(mx.random.normal((3,)))
        if counts:
            count_parameters(TransformerConfig(**TINY))
        draws.append((first, to_numpy(mx.random.normal((3,)))))
    for plain, after in zip(*draws, strict=True):
        assert_bit_equal(plain, after)


def test_weights_are_drawn_again_afterwards_and_after_an_error():
    with pytest.raises(RuntimeError), without_values():
        raise RuntimeError
    assert to_numpy(mx.random.normal((50,))).std() > 0.5
    assert to_numpy(Transformer(TransformerConfig(**TINY)).source_embedding.weight).std() > 0.1


@pytest.mark.parametrize("given", [{"vocab_size": 10}, None, "bert-base-uncased"])
def test_what_is_no_configuration(given):
    with pytest.raises(ArgumentError, match="takes a TransformerConfig or another model's configuration") as error:
        count_parameters(given)
    assert error.value.code == "not-a-config"
