"""The WordPiece vocabulary of the five models: special tokens, English pieces, punctuation, Chinese characters.

The English part comes first, so that the models which read English alone use the same ids. It ships as
``vocabulary.txt``; ``build`` is what made it (``python -m mlxformer.pretrained.texts``), but for ties, which the
trainer breaks otherwise in each run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from mlxformer.tokenization.bert import BertTokenizer

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ENGLISH_PIECES = 2000
PUNCTUATION = "，。？！；：、·…《》（）“”‘’"
MAX_LENGTH = 64  # positions of each model


def build(english: Iterable[str], chinese: Iterable[str]) -> list[str]:
    """Pieces learned on the English texts, the special ones among them, and all characters of the Chinese ones.

    Args:
        english: texts.
        chinese: texts.

    Returns:
        At most 2,000 pieces, then punctuation and characters, the frequent ones first.

    >>> from mlxformer.pretrained.masked.vocabulary import build
    >>> build(["a b"], ["画蛇添足"])[-1] in "画蛇添足"
    True
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer = normalizers.BertNormalizer(lowercase=True)
    learner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=ENGLISH_PIECES, special_tokens=list(SPECIAL), continuing_subword_prefix="##", show_progress=False
    )
    learner.train_from_iterator(english, trainer)
    ids = learner.get_vocab()
    pieces = sorted(ids, key=ids.__getitem__)
    seen = Counter(character for text in chinese for character in text if "一" <= character <= "鿿")
    characters = sorted(seen, key=lambda character: (-seen[character], character))
    return [*pieces, *(mark for mark in PUNCTUATION if mark not in ids), *characters]


@cache
def tokens() -> tuple[str, ...]:
    """The shipped vocabulary, in the order of the ids.

    Returns:
        6,806 tokens.

    >>> from mlxformer.pretrained.masked.vocabulary import tokens
    >>> tokens()[:5]
    ('[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]')
    """
    return tuple((files("mlxformer.pretrained.masked") / "vocabulary.txt").read_text(encoding="utf-8").splitlines())


@cache
def tokenizer(*, english_only: bool = False) -> BertTokenizer:
    """The tokenizer of ``bert-mini``, or of the models that read English alone.

    Args:
        english_only: which.

    Returns:
        A ``BertTokenizer``.

    >>> from mlxformer.pretrained.masked.vocabulary import tokenizer
    >>> tokenizer(english_only=True).vocab_size
    2000
    """
    known = tokens()[:ENGLISH_PIECES] if english_only else tokens()
    return BertTokenizer.from_vocabulary(known, model_max_length=MAX_LENGTH)
