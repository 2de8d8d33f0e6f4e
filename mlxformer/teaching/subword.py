"""Subword tokenizers learned by the tokenizers library, in the four ways that people compare.

    bpe         joins the most frequent pair of neighbors                        Sennrich et al. 2016
    byte-bpe    the same over the 256 bytes of UTF-8, so that nothing is unknown  Radford et al. 2019, §2.2
    wordpiece   pieces inside a word begin with ``##``, longest match first       Schuster & Nakajima 2012
    unigram     starts with many pieces and drops those that cost the least likelihood; the most probable split is
                found by dynamic programming                                      Kudo 2018

The library's ``WordPieceTrainer`` joins the most frequent pair, as BPE does; what is WordPiece in it is the ``##`` and
the longest match. For the likelihood score see ``mlxformer.teaching.byte_pair_encoding``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from mlxformer.validation import require_choice, require_positive

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Kind = Literal["bpe", "byte-bpe", "wordpiece", "unigram"]
KINDS: tuple[Kind, ...] = ("bpe", "byte-bpe", "wordpiece", "unigram")
UNKNOWN = "[UNK]"
_PARALLEL = "TOKENIZERS_PARALLELISM"


def train_subword_tokenizer(kind: Kind, lines: Iterable[str], vocab_size: int) -> Tokenizer:
    """A tokenizer of about ``vocab_size`` pieces, learned by the tokenizers library.

    Never fewer than the characters that occur (twice those for wordpiece, 256 for byte-bpe), and fewer than asked where
    the text gives no more. All but byte-bpe have ``[UNK]`` for characters that did not occur. Blanks become ``▁``
    (``Ġ`` for byte-bpe), but wordpiece drops them.

    Args:
        kind: ``"bpe"``, ``"byte-bpe"``, ``"wordpiece"`` or ``"unigram"``.
        lines: the texts to learn from.
        vocab_size: V, pieces.

    Returns:
        A ``tokenizers.Tokenizer``: ``.encode(text).tokens``, ``.decode(ids)``.

    Raises:
        ArgumentError: another kind, or a size below 1.

    Source: Sennrich et al. 2016; Radford et al. 2019, §2.2; Schuster & Nakajima 2012; Kudo 2018.

    >>> from mlxformer.teaching.subword import train_subword_tokenizer
    >>> train_subword_tokenizer("bpe", ["low low lower"], 20).encode("low").tokens
    ['▁low']
    """
    require_choice("kind", kind, KINDS)
    require_positive(vocab_size=vocab_size)
    tokenizer, trainer = _made(kind, vocab_size)
    with _one_thread():  # small texts are learned faster so, and always alike
        tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


@contextmanager
def _one_thread() -> Iterator[None]:
    """The library knows no argument for it, only this variable."""
    before = os.environ.get(_PARALLEL)
    os.environ[_PARALLEL] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PARALLEL]
        else:
            os.environ[_PARALLEL] = before


def _made(kind: Kind, vocab_size: int) -> tuple[Tokenizer, Any]:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    options: dict[str, Any] = {"vocab_size": vocab_size, "show_progress": False}
    model: Any
    trainer: Any
    if kind == "byte-bpe":
        model = models.BPE()
        trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
        before: Any = pre_tokenizers.ByteLevel(add_prefix_space=False)
        after: Any = decoders.ByteLevel()
    elif kind == "wordpiece":
        model = models.WordPiece(unk_token=UNKNOWN)
        trainer = trainers.WordPieceTrainer(special_tokens=[UNKNOWN], continuing_subword_prefix="##", **options)
        before, after = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(prefix="##")
    else:
        if kind == "bpe":
            model = models.BPE(unk_token=UNKNOWN)
            trainer = trainers.BpeTrainer(special_tokens=[UNKNOWN], **options)
        else:
            model = models.Unigram()
            trainer = trainers.UnigramTrainer(special_tokens=[UNKNOWN], unk_token=UNKNOWN, **options)
        before, after = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer, tokenizer.decoder = before, after
    return tokenizer, trainer
