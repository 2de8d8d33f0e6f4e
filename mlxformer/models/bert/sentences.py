"""A bi-encoder: one vector for each sentence, made without knowing what it will be compared with.

    u = pool(BERT(A)) / ‖·‖,  v = pool(BERT(B)) / ‖·‖,  score(A, B) = u · v      (Reimers & Gurevych 2019, §3)

So n sentences take n passes, the vectors can be kept, and the table of all scores is one matrix product, of rank C at
most. A cross-encoder reads the pair, ``[CLS] A [SEP] B [SEP]``, in one pass and scores it from [CLS]: that is
``BertForSequenceClassification`` with one label (Devlin et al. 2019, §4); n sentences have n(n-1)/2 pairs.
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel, mean_pooling
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_floating, require_shape

_SHORTEST = 1e-24  # the squared length of a vector without direction, which stays as it is


class BiEncoder(Module):
    """BERT, the mean of its hidden states at real tokens, and unit length: [B, T] ids -> [B, C]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config, pooler=False)

    def __call__(self, input_ids: Any, attention_mask: Any = None) -> Any:
        """Arguments and errors as in ``BertModel``; a row without one real token gives zeros."""
        hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = mean_pooling(hidden, attention_mask)
        length = mx.rsqrt(mx.maximum(mx.sum(mx.square(pooled), axis=-1, keepdims=True), _SHORTEST))
        return tap("vector", pooled * length, axes=("batch", "model"), formula="mean(h) / ‖mean(h)‖")


def similarity(first: Any, second: Any) -> Any:
    """The score of every pair: [M, C] and [N, C] -> [M, N], cosines where the vectors are unit ones."""
    for name, x in (("first", first), ("second", second)):
        require_floating(name, x)
        require_shape(name, x, ("sentence", "model"))
    require_shape("second", second, ("sentence", "model"), (None, first.shape[1]))
    return tap("similarity", first @ second.T, axes=("query", "key"), formula="U Vᵀ")
