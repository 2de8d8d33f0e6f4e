"""A score for each pair of texts, read together: ``[CLS] query [SEP] text [SEP]`` through one network."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.checkpoints.folder import CONFIG, find_folder, read_json, write_files
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.heads import BertForSequenceClassification
from mlxformer.models.bert.roberta import RobertaForSequenceClassification
from mlxformer.models.sentences.pipeline import Activation, activation_called, activation_name, body_class
from mlxformer.tokenization.any import Tokenizer
from mlxformer.tokenization.bert import BertTokenizer
from mlxformer.validation import require_finite, require_positive

Classifier = BertForSequenceClassification | RobertaForSequenceClassification
CLASSIFIERS: dict[str, type[Classifier]] = {
    "bert": BertForSequenceClassification,
    "roberta": RobertaForSequenceClassification,
    "xlm-roberta": RobertaForSequenceClassification,
}


class CrossEncoder:
    """Texts put in order by how well they answer a query.

    ``CrossEncoder.from_pretrained(folder)`` reads the folder of a classifier. Scores pass through the activation that
    it names (``sentence_transformers``, ``sbert_ce_default_activation_function``), else through a sigmoid where there
    is one label, and are logits where there are more.

    Args:
        model: the classifier, in evaluation mode.
        tokenizer: its tokenizer.
        activation: of the scores.

    Source: Devlin et al. 2019, §4; Nogueira & Cho 2019, "Passage Re-ranking with BERT", §3.

    >>> import mlxformer as mf
    >>> config = mf.BertConfig(vocab_size=9_000, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
    ...                        intermediate_size=16, id2label={0: "relevance"})
    >>> ranker = mf.CrossEncoder(mf.BertForSequenceClassification(config), mf.load_pretrained("bert-mini").tokenizer)
    >>> [index for index, score in ranker.rank("明月", ["床前明月光"])]
    [0]
    """

    def __init__(self, model: Classifier, tokenizer: BertTokenizer, activation: Activation = mx.sigmoid) -> None:
        self.model, self.tokenizer, self.activation = model, tokenizer, activation
        limits = (model.config.max_tokens, tokenizer.settings.model_max_length)
        self.max_length = min(limit for limit in limits if limit is not None)
        model.eval()

    def __repr__(self) -> str:
        labels = self.model.config.num_labels
        return f"CrossEncoder({type(self.model).__name__}, labels={labels}, max_length={self.max_length})"

    @classmethod
    def from_pretrained(cls, path_or_name: str | os.PathLike[str], *, revision: str = "main") -> CrossEncoder:
        """From a folder, or a repository in the local Hugging Face cache; the network is never used.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.

        Returns:
            The ranker.

        Raises:
            CheckpointError: as the model's and the tokenizer's ``from_pretrained``, and for an activation that is not
                implemented.
        """
        folder = find_folder(path_or_name, revision)
        values = read_json(folder / CONFIG)
        model = body_class(folder, CLASSIFIERS).from_pretrained(folder)
        named = values.get("sentence_transformers")
        name = named.get("activation_fn") if isinstance(named, dict) else None
        name = name or values.get("sbert_ce_default_activation_function")
        name = name or ("Sigmoid" if model.config.num_labels == 1 else "Identity")
        return cls(model, Tokenizer.from_pretrained(folder), activation_called(name))

    def save_pretrained(self, folder: str | os.PathLike[str], *, dtype: str | None = None) -> None:
        """Write the folder that ``from_pretrained`` reads: the classifier, its tokenizer and the activation's name.

        Args:
            folder: where to; it is made if need be.
            dtype: of the weights, ``"float32"``, ``"float16"`` or ``"bfloat16"``; None stores them as they are.

        Raises:
            CheckpointError: as the model's ``save_pretrained``, and for an activation that has no name.
        """
        name = activation_name(self.activation)
        self.model.save_pretrained(folder, dtype=dtype)
        self.tokenizer.save_pretrained(folder)
        values = read_json(Path(folder) / CONFIG) | {"sentence_transformers": {"activation_fn": name}}
        text = json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        write_files(Path(folder), {CONFIG: text.encode()})

    def predict(self, pairs: Sequence[tuple[str, str]], batch_size: int = 32) -> mx.array:
        """A score for each pair.

        Args:
            pairs: N pairs of texts; the longer of a pair is cut first where they are too long together.
            batch_size: how many go through the network at once; 32.

        Returns:
            float32 [N], or [N, num_labels] where there is more than one label.

        Raises:
            ArgumentError: what is not pairs of text, a batch size below 1, logits that are not all numbers.
        """
        require_positive(batch_size=batch_size)
        is_list = isinstance(pairs, Sequence) and not isinstance(pairs, str)
        listed = [tuple(pair) if isinstance(pair, list | tuple) else () for pair in pairs] if is_list else []
        if not listed or not all(len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in listed):
            message = f"pairs must be a list of at least one (text, text); got {pairs!r:.80}"
            raise ArgumentError("not-text", message, name="pairs")
        order = np.argsort([-sum(map(len, pair)) for pair in listed], kind="stable")
        parts = []
        for first in range(0, len(order), batch_size):
            chosen = [listed[place] for place in order[first : first + batch_size]]
            batch = self.tokenizer(*map(list, zip(*chosen, strict=True)), max_length=self.max_length)
            logits = self.model(**batch).logits.astype(mx.float32)
            require_finite("the logits", logits, "Are the weights numbers, and do they fit their dtype?")
            parts.append(to_numpy(self.activation(logits)))
        found = np.concatenate(parts)[np.argsort(order, kind="stable")]
        return mx.array(found[:, 0] if found.shape[1] == 1 else found)

    def rank(self, query: str, texts: Sequence[str], batch_size: int = 32) -> list[tuple[int, float]]:
        """The texts in order, the best answer first.

        Args:
            query: what is looked for.
            texts: N texts.
            batch_size: how many go through the network at once; 32.

        Returns:
            N pairs (index, score), of equal scores the earlier first.

        Raises:
            ArgumentError: what is not text, and a classifier of more than one label, whose scores are no order.
        """
        labels = self.model.config.num_labels
        if labels != 1:
            message = f"this classifier has {labels} labels, and an order needs one score: use predict"
            raise ArgumentError("rank-labels", message, given=labels)
        if not isinstance(query, str):
            raise ArgumentError("not-text", f"query must be a string; got {query!r:.80}", name="query")
        is_list = isinstance(texts, Sequence) and not isinstance(texts, str) and texts
        if not is_list or not all(isinstance(text, str) for text in texts):
            message = f"texts must be a list of at least one string; got {texts!r:.80}"
            raise ArgumentError("not-text", message, name="texts")
        scores = to_numpy(self.predict([(query, text) for text in texts], batch_size))
        return [(int(place), float(scores[place])) for place in np.argsort(-scores, kind="stable")]
