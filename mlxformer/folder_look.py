"""A model and its tokenizer from any folder, and what ``python -m mlxformer --model FOLDER "text"`` says of it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.checkpoints.folder import CONFIG, find_folder, open_checkpoint, read_json
from mlxformer.errors import CheckpointError
from mlxformer.generation.generate import GenerativeModel
from mlxformer.generation.rules import log_softmax
from mlxformer.harmless import in_a_line
from mlxformer.models.bert.albert import AlbertModel
from mlxformer.models.bert.heads import BertForMaskedLM
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.roberta import RobertaForMaskedLM, RobertaModel
from mlxformer.models.gpt.model import GPT
from mlxformer.models.marian.model import MarianModel
from mlxformer.models.modernbert.masked_lm import ModernBertForMaskedLM
from mlxformer.models.modernbert.model import ModernBertModel
from mlxformer.models.seq2seq import Seq2Seq
from mlxformer.models.t5.model import T5Model
from mlxformer.models.transformer import Transformer
from mlxformer.tokenization.any import Tokenizer
from mlxformer.tokenization.marian import MarianTokenizer
from mlxformer.tracing import trace

MODELS: dict[str, Any] = {
    "bert": BertModel,
    "roberta": RobertaModel,
    "xlm-roberta": RobertaModel,
    "modernbert": ModernBertModel,
    "albert": AlbertModel,
    "gpt2": GPT,
    "llama": GPT,
    "mlxformer-gpt": GPT,
    "mlxformer-transformer": Transformer,
    "mlxformer-seq2seq": Seq2Seq,
    "t5": T5Model,
    "marian": MarianModel,
}
# Where a folder of this kind has a tensor of such a name, it is read with its masked-LM head.
MASKED_LM: dict[str, tuple[str, Any]] = {
    "bert": ("cls.predictions.transform.", BertForMaskedLM),
    "roberta": ("lm_head.dense.", RobertaForMaskedLM),
    "xlm-roberta": ("lm_head.dense.", RobertaForMaskedLM),
    "modernbert": ("decoder.bias", ModernBertForMaskedLM),
}


def open_model(path_or_name: str | os.PathLike[str]) -> tuple[Any, Any]:
    """The model in a folder and its tokenizer, whichever of ``MODELS`` it is.

    A BERT, RoBERTa or ModernBERT has its masked-LM head where the folder has one.

    Args:
        path_or_name: a folder, or a repository that is in the local Hugging Face cache.

    Returns:
        The model, in evaluation mode, and the tokenizer.

    Raises:
        CheckpointError: the folder cannot be read, or is of another kind of model.

    >>> import tempfile
    >>> import mlxformer as mf
    >>> from mlxformer.folder_look import open_model
    >>> shipped = mf.load_pretrained("bert-mini")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shipped.model.save_pretrained(folder)
    ...     shipped.tokenizer.save_pretrained(folder)
    ...     type(open_model(folder)[0]).__name__
    'BertForMaskedLM'
    """
    folder = find_folder(path_or_name)
    kind = read_json(folder / CONFIG).get("model_type")
    if not isinstance(kind, str) or kind not in MODELS:
        message = f"{folder / CONFIG}: model_type is {kind!r:.80}; read are {', '.join(MODELS)}"
        raise CheckpointError("model-family", message, path=folder / CONFIG, given=kind, known=list(MODELS))
    made = MODELS[kind]
    head, with_head = MASKED_LM.get(kind, ("", made))
    if head and any(name.startswith(head) for name in open_checkpoint(folder).tensors):
        made = with_head
    return made.from_pretrained(folder), (MarianTokenizer if kind == "marian" else Tokenizer).from_pretrained(folder)


def folder_look(path_or_name: str | os.PathLike[str], text: str) -> str:
    """What ``python -m mlxformer --model`` prints.

    Args:
        path_or_name: a folder, or a repository that is in the local Hugging Face cache.
        text: any string.

    Returns:
        Lines: the model's sizes, what became of its tensors, the text's tokens, and what came of them.

    Raises:
        MlxformerError: the folder or the text cannot be read.

    >>> import tempfile
    >>> import mlxformer as mf
    >>> from mlxformer.folder_look import folder_look
    >>> shipped = mf.load_pretrained("bert-mini")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shipped.model.save_pretrained(folder)
    ...     shipped.tokenizer.save_pretrained(folder)
    ...     "[CLS] 画 蛇 [SEP]" in folder_look(folder, "画蛇")
    True
    """
    model, tokenizer = open_model(path_or_name)
    batch = tokenizer([text])
    lines = [f"{type(model).__name__}: {model._extra_repr()}", *_indented(str(model.load_report)), ""]
    tokens = tokenizer.tokenize(text) if isinstance(tokenizer, MarianTokenizer) else batch.tokens[0]
    lines += [f"{len(tokens)} tokens: {in_a_line(' '.join(tokens))}", ""]
    with trace() as steps:
        output = model(batch["input_ids"]) if isinstance(model, GPT) else _pass(model, batch)
    lines.append(f"One pass, {len(steps)} traced tensors, the first and the last of them:")
    lines += [f"  {step!r}" for step in (*steps[:3], *steps[-3:])]
    if isinstance(model, GPT):
        log_p = log_softmax(to_numpy(output)[0, -1].astype(np.float64))
        best = [
            f"{tokenizer.tokens([token])[0]!r} {np.exp(log_p[token]):.3f}" for token in np.argsort(-log_p)[:5].tolist()
        ]
        lines += ["", f"What may follow: {', '.join(best)}"]
    if isinstance(model, GenerativeModel):
        written = model.generate(**batch, max_new_tokens=20)
        lines += ["", f"Written greedily: {in_a_line(tokenizer.decode(written)[0])}"]
    return "\n".join(lines)


def _pass(model: Any, batch: Any) -> Any:
    """An encoder's output; an encoder-decoder's logits after the start of its target."""
    if not isinstance(model, GenerativeModel):
        return model(**batch)
    start = model._rules({"max_length": 2}).start_id
    return model(batch["input_ids"], mx.array([[start]]))


def _indented(text: str) -> list[str]:
    """Lines of a report, each cut to a terminal's width."""
    return [f"  {line[:116]}{' …' * (len(line) > 116)}" for line in text.splitlines()]
