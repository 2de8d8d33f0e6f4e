"""Merges by hand, by the tokenizers library, and by counting everything anew at each step."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from mlxformer.errors import ArgumentError
from mlxformer.pretrained.masked.samples import samples
from mlxformer.teaching.byte_pair_encoding import BLANK, apply_merges, learn_merges, words_of
from mlxformer.teaching.subword import KINDS, UNKNOWN, train_subword_tokenizer

ENGLISH = samples("verse")[:60]
CHINESE = samples("lunyu")[:40]


def test_the_example_of_the_paper() -> None:
    """Sennrich et al. 2016, Algorithm 1: low, lower, newest, widest (with their ends of words)."""
    words = {"low·": 5, "lower·": 2, "newest·": 6, "widest·": 3}
    learned = learn_merges(words, 10)
    assert learned[0].piece == "es" and learned[2].piece == "est·"  # by "est" or by "t·": the paper's tie is open
    assert [merge.count for merge in learned[:3]] == [9, 9, 9]
    assert {"lo", "low"} <= {merge.piece for merge in learned}
    assert apply_merges("lowest·", learned) == ["low", "est·"]


def recounted(words: Counter[str], number: int, criterion: str) -> list[tuple[tuple[str, str], int]]:
    """The same, with all counts made anew at each step."""
    split = {word: list(word) for word in words}
    born = {character: place for place, character in enumerate(sorted(set("".join(words))))}
    found = []
    for _ in range(number):
        pairs: Counter[tuple[str, str]] = Counter()
        pieces: Counter[str] = Counter()
        for word, count in words.items():
            for piece in split[word]:
                pieces[piece] += count
            for left, right in zip(split[word], split[word][1:], strict=False):
                pairs[left, right] += count
        if not pairs:
            break

        def score(pair: tuple[str, str], pairs: Counter = pairs, pieces: Counter = pieces) -> float:
            return pairs[pair] if criterion == "frequency" else pairs[pair] / (pieces[pair[0]] * pieces[pair[1]])

        best = max(map(score, pairs))
        pair = min((p for p in pairs if score(p) == best), key=lambda p: (born[p[0]], born[p[1]]))
        found.append((pair, pairs[pair]))
        born.setdefault("".join(pair), len(born))
        for word, pieces_now in split.items():
            joined, place = [], 0
            while place < len(pieces_now):
                both = tuple(pieces_now[place : place + 2]) == pair
                joined.append("".join(pair) if both else pieces_now[place])
                place += 2 if both else 1
            split[word] = joined
    return found


@pytest.mark.parametrize("criterion", ["frequency", "likelihood"])
def test_counts_kept_up_to_date_are_counts_made_anew(criterion: str) -> None:
    source = random.Random(0)
    words = Counter({"".join(source.choices("abc", k=source.randint(1, 7))): source.randint(1, 5) for _ in range(60)})
    learned = learn_merges(words, 40, criterion=criterion)  # type: ignore[arg-type]
    assert [(merge.pair, merge.count) for merge in learned] == recounted(words, 40, criterion)


@pytest.mark.parametrize("lines", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_the_merges_and_the_tokens_are_the_library_s(lines: list[str]) -> None:
    words = words_of(lines)
    alphabet = len(set("".join(words)))
    learned = learn_merges(words, 150)
    library = train_subword_tokenizer("bpe", lines, alphabet + 1 + 150)
    assert [merge.pair for merge in learned] == [tuple(p) for p in json.loads(library.to_str())["model"]["merges"]]
    for line in lines[:20]:
        ours = [piece for word in line.split() for piece in apply_merges(BLANK + word, learned)]
        assert ours == library.encode(line).tokens


def test_words_and_their_end() -> None:
    assert words_of(["a bc", " bc  "]) == {"▁a": 1, "▁bc": 2}
    assert learn_merges({"ab": 1}, 9) == learn_merges({"ab": 1}, 1) and learn_merges({}, 3) == []
    assert apply_merges("", []) == [] and apply_merges("aaa", learn_merges({"aaa": 2}, 1)) == ["aa", "a"]


def test_refusals() -> None:
    with pytest.raises(ArgumentError, match="number of merges"):
        learn_merges({"ab": 1}, -1)
    with pytest.raises(ArgumentError) as caught:
        learn_merges({"ab": 1}, 1, criterion="size")  # type: ignore[arg-type]
    assert caught.value.code == "unknown-choice"
    with pytest.raises(ArgumentError):
        train_subword_tokenizer("words", ENGLISH, 100)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError):
        train_subword_tokenizer("bpe", ENGLISH, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_library_s_tokenizers(kind: str) -> None:
    tokenizer = train_subword_tokenizer(kind, ENGLISH, 400)  # type: ignore[arg-type]
    assert 300 <= tokenizer.get_vocab_size() <= 400
    encoded = tokenizer.encode("the kingdom ☃")
    assert (UNKNOWN in tokenizer.get_vocab()) == (kind != "byte-bpe")
    if kind == "byte-bpe":
        assert tokenizer.decode(encoded.ids) == "the kingdom ☃"
    elif kind != "wordpiece":
        assert tokenizer.decode(tokenizer.encode("the kingdom").ids) == "the kingdom"
    else:
        assert encoded.tokens[-1] == UNKNOWN and encoded.tokens[0] == "the"


def test_the_library_s_wordpiece_trainer_joins_by_frequency() -> None:
    """As its BPE does: nearly every piece is one that BPE with the same prefix makes (ties fall differently)."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE(unk_token=UNKNOWN))
    bpe.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    options = {"vocab_size": 400, "show_progress": False, "special_tokens": [UNKNOWN]}
    bpe.train_from_iterator(ENGLISH, trainers.BpeTrainer(continuing_subword_prefix="##", **options))
    theirs, ours = set(bpe.get_vocab()), set(train_subword_tokenizer("wordpiece", ENGLISH, 400).get_vocab())
    assert len(theirs & ours) >= 0.9 * len(theirs)
