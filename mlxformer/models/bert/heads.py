"""BERT with a head on top: masked words, next sentence, both of them (as in pre-training), or classes.

Source: Devlin et al. 2019, §3.1 (the two pre-training tasks) and §4.1 (classification).
"""

from __future__ import annotations

from typing import NamedTuple

from mlxformer.axes import CLASSES, MODEL, VOCAB
from mlxformer.backend import mx, nn
from mlxformer.layers.activations import activation
from mlxformer.models.bert.checkpoint import BertPreTrained, initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel, BertOutput
from mlxformer.origins import Named, Norm, Product, applied, normalized, projection
from mlxformer.tracing import Module, tap
from mlxformer.training.label_losses import class_loss, classification_loss
from mlxformer.validation import fields_text


class BertHeadOutput(NamedTuple):
    """What a BERT with one head gives.

    Args:
        logits: [B, T, V] of masked words, [B, 2] of next sentences, [B, num_labels] of classes.
        last_hidden_state: [B, T, C], the encoder's output that they come from.

    ``loss`` is None; where labels were given a ``BertLossOutput`` comes, which has one.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.heads import BertHeadOutput
    >>> BertHeadOutput(mx.zeros((1, 2)), mx.zeros((1, 5, 8))).logits.shape == (1, 2)
    True
    """

    logits: mx.array
    last_hidden_state: mx.array

    @property
    def loss(self) -> None:
        """None: no labels were given."""

    def __repr__(self) -> str:
        return fields_text(self)


class BertLossOutput(NamedTuple):
    """What a BERT with one head gives where it was told what should come out.

    Args:
        loss: a scalar, to be lowered.
        logits: as in ``BertHeadOutput``.
        last_hidden_state: likewise.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.heads import BertLossOutput
    >>> BertLossOutput(mx.array(0.5), mx.zeros((1, 2)), mx.zeros((1, 5, 8))).loss.item()
    0.5
    """

    loss: mx.array
    logits: mx.array
    last_hidden_state: mx.array

    def __repr__(self) -> str:
        return fields_text(self)


def head_output(logits: mx.array, hidden: mx.array, loss: mx.array | None) -> BertHeadOutput | BertLossOutput:
    """A ``BertHeadOutput``, or with a loss a ``BertLossOutput``.

    Args:
        logits: the head's scores, of any shape.
        hidden: [B, T, C], the encoder's output that they come from.
        loss: a scalar; None where no labels were given.

    >>> head_output(mx.zeros((1, 2)), mx.zeros((1, 5, 8)), None).loss is None
    True
    """
    return BertHeadOutput(logits, hidden) if loss is None else BertLossOutput(loss, logits, hidden)


class BertPreTrainingOutput(NamedTuple):
    """What a BERT with both heads of pre-training gives.

    Args:
        prediction_logits: [B, T, V], of the word at each place.
        seq_relationship_logits: [B, 2], 0: B follows A, 1: it was drawn at random.
        last_hidden_state: [B, T, C], the encoder's output that they come from.
        loss: a scalar, where labels were given; else None.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.heads import BertPreTrainingOutput
    >>> out = BertPreTrainingOutput(mx.zeros((1, 5, 9)), mx.zeros((1, 2)), mx.zeros((1, 5, 8)))
    >>> out.prediction_logits.shape == (1, 5, 9)
    True
    """

    prediction_logits: mx.array
    seq_relationship_logits: mx.array
    last_hidden_state: mx.array
    loss: mx.array | None = None

    def __repr__(self) -> str:
        return fields_text(self)


