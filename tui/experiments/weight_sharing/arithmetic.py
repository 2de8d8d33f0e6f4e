"""What the papers' shapes add up to, by hand: the counts that the modules are held to."""

from __future__ import annotations


def transformer(vocabulary: int, d: int, layers: int, matrices: int) -> int:
    """Vaswani et al. 2017, §3: N encoder and N decoder layers, F = 4d, and ``matrices`` of V x d.

    An attention is 4 d² without biases (§3.2.2), a feed-forward 2 d F + F + d (§3.3, Eq. 2), a layer norm 2 d. An
    encoder layer has one attention and two norms, a decoder layer two and three (§3.1). Sinusoids are no parameters.
    """
    attention, feed_forward, norm = 4 * d * d, 2 * d * (4 * d) + 4 * d + d, 2 * d
    encoder_layer = attention + feed_forward + 2 * norm
    decoder_layer = 2 * attention + feed_forward + 3 * norm
    return matrices * vocabulary * d + layers * (encoder_layer + decoder_layer)


def _bert_layer(d: int) -> int:
    """Four projections with biases, F = 4d with biases, two layer norms."""
    return 4 * (d * d + d) + (2 * d * (4 * d) + 4 * d + d) + 2 * (2 * d)


def bert_base(layers: int = 12) -> int:
    """Devlin et al. 2019, §3 (L = 12, C = 768), 30,522 word pieces, 512 positions, 2 types, a norm, the pooler.

    layers: how many have weights of their own; 1 where all of them share.
    """
    d = 768
    return (30_522 + 512 + 2) * d + 2 * d + layers * _bert_layer(d) + (d * d + d)


def albert_base() -> int:
    """Lan et al. 2020, §3.1 and Table 1: E = 128, V = 30,000, and one layer's weights."""
    d, e = 768, 128
    return (30_000 + 512 + 2) * e + 2 * e + (e * d + d) + _bert_layer(d) + (d * d + d)
