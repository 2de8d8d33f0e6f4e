"""Three granularities over the shipped sample texts: characters, BERT's WordPieces, words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from typing import Any

from mlxformer.pretrained.masked import vocabulary
from mlxformer.pretrained.masked.samples import samples
from mlxformer.tokenization.bert import BertTokenizer

UNKNOWN = "[UNK]"


@cache
def english(held_out: bool = False) -> tuple[str, ...]:
    """Sentences of the King James Bible: all that the word vocabulary is made of, or 100 unseen ones."""
    found = [*samples("verse", held_out=held_out), *samples("book", held_out=held_out)]
    return tuple(found[:100] if held_out else found)


@cache
def chinese(held_out: bool = False) -> tuple[str, ...]:
    return tuple(samples("tang", held_out=held_out) + samples("lunyu", held_out=held_out))


def is_chinese(character: str) -> bool:
    return "一" <= character <= "鿿"


@cache
def _splitter() -> tuple[Any, Any]:
    """BERT's own cleaning and cutting at blanks and punctuation, but without blanks around Chinese characters."""
    from tokenizers import normalizers, pre_tokenizers

    normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, lowercase=True)
    return normalizer, pre_tokenizers.BertPreTokenizer()


def words(text: str) -> list[str]:
    """Between blanks and punctuation, lower case. A run of Chinese, which has no blanks, is one word."""
    normalizer, cutter = _splitter()
    return [word for word, _ in cutter.pre_tokenize_str(normalizer.normalize_str(text))]


def characters(text: str) -> list[str]:
    """All but blanks, lower case."""
    return [character for word in words(text) for character in word]


def pieces(text: str, *, cjk_spaces: bool = True) -> list[str]:
    """The WordPieces of bert-mini; without blanks around Chinese characters where ``cjk_spaces`` is False."""
    return list(_pieces(text, cjk_spaces))


@lru_cache(maxsize=4096)
def _pieces(text: str, cjk_spaces: bool) -> tuple[str, ...]:
    return tuple(_bert(cjk_spaces).tokenize(text))


@cache
def _bert(cjk_spaces: bool) -> BertTokenizer:
    if cjk_spaces:
        return vocabulary.tokenizer()
    return BertTokenizer.from_vocabulary(vocabulary.tokens(), tokenize_chinese_chars=False)


@cache
def word_counts() -> Counter[str]:
    return Counter(word for text in english() for word in words(text))


@cache
def known_words(number: int) -> frozenset[str]:
    """The most frequent ones of the English training text."""
    return frozenset(word for word, _ in word_counts().most_common(number))


@cache
def known_characters() -> frozenset[str]:
    """Those of bert-mini's vocabulary."""
    return frozenset(token for token in vocabulary.tokens() if len(token) == 1)


def with_unknown(tokens: Sequence[str], known: Collection[str]) -> list[str]:
    return [token if token in known else UNKNOWN for token in tokens]


def unknown_share(texts: Sequence[str], split: Any, known: Collection[str] | None = None) -> float:
    """Percent of the tokens of ``texts`` that are not in ``known``, or that are [UNK]."""
    tokens = [token for text in texts for token in split(text)]
    lost = sum(token == UNKNOWN if known is None else token not in known for token in tokens)
    return 100.0 * lost / max(len(tokens), 1)


def shortest_match(word: str, vocabulary: Collection[str]) -> list[str]:
    """A word split by the shortest pieces there are, or [UNK]."""
    found: list[str] = []
    start = 0
    while start < len(word):
        for end in range(start + 1, len(word) + 1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                found.append(piece)
                start = end
                break
        else:
            return [UNKNOWN]
    return found


def not_longest(word: str, split: Sequence[str], vocabulary: Collection[str]) -> int:
    """How many pieces of ``word`` could be longer and still be in the vocabulary."""
    if list(split) == [UNKNOWN]:
        return 0
    start = wrong = 0
    for piece in split:
        end = start + len(piece.removeprefix("##") if start else piece)
        longer = (("##" if start else "") + word[start:stop] for stop in range(end + 1, len(word) + 1))
        wrong += any(candidate in vocabulary for candidate in longer)
        start = end
    return wrong
