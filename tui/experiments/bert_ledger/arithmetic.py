"""BERT's parameters by hand (Devlin et al. 2019, §3), a formula for each part: what the modules are held to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """V word pieces, P positions, L layers, d features, F hidden units; two segment types, as the paper has them."""

    vocabulary: int
    positions: int
    layers: int
    d: int
    hidden: int

    def parts(self) -> dict[str, int]:
        """Each part of the encoder with its pooler, then those of the two heads of pre-training."""
        d, hidden = self.d, self.hidden
        return {
            "word": self.vocabulary * d,
            "position": self.positions * d,
            "type": 2 * d,
            "embedding_norm": 2 * d,
            "attention": self.layers * 4 * (d * d + d),
            "feed_forward": self.layers * (d * hidden + hidden + hidden * d + d),
            "layer_norms": self.layers * 2 * (2 * d),
            "pooler": d * d + d,
            "mlm_transform": (d * d + d) + 2 * d,
            "mlm_bias": self.vocabulary,
            "nsp": 2 * d + 2,
        }

    @property
    def embeddings(self) -> int:
        return (self.vocabulary + self.positions + 2) * self.d + 2 * self.d

    @property
    def attention(self) -> int:
        """One layer's: four projections of d x d, with biases, however many heads share them out."""
        return 4 * self.d**2 + 4 * self.d

    @property
    def layer(self) -> int:
        """4d² + 4d, 2dF + F + d and two norms of 2d; 12d² + 13d where F = 4d."""
        return 4 * self.d**2 + 2 * self.d * self.hidden + self.hidden + 9 * self.d

    @property
    def encoder(self) -> int:
        return self.embeddings + self.layers * self.layer + self.d**2 + self.d

    @property
    def with_heads(self) -> int:
        """The masked-LM head's big matrix is the word embeddings': only a dense layer, a norm and V biases are new."""
        return self.encoder + (self.d**2 + 3 * self.d + self.vocabulary) + (2 * self.d + 2)
