"""A bi-encoder: one vector for each sentence, made without knowing what it will be compared with.

    u = pool(BERT(A)) / ‖·‖,  v = pool(BERT(B)) / ‖·‖,  score(A, B) = u · v      (Reimers & Gurevych 2019, §3)

So n sentences take n passes, the vectors can be kept, and the table of all scores is one matrix product, of rank C at
most. A cross-encoder reads the pair, ``[CLS] A [SEP] B [SEP]``, in one pass and scores it from [CLS]: that is
``BertForSequenceClassification`` with one label (Devlin et al. 2019, §4); n sentences have n(n-1)/2 pairs.
"""

from __future__ import annotations

from mlxformer.axes import VECTOR
from mlxformer.backend import mx
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.pooling import mean_pooling
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_floating, require_shape

_SHORTEST = 1e-24  # the squared length of a vector without direction, which stays as it is


class BiEncoder(Module):
    """``mean(BERT(A)) / ‖·‖``: a vector of unit length for each text, whatever it will be compared with.

    Args:
        config: of its BERT.

    Source: Reimers & Gurevych 2019, "Sentence-BERT", §3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.sentences import BiEncoder
    >>> encoder = BiEncoder(mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
    ...                                   intermediate_size=16))
    >>> vector = encoder(mx.array([[2, 4, 3]]))
    >>> vector.shape == (1, 8), round(float(mx.sum(mx.square(vector))), 4)
    (True, 1.0)
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config, pooler=False)

    def __call__(self, input_ids: mx.array, attention_mask: mx.array | None = None) -> mx.array:
        """A vector for each text.

        Args:
            input_ids: integers [B, T].
            attention_mask: [B, T], 1 or True at real tokens; None means all.

        Returns:
            [B, C], of length 1; zeros for a row without one real token.

        Raises:
            ArgumentError: as ``BertModel``.
        """
        hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = mean_pooling(hidden, attention_mask)
        length = mx.rsqrt(mx.maximum(mx.sum(mx.square(pooled), axis=-1, keepdims=True), _SHORTEST))
        return tap("vector", pooled * length, axes=VECTOR, formula="mean(h) / ‖mean(h)‖")


def similarity(first: mx.array, second: mx.array) -> mx.array:
    """``U Vᵀ``: the score of every pair, cosines where the vectors are unit ones.

    Args:
        first: U, floating point [M, C].
        second: V, floating point [N, C].

    Returns:
        [M, N].

    Raises:
        ArgumentError: shapes that do not fit, or numbers that are not floating point.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.sentences import similarity
    >>> similarity(mx.array([[1.0, 0.0]]), mx.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [[1.0, 0.0]]
    """
    for name, x in (("first", first), ("second", second)):
        require_floating(name, x)
        require_shape(name, x, VECTOR)
    require_shape("second", second, VECTOR, (None, first.shape[1]))
    return tap("similarity", first @ second.T, axes=("query", "key"), formula="U Vᵀ")
