"""BERT with a head on top: masked words, next sentence, both of them (as in pre-training), or classes.

Source: Devlin et al. 2019, §3.1 (the two pre-training tasks) and §4.1 (classification).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mlxformer.backend import mx, nn
from mlxformer.layers.activations import activation
from mlxformer.models.bert.checkpoint import BertPreTrained, initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel
from mlxformer.tracing import Module, tap


class BertHeadOutput(NamedTuple):
    """logits, and the encoder's last_hidden_state [B, T, C] that they come from."""

    logits: Any
    last_hidden_state: Any


class BertPreTrainingOutput(NamedTuple):
    """prediction_logits [B, T, V], seq_relationship_logits [B, 2], last_hidden_state [B, T, C]."""

    prediction_logits: Any
    seq_relationship_logits: Any
    last_hidden_state: Any


class BertMLMHead(Module):
    """``LayerNorm(act(h W + b)) Eᵀ + c``: a score for each word of the vocabulary, E the word embeddings.

    Without ``tie_word_embeddings`` E is a matrix of its own, ``decoder``.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self._activate = activation(config.hidden_act)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        if config.tie_word_embeddings:
            self.bias = mx.zeros((config.vocab_size,))
        else:
            self.decoder = nn.Linear(config.hidden_size, config.vocab_size)

    def __call__(self, hidden: Any, word_embeddings: nn.Embedding) -> Any:
        """[B, T, C] -> [B, T, V]. In training, hidden states of the masked places alone save most of the work."""
        transformed = self.norm(self._activate(self.dense(hidden)))  # [B, T, C]
        axes = ("batch", "time", "model")
        transformed = tap("transformed", transformed, axes=axes, formula="LayerNorm(act(h W + b))")
        return tap(
            "logits",
            self._scores(transformed, word_embeddings),
            axes=("batch", "time", "vocab"),
            formula="transformed Eᵀ + c",
        )

    def _scores(self, transformed: Any, word_embeddings: nn.Embedding) -> Any:
        """[B, T, C] -> [B, T, V]."""
        if "decoder" in self:
            return self.decoder(transformed)
        return word_embeddings.as_linear(transformed) + self.bias


class BertForMaskedLM(BertPreTrained):
    """BERT that fills ``[MASK]``: ``.logits`` [B, T, V]. It has no pooler."""

    heads = ("cls.predictions.",)
    has_pooler = False

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, pooler=False)
        self.mlm_head = BertMLMHead(config)
        initialize(self.mlm_head, config)

    def __call__(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> BertHeadOutput:
        """Arguments and errors as in ``BertModel``."""
        hidden = self.bert(input_ids, token_type_ids, attention_mask).last_hidden_state
        return BertHeadOutput(self.mlm_head(hidden, self.bert.embeddings.word_embeddings), hidden)


class BertForNextSentencePrediction(BertPreTrained):
    """BERT that tells whether B follows A: ``.logits`` [B, 2], index 0 it does, 1 it was drawn at random."""

    heads = ("cls.seq_relationship.",)

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config)
        self.nsp_head = nn.Linear(config.hidden_size, 2)
        initialize(self.nsp_head, config)

    def __call__(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> BertHeadOutput:
        """Arguments and errors as in ``BertModel``."""
        hidden, pooled = self.bert(input_ids, token_type_ids, attention_mask)
        return BertHeadOutput(_nsp_logits(self.nsp_head, pooled), hidden)


class BertForPreTraining(BertPreTrained):
    """BERT with both heads of pre-training: ``.prediction_logits`` [B, T, V], ``.seq_relationship_logits`` [B, 2]."""

    heads = ("cls.predictions.", "cls.seq_relationship.")

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config)
        self.mlm_head = BertMLMHead(config)
        self.nsp_head = nn.Linear(config.hidden_size, 2)
        initialize(self.mlm_head, config)
        initialize(self.nsp_head, config)

    def __call__(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> BertPreTrainingOutput:
        """Arguments and errors as in ``BertModel``."""
        hidden, pooled = self.bert(input_ids, token_type_ids, attention_mask)
        words = self.mlm_head(hidden, self.bert.embeddings.word_embeddings)
        return BertPreTrainingOutput(words, _nsp_logits(self.nsp_head, pooled), hidden)


class BertForSequenceClassification(BertPreTrained):
    """BERT that sorts a text, or a pair of texts, into ``config.num_labels`` classes: ``.logits`` [B, num_labels].

    With ``problem_type`` ``"regression"`` the logits are the numbers themselves.
    """

    heads = ("classifier.",)

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        rate = config.classifier_dropout
        self.bert = BertModel(config)
        self.classifier_dropout = nn.Dropout(config.hidden_dropout_prob if rate is None else rate)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        initialize(self.classifier, config)

    def __call__(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> BertHeadOutput:
        """Arguments and errors as in ``BertModel``."""
        hidden, pooled = self.bert(input_ids, token_type_ids, attention_mask)
        logits = self.classifier(self.classifier_dropout(pooled))  # [B, num_labels]
        return BertHeadOutput(tap("logits", logits, axes=("batch", "label"), formula="pooled Wᵀ + b"), hidden)


def _nsp_logits(head: nn.Linear, pooled: Any) -> Any:
    return tap("nsp_logits", head(pooled), axes=("batch", "label"), formula="pooled Wᵀ + b")