class BertMLMHead(Module):
    """``LayerNorm(act(h W + b)) Eᵀ + c``: a score for each word of the vocabulary, E the word embeddings.

    Args:
        config: sizes; without ``tie_word_embeddings`` E is a matrix of its own, ``decoder``.

    Source: Devlin et al. 2019, §3.1; the transformation before E is in Google's code.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.models.bert.heads import BertMLMHead
    >>> head = BertMLMHead(mf.BertConfig(vocab_size=20, hidden_size=8, num_attention_heads=2))
    >>> head(mx.ones((1, 3, 8)), nn.Embedding(20, 8)).shape == (1, 3, 20)
    True
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

    def __call__(self, hidden: mx.array, word_embeddings: nn.Embedding) -> mx.array:
        """A score for each word, at each place.

        Args:
            hidden: floating point [B, T, C]. In training, those of the masked places alone save most of the work.
            word_embeddings: E; not used where the head has a matrix of its own.

        Returns:
            [B, T, V].
        """
        transformed = tap(
            "transformed",
            self.norm(self._activate(self.dense(hidden))),  # [B, T, C]
            axes=MODEL,
            formula="LayerNorm(act(h W + b))",
            of=lambda: self._of_transformed(hidden),
        )
        return tap(
            "logits",
            self._scores(transformed, word_embeddings),
            axes=VOCAB,
            formula="transformed Eᵀ + c",
            of=lambda: self._of_scores(transformed, word_embeddings),
        )

    def _of_transformed(self, hidden: mx.array) -> Norm | None:
        made = applied(self._activate.name, projection(hidden, self.dense, "W"))
        return None if made is None else normalized(made, self.norm)

    def _of_scores(self, transformed: mx.array, word_embeddings: nn.Embedding) -> Product | None:
        if "decoder" in self:
            return projection(transformed, self.decoder, "W")
        operands = transformed, Named("E", word_embeddings.weight), Named("c", self.bias)
        return Product("btc,vc+v->btv", operands)

    def _scores(self, transformed: mx.array, word_embeddings: nn.Embedding) -> mx.array:
        """[B, T, C] -> [B, T, V]."""
        if "decoder" in self:
            return self.decoder(transformed)
        return word_embeddings.as_linear(transformed) + self.bias


class BertForMaskedLM(BertPreTrained):
    """BERT that fills ``[MASK]``: ``.logits`` [B, T, V]. It has no pooler.

    Args:
        config: sizes and choices.

    Source: Devlin et al. 2019, §3.1, task 1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> config = mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
    ...                        intermediate_size=16)
    >>> mf.BertForMaskedLM(config)(mx.array([[2, 4, 3]])).logits.shape == (1, 3, 20)
    True
    """

    heads = ("cls.predictions.",)
    has_pooler = False

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, pooler=False)
        self.mlm_head = BertMLMHead(config)
        initialize(self.mlm_head, config)

    def __call__(
        self,
        input_ids: mx.array,
        *,
        token_type_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        labels: mx.array | None = None,
    ) -> BertHeadOutput | BertLossOutput:
        """Scores of the word at each place.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T], which text of a pair a token is of; None means 0.
            attention_mask: [B, T], 1 or True at real tokens; None means all.
            labels: integers [B, T], the word at each place, −100 where none is to be told; None asks for no loss.

        Returns:
            A ``BertHeadOutput``, ``logits`` [B, T, V].

        Raises:
            ArgumentError: as ``BertModel``, and labels of another shape, kind or range.
        """
        hidden = self.bert(input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask).last_hidden_state
        logits = self.mlm_head(hidden, self.bert.embeddings.word_embeddings)
        return head_output(logits, hidden, None if labels is None else class_loss(logits, labels))


class BertForNextSentencePrediction(BertPreTrained):
    """BERT that tells whether B follows A: ``.logits`` [B, 2], index 0 it does, 1 it was drawn at random.

    Args:
        config: sizes and choices.

    Source: Devlin et al. 2019, §3.1, task 2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.BertForNextSentencePrediction(mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1,
    ...                                                        num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[2, 4, 3, 5, 3]]), token_type_ids=mx.array([[0, 0, 0, 1, 1]])).logits.shape == (1, 2)
    True
    """

    heads = ("cls.seq_relationship.",)

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config)
        self.nsp_head = nn.Linear(config.hidden_size, 2)
        initialize(self.nsp_head, config)

    def __call__(
        self,
        input_ids: mx.array,
        *,
        token_type_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        labels: mx.array | None = None,
    ) -> BertHeadOutput | BertLossOutput:
        """Scores of "B follows A" and "it was drawn".

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T], which text of a pair a token is of; None means 0.
            attention_mask: [B, T], 1 or True at real tokens; None means all.
            labels: integers [B], 0: B follows A, 1: it was drawn; None asks for no loss.

        Returns:
            A ``BertHeadOutput``, ``logits`` [B, 2].

        Raises:
            ArgumentError: as ``BertModel``, and labels of another shape, kind or range.
        """
        hidden, pooled = _with_pooler(
            self.bert(input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        )
        logits = _nsp_logits(self.nsp_head, pooled)
        return head_output(logits, hidden, None if labels is None else class_loss(logits, labels))


class BertForPreTraining(BertPreTrained):
    """BERT with both heads of pre-training: ``.prediction_logits`` [B, T, V], ``.seq_relationship_logits`` [B, 2].

    Args:
        config: sizes and choices.

    Source: Devlin et al. 2019, §3.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.BertForPreTraining(mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1,
    ...                                             num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[2, 4, 3]])).seq_relationship_logits.shape == (1, 2)
    True
    """

    heads = ("cls.predictions.", "cls.seq_relationship.")

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config)
        self.mlm_head = BertMLMHead(config)
        self.nsp_head = nn.Linear(config.hidden_size, 2)
        initialize(self.mlm_head, config)
        initialize(self.nsp_head, config)

    def __call__(
        self,
        input_ids: mx.array,
        *,
        token_type_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        labels: mx.array | None = None,
        next_sentence_label: mx.array | None = None,
    ) -> BertPreTrainingOutput:
        """The scores of both heads.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T], which text of a pair a token is of; None means 0.
            attention_mask: [B, T], 1 or True at real tokens; None means all.
            labels: integers [B, T], the word at each place, −100 where none is to be told; None asks for no loss.
            next_sentence_label: integers [B], 0: B follows A, 1: it was drawn; None asks for no loss of it.

        Returns:
            A ``BertPreTrainingOutput``.

        Raises:
            ArgumentError: as ``BertModel``, and labels of another shape, kind or range.
        """
        hidden, pooled = _with_pooler(
            self.bert(input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        )
        words = self.mlm_head(hidden, self.bert.embeddings.word_embeddings)
        following = _nsp_logits(self.nsp_head, pooled)
        losses = [] if labels is None else [class_loss(words, labels)]
        if next_sentence_label is not None:
            losses.append(class_loss(following, next_sentence_label, "next_sentence_label"))
        return BertPreTrainingOutput(words, following, hidden, sum(losses[1:], losses[0]) if losses else None)


class BertForSequenceClassification(BertPreTrained):
    """BERT that sorts a text, or a pair of texts, into classes: ``.logits`` [B, num_labels].

    With ``problem_type`` ``"regression"`` the logits are the numbers themselves. To train one on your own labels:
    ``from_pretrained(base, num_labels=3)`` makes the head, ``model(**batch, labels=labels).loss`` what to lower.

    Args:
        config: sizes and choices; ``id2label`` says which classes.

    Source: Devlin et al. 2019, §4.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> config = mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
    ...                        intermediate_size=16, id2label={0: "bad", 1: "so-so", 2: "good"})
    >>> mf.BertForSequenceClassification(config)(mx.array([[2, 4, 3]])).logits.shape == (1, 3)
    True
    """

    heads = ("classifier.",)
    has_labels = True

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config)
        self.classifier_dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        initialize(self.classifier, config)

    def __call__(
        self,
        input_ids: mx.array,
        *,
        token_type_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        labels: mx.array | None = None,
    ) -> BertHeadOutput | BertLossOutput:
        """A score for each class.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T], which text of a pair a token is of; None means 0.
            attention_mask: [B, T], 1 or True at real tokens; None means all.
            labels: [B], the class of each, whole numbers, −100 where none is to be told; numbers themselves for a
                regression; [B, num_labels], 0 or 1, where several may hold at once. None asks for no loss.

        Returns:
            A ``BertHeadOutput``, ``logits`` [B, num_labels].

        Raises:
            ArgumentError: as ``BertModel``, and labels of another shape, kind or range.
        """
        hidden, pooled = _with_pooler(
            self.bert(input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        )
        dropped = self.classifier_dropout(pooled)
        logits = tap(
            "logits",
            self.classifier(dropped),  # [B, num_labels]
            axes=CLASSES,
            formula="pooled Wᵀ + b",
            of=lambda: projection(dropped, self.classifier, "W", "bc,oc->bo"),
        )
        loss = None if labels is None else classification_loss(logits, labels, self.config.problem_type)
        return head_output(logits, hidden, loss)


def _with_pooler(output: BertOutput) -> tuple[mx.array, mx.array]:
    assert output.pooler_output is not None, "the encoder of these heads is made with its pooler"
    return output.last_hidden_state, output.pooler_output


def _nsp_logits(head: nn.Linear, pooled: mx.array) -> mx.array:
    return tap(
        "nsp_logits",
        head(pooled),
        axes=CLASSES,
        formula="pooled Wᵀ + b",
        of=lambda: projection(pooled, head, "W", "bc,oc->bo"),
    )
