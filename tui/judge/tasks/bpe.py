"""Byte pair encoding: join the most frequent neighbors again and again; encode by the merges in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.material import case, mistake

Pair = tuple[str, str]


def _train_component(words: dict[str, int], merges: int) -> list[Pair]:
    from mlxformer.teaching.byte_pair_encoding import learn_merges

    return [merge.pair for merge in learn_merges(words, merges)]


def _encode_component(word: str, merges: Sequence[Pair]) -> list[str]:
    from mlxformer.teaching.byte_pair_encoding import Merge, apply_merges

    return apply_merges(word, [Merge((left, right), 0, 0.0) for left, right in merges])


def _join(pieces: list[str], pair: Pair, most: int | None = None, backwards: bool = False) -> list[str]:
    """Every occurrence of ``pair`` made one piece, from the left; ``most``: no more than so many."""
    if backwards:
        turned = _join(pieces[::-1], (pair[1], pair[0]), most)
        return [pair[0] + pair[1] if piece == pair[1] + pair[0] else piece for piece in turned[::-1]]
    joined: list[str] = []
    place = count = 0
    while place < len(pieces):
        if tuple(pieces[place : place + 2]) == pair and (most is None or count < most):
            joined.append(pair[0] + pair[1])
            place, count = place + 2, count + 1
        else:
            joined.append(pieces[place])
            place += 1
    return joined


def _train(
    words: dict[str, int],
    merges: int,
    *,
    weigh: bool = True,
    ties: str = "born",
    stop: bool = True,
    update: bool = True,
    least: bool = False,
    end: str = "",
    fewer: int = 0,
    overlap: bool = True,
    most: int | None = None,
) -> list[Pair]:
    """The right training; each argument after the contract's is a mistake."""
    texts = [(list(word) + ([end] if end else []), count if weigh else 1) for word, count in words.items()]
    born = {piece: place for place, piece in enumerate(sorted({p for pieces, _ in texts for p in pieces}))}
    learned: list[Pair] = []
    counts = _count(texts, overlap)
    for _ in range(merges - fewer):
        if update:
            counts = _count(texts, overlap)
        else:
            counts = Counter({pair: count for pair, count in counts.items() if pair not in learned})
        if not counts and stop:
            break
        best = (min if least else max)(counts.values())
        equal = [pair for pair, count in counts.items() if count == best]
        if ties == "first-seen":
            pair = equal[0]
        elif ties == "alphabet":
            pair = min(equal)
        elif ties == "last":
            pair = max(equal)
        elif ties == "longest":
            pair = max(equal, key=lambda each: (len(each[0] + each[1]), each))
        else:
            pair = min(equal, key=lambda each: (born[each[0]], born[each[1]]))
        learned.append(pair)
        born.setdefault(pair[0] + pair[1], len(born))
        texts = [(_join(pieces, pair, most), count) for pieces, count in texts]
    return learned


def _count(texts: Sequence[tuple[list[str], int]], overlap: bool) -> Counter[Pair]:
    counts: Counter[Pair] = Counter()
    for pieces, count in texts:
        for pair in pairwise(pieces) if overlap else set(pairwise(pieces)):
            counts[pair] += count
    return counts


def _encode(
    word: str,
    merges: Sequence[Pair],
    *,
    order: str = "learned",
    most: int | None = None,
    end: str = "",
    backwards: bool = False,
) -> list[str]:
    pieces = list(word) + ([end] if end else [])
    if order == "longest":
        return _longest_match(word, {left + right for left, right in merges})
    pairs = list(reversed(merges)) if order == "reversed" else list(merges)
    if order == "first-fit":
        return _first_fit(pieces, set(pairs))
    for left, right in pairs:
        pieces = _join(pieces, (left, right), most, backwards)
    return pieces


def _first_fit(pieces: list[str], pairs: set[Pair]) -> list[str]:
    """Joins the leftmost pair that is any merge at all, again and again."""
    while True:
        for place, pair in enumerate(pairwise(pieces)):
            if pair in pairs:
                pieces = [*pieces[:place], pair[0] + pair[1], *pieces[place + 2 :]]
                break
        else:
            return pieces


def _longest_match(word: str, known: set[str]) -> list[str]:
    """From the left the longest known piece, as WordPiece does."""
    pieces = []
    while word:
        size = next(size for size in range(len(word), 0, -1) if size == 1 or word[:size] in known)
        pieces.append(word[:size])
        word = word[size:]
    return pieces


def _train_call(words: dict[str, int], merges: int) -> Call:
    return Call("train", (words, merges))


def _encode_call(word: str, merges: list[Pair]) -> Call:
    return Call("encode", (word, merges))


_CORPUS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
_CORPUS_MERGES = _train(_CORPUS, 10)
_CHINESE = {"注意力": 4, "注意": 3, "意力": 2, "注力": 1}
_ORDER: list[Pair] = [("b", "c"), ("a", "b"), ("a", "bc")]


def _mistake(name: str, zh: str, en: str, **functions: Any) -> Any:
    return mistake(name, zh, en, "subword-algorithms", "subword-training", **functions)


