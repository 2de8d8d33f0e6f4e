"""BERT with a head on every token: what each token is, or where the answer to a question begins and ends.

Source: Devlin et al. 2019, §4.2 (questions) and §5.3 (named entities).
"""

from __future__ import annotations

from typing import NamedTuple

from mlxformer.axes import LABELS, TOKENS
from mlxformer.backend import mx, nn
from mlxformer.models.bert.checkpoint import BertPreTrained, initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import BertHeadOutput, BertLossOutput, head_output
from mlxformer.models.bert.model import BertModel
from mlxformer.tracing import tap
from mlxformer.training.label_losses import class_loss, span_loss
from mlxformer.validation import fields_text


class BertQuestionAnsweringOutput(NamedTuple):
    """Where an answer begins and ends.

    Args:
        start_logits: [B, T], of each token being the answer's first.
        end_logits: [B, T], of its being the last.
        last_hidden_state: [B, T, C], the encoder's output that they come from.
        loss: a scalar, where positions were given; else None.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.token_heads import BertQuestionAnsweringOutput
    >>> zeros = mx.zeros((1, 5))
    >>> BertQuestionAnsweringOutput(zeros, zeros, mx.zeros((1, 5, 8))).loss is None
    True
    """

    start_logits: mx.array
    end_logits: mx.array
    last_hidden_state: mx.array
    loss: mx.array | None = None

    def __repr__(self) -> str:
        return fields_text(self)


class BertForTokenClassification(BertPreTrained):
    """BERT that sorts every token into classes: ``.logits`` [B, T, num_labels]. It has no pooler.

    To train one on your own labels: ``from_pretrained(base, num_labels=9)`` makes the head.

    Args:
        config: sizes and choices; ``id2label`` says which classes.

    Source: Devlin et al. 2019, §5.3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> config = mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
    ...                        intermediate_size=16, id2label={0: "O", 1: "B-PER", 2: "I-PER"})
    >>> out = mf.BertForTokenClassification(config)(mx.array([[2, 4, 3]]), labels=mx.array([[-100, 1, -100]]))
    >>> out.logits.shape == (1, 3, 3), out.loss.shape == ()
    (True, True)
    """

    heads = ("classifier.",)
    has_pooler = False
    has_labels = True

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, pooler=False)
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
        """A score for each class, at each token.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T], which text of a pair a token is of; None means 0.
            attention_mask: [B, T], 1 or True at real tokens; None means all.
            labels: integers [B, T], the class of each token, −100 where none is to be told (padding, [CLS], all pieces
                of a word but the first); None asks for no loss.

        Returns:
            A ``BertHeadOutput``, ``logits`` [B, T, num_labels].

        Raises:
            ArgumentError: as ``BertModel``, and labels of another shape, kind or range.
        """
        out = self.bert(input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        hidden = out.last_hidden_state
        logits = self.classifier(self.classifier_dropout(hidden))  # [B, T, num_labels]
        logits = tap("logits", logits, axes=LABELS, formula="h Wᵀ + b")
        return head_output(logits, hidden, None if labels is None else class_loss(logits, labels))


class BertForQuestionAnswering(BertPreTrained):
    """BERT that marks the answer in a text: ``.start_logits`` and ``.end_logits``, [B, T] each. It has no pooler.

    A question and a text go in as a pair. To train one: ``from_pretrained(base, new_head=True)`` makes the head.

    Args:
        config: sizes and choices.

    Source: Devlin et al. 2019, §4.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.BertForQuestionAnswering(mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1,
    ...                                                   num_attention_heads=2, intermediate_size=16))
    >>> out = model(mx.array([[2, 4, 3, 5, 6, 3]]), start_positions=mx.array([3]), end_positions=mx.array([4]))
    >>> out.start_logits.shape == (1, 6), out.loss.shape == ()
    (True, True)
    """

    heads = ("qa_outputs.",)
    has_pooler = False

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, pooler=False)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        initialize(self.qa_outputs, config)

    def __call__(
        self,
        input_ids: mx.array,
        *,
        token_type_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        start_positions: mx.array | None = None,
        end_positions: mx.array | None = None,
    ) -> BertQuestionAnsweringOutput:
        """Scores of each token being the answer's first, and of its being the last.

        Args:
            input_ids: integers [B, T], 0 to V − 1: ``[CLS] question [SEP] text [SEP]``.
            token_type_ids: integers [B, T], 1 in the text; None means 0.
            attention_mask: [B, T], 1 or True at real tokens; None means all.
            start_positions: integers [B], the answer's first token, T or more or −100 where it is not in the text;
                None asks for no loss.
            end_positions: integers [B], its last token, likewise; given together with the first.

        Returns:
            A ``BertQuestionAnsweringOutput``.

        Raises:
            ArgumentError: as ``BertModel``, and positions of another shape or kind, negative, or one without the other.
        """
        out = self.bert(input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        hidden = out.last_hidden_state
        logits = self.qa_outputs(hidden)  # [B, T, 2]
        start, end = logits[..., 0], logits[..., 1]
        start = tap("start_logits", start, axes=TOKENS, formula="h w_start + b")
        end = tap("end_logits", end, axes=TOKENS, formula="h w_end + b")
        loss = None
        if start_positions is not None or end_positions is not None:
            loss = span_loss(start, end, start_positions, end_positions)
        return BertQuestionAnsweringOutput(start, end, hidden, loss)