TASK = Task(
    "bpe",
    (
        Function("train", ("words", "merges"), (Output("merges", (), "data"),)),
        Function("encode", ("word", "merges"), (Output("pieces", (), "data"),)),
    ),
    {"train": _train_component, "encode": _encode_component},
    {"train": _train, "encode": _encode},
    (
        case("by-hand", "手算的例子", "an example by hand", _train_call({"low": 5, "lot": 2}, 2)),
        case("corpus", "Sennrich 的例子", "Sennrich's example", _train_call(_CORPUS, 10)),
        case(
            "counts-matter",
            "词频说了算",
            "how often a word occurs counts",
            _train_call({"ab": 1, "ac": 1, "ad": 1, "xy": 9}, 2),
        ),
        case(
            "ties-of-characters",
            "次数相同，按字符先后",
            "equal counts, by character",
            _train_call({"ba": 2, "dc": 2, "ab": 2, "cd": 2}, 4),
        ),
        case(
            "ties-of-pieces",
            "次数相同，先出现的片段优先",
            "equal counts, by which piece came first",
            _train_call({"ab": 5, "abc": 1, "bx": 1, "yz": 1}, 4),
        ),
        case("many-ties", "许多相同的次数", "many equal counts", _train_call({"xayb": 1, "ybxa": 1, "aybx": 1}, 6)),
        case("repeats", "连着的相同字符", "a character in a row", _train_call({"aaaa": 3, "aaa": 2, "ba": 12}, 3)),
        case("runs-out", "没有可合并的了", "no pair is left", _train_call({"ab": 2, "c": 3}, 10)),
        case("none", "合并 0 次", "no merges", _train_call({"abc": 2}, 0)),
        case("single", "只有单个字符的词", "words of one character", _train_call({"a": 4, "b": 1}, 3)),
        case("chinese", "中文", "Chinese", _train_call(_CHINESE, 4)),
        case(
            "encode-by-hand",
            "编码：手算的例子",
            "encoding, an example by hand",
            _encode_call("lowest", [("l", "o"), ("lo", "w")]),
        ),
        case("encode-corpus", "编码一个没见过的词", "encoding an unseen word", _encode_call("lowest", _CORPUS_MERGES)),
        case("encode-order", "合并的先后", "the order of the merges", _encode_call("abcab", _ORDER)),
        case(
            "encode-overlap",
            "挨着的两个合并争一个字符",
            "two merges that want one character",
            _encode_call("abcd", [("b", "c"), ("a", "b"), ("c", "d")]),
        ),
        case("encode-repeats", "连着的相同片段", "a piece in a row", _encode_call("aaaaa", [("a", "a"), ("aa", "aa")])),
        case("encode-many", "同一对出现多次", "a pair that occurs often", _encode_call("newestnewest", _CORPUS_MERGES)),
        case("encode-unknown", "没见过的字符", "characters never seen", _encode_call("löw注", _CORPUS_MERGES)),
        case("encode-none", "没有合并", "no merges", _encode_call("abc", [])),
        case("encode-one", "一个字符", "one character", _encode_call("a", _ORDER)),
    ),
    (
        _mistake(
            "frequencies-ignored",
            "没看词频、每个词只数一次的 BPE",
            "BPE that counts each word once, whatever its frequency",
            train=partial(_train, weigh=False),
        ),
        _mistake(
            "ties-by-text",
            "次数相同时按字典序、不按片段先后的 BPE",
            "BPE that breaks ties by the text of the pieces, not by which came first",
            train=partial(_train, ties="alphabet"),
        ),
        _mistake(
            "ties-as-met",
            "次数相同时取先遇到的那一对的 BPE",
            "BPE that breaks ties by which pair it meets first",
            train=partial(_train, ties="first-seen"),
        ),
        _mistake(
            "ties-by-last",
            "次数相同时取字典序最后的 BPE",
            "BPE that breaks ties by the last in the alphabet",
            train=partial(_train, ties="last"),
        ),
        _mistake(
            "ties-by-length",
            "次数相同时取最长片段的 BPE",
            "BPE that breaks ties by the longest piece",
            train=partial(_train, ties="longest"),
        ),
        _mistake(
            "does-not-stop",
            "没有对子可合并时出错的 BPE",
            "BPE that fails where no pair is left",
            train=partial(_train, stop=False),
        ),
        _mistake(
            "counts-not-updated",
            "合并之后没有重新计数的 BPE",
            "BPE whose counts are not taken anew after a merge",
            train=partial(_train, update=False),
        ),
        _mistake(
            "least-frequent-first",
            "先合并最少见的对子的 BPE",
            "BPE that joins the least frequent pair first",
            train=partial(_train, least=True),
        ),
        _mistake(
            "one-merge-too-few",
            "少合并了一次的 BPE",
            "BPE that makes one merge too few",
            train=partial(_train, fewer=1),
        ),
        _mistake(
            "once-a-word",
            "一个词里同一对只数一次的 BPE",
            "BPE that counts a pair once a word",
            train=partial(_train, overlap=False),
        ),
        _mistake(
            "end-of-word-added",
            "给词加了结尾符 </w> 的 BPE",
            "BPE that adds </w> to the words",
            train=partial(_train, end="</w>"),
            encode=partial(_encode, end="</w>"),
        ),
        _mistake(
            "first-occurrence-only",
            "编码时每个合并只做一处的 BPE",
            "an encoding that joins only the first occurrence of a merge",
            encode=partial(_encode, most=1),
        ),
        _mistake(
            "merges-reversed",
            "编码时把合并倒着用的 BPE",
            "an encoding that applies the merges in reverse",
            encode=partial(_encode, order="reversed"),
        ),
        _mistake(
            "leftmost-pair-first",
            "编码时不管先后、从左边能合就合的 BPE",
            "an encoding that joins the leftmost pair, whatever the order of the merges",
            encode=partial(_encode, order="first-fit"),
        ),
        _mistake(
            "longest-match",
            "编码时取最长匹配的 BPE（那是 WordPiece）",
            "an encoding by the longest match (WordPiece)",
            encode=partial(_encode, order="longest"),
        ),
        _mistake(
            "joined-from-the-right",
            "编码时从右往左合并的 BPE",
            "an encoding that joins from the right",
            encode=partial(_encode, backwards=True),
        ),
    ),
)
