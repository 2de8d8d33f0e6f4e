"""A text as words that can be compared, each knowing the characters it was typed as.

Words are compared after compatibility decomposition (NFKD, less accents), case folding and, for the characters this
field uses, simplification of Chinese: ``Ｑ``, ``ｑ`` and ``Q`` are one, ``dₖ``, ``d_k``, ``d_{k}`` and ``dk`` are one,
``√`` is ``sqrt``, ``∞`` ``inf``, 變 is 变, 跟 and 和 are 与, 零 is 0. A run of Latin letters and digits is a word, an
ideograph is a word by itself (but 协方差 is no 方差), a mathematical sign is one. All in one pass: the time grows with
the length of the text.

Words stand in clauses, which punctuation ends. What stands in parentheses is a clause of its own, and the clause
around it goes on after it; ``sqrt(d_k)`` and ``Var(q·k)`` are calls, not parentheses.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from questions.notation import TRANSPOSED, Word, plain, spelled
from questions.script import SIMPLIFY

MOST_MARKS = 16  # on one letter: normalizing takes the square of their number

_ONE = str.maketrans("跟和零", "与与0")  # A 跟 B, A 和 B; 趋于零
_UNSEEN = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})  # joiners, direction marks: nothing that a reader sees

IDEOGRAPHS = "\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SPELLED = {"√": "sqrt", "∞": "inf"}
_COMPOUNDS = ("协方差", "非线性")  # hold another term of the field, and are not it
_LETTER = rf"(?:(?![{IDEOGRAPHS}])[^\W_])"
_TOKEN = re.compile(
    rf"(?P<word>{_LETTER}(?:[_^]*{_LETTER}|[_^]+\{{(?={_LETTER})|['’`´](?=[a-z])"  # d_k, d_{{k}}, don't
    r"|(?<=[0-9])\.(?=[0-9])|(?<=[0-9]),(?=[0-9]{3}))*)"  # 0.5 and 1,024
    rf"|(?P<sign>{'|'.join(_COMPOUNDS)}|[{IDEOGRAPHS}√∞/=×+<>≤≥∝%{TRANSPOSED}])"
    r"|(?P<open>[(\[{【「『《〔])|(?P<close>[)\]}】」』》〕])"
    r"|(?P<asks>\?)|(?P<sentence>[。!;\n]|\.(?!\w))|(?P<clause>,)|(?P<colon>:)|(?P<pause>、)"
)
_WORDED = re.compile(r"[^\W_]|[√∞/=×+<>≤≥∝%]")
_UNWORDED = str.maketrans({**dict.fromkeys("_^{,"), "’": "'", "`": "'", "´": "'"})
_TRANSPOSES = frozenset("ᵀᵗ⊤⊺")
_CALLED = re.compile(
    rf"(?:{_LETTER}|[√_^(/·*×+=−-]|\b(?:softmax|sqrt|layernorm|sublayer|ln|norm|concat|exp|log|var|max|relu|gelu|ffn)\s+)$"
)
_FACTOR = re.compile(
    r"[^()\[\],;\n\u3400-\u9fff]{1,24}\)\s?[/·*×^]"  # (QK^T)/√d_k: a factor, not an aside
    r"|(?: ?[a-z0-9_/·*]{1,6} ?,){1,5} ?[a-z0-9_/·*]{1,6} ?\]"  # [B, T, C]: a shape
    r"|(?: ?[a-z0-9_/·*]{1,6} ?,){2,5} ?[a-z0-9_/·*]{1,6} ?\)"  # (B, T, C)
    r"|(?:mask|cls|sep|pad|unk|bos|eos)\]"  # a token of that name
)
_LISTED = re.compile(r" ?(?:and |or )?[qkv](?![\w'])")  # after the comma of Q, K, V
_PARTNER = dict(zip(")]}】」』》〕", "([{【「『《〔", strict=True))


@dataclass(slots=True)
class Clause:
    """The words between two ends. ``asks``: it ends with a question mark. ``sentence``: which sentence it is in."""

    words: list[Word] = field(default_factory=list)
    asks: bool = False
    sentence: int = 0
    colons: list[int] = field(default_factory=list)  # characters of the text: what is denied before one ends there
    pauses: list[int] = field(default_factory=list)  # as in Q、K、V


def clauses(text: str) -> list[Clause]:
    """The clauses of ``text`` that have words."""
    return _Splitter(text).run()


def words(text: str) -> tuple[str, ...]:
    """The words of a phrase, whatever their clause."""
    return tuple(word.text for clause in clauses(text) for word in clause.words)


def has_words(text: str) -> bool:
    """Whether ``words(text)`` has any, told without taking the text apart."""
    return _WORDED.search(text) is not None


def is_ideograph(word: str) -> bool:
    """Whether a word is Chinese: one character, or a compound."""
    return bool(re.match(f"[{IDEOGRAPHS}]", word))


def _folded(text: str) -> tuple[str, list[int]]:
    """The characters to compare, and for each the index in ``text`` of the one that it stands for; then the end."""
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    characters: list[str] = []
    starts: list[int] = []
    index = 0
    while index < len(text):
        start, index = index, index + 1
        typed = text[start]
        if typed in _TRANSPOSES:
            characters.append(TRANSPOSED)
            starts.append(start)
            continue
        if typed < "\x80" or "\u4e00" <= typed <= "\u9fff":  # most of what is typed decomposes into itself
            characters.append(typed.lower())
            starts.append(start)
            continue
        while index < len(text) and unicodedata.combining(text[index]):
            index += 1
        if unicodedata.category(typed) in _UNSEEN:
            continue
        for character in unicodedata.normalize("NFKD", text[start : min(index, start + MOST_MARKS)]).casefold():
            if not unicodedata.combining(character):
                characters.append(character)
                starts.append(start)
    return "".join(characters).translate(SIMPLIFY).translate(_ONE), [*starts, len(text)]


class _Splitter:
    """Goes through the tokens once, with a clause open."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.done: list[Clause] = []
        self.clause = Clause()
        self.interrupted: list[Clause] = []  # by a parenthesis
        self.brackets: list[tuple[str, bool]] = []  # those open, and whether each is a call's
        self.sentence = 0

    def run(self) -> list[Clause]:
        folded, starts = _folded(self.text)
        folded = plain(folded)
        for token in _TOKEN.finditer(folded):
            kind = token.lastgroup
            begin, end = starts[token.start()], starts[token.end() - 1] + 1
            if kind == "word" or kind == "sign":
                word = token[0].translate(_UNWORDED).removesuffix("'s") if kind == "word" else token[0]
                self.clause.words.append(Word(_SPELLED.get(word, word), begin, end))
                if kind == "word" and "{" in token[0]:
                    self.brackets += [("{", True)] * token[0].count("{")
            elif kind == "open":
                before = folded[max(0, token.start() - 20) : token.start()]
                called = bool(_CALLED.search(before) or _FACTOR.match(folded, token.end()))
                self._open(token[0], called and self.text[begin] in "([{")
            elif kind == "clause" and self._is_listed(folded, token):
                self.clause.pauses.append(begin)
            elif kind == "colon":
                self.clause.colons.append(begin)
            elif kind == "pause":
                self.clause.pauses.append(begin)
            elif kind == "close":
                self._close(_PARTNER[token[0]])
            elif not (kind == "clause" and self.brackets and self.brackets[-1][1]):  # view(b, t, h, d) is one thing
                while kind != "clause" and self.brackets and self.brackets[-1][1]:
                    self.brackets.pop()  # a call that was never closed ends with its sentence
                self.clause.asks = kind == "asks"
                self._end_clause()
                self.sentence += kind != "clause"
        while self.interrupted:
            self._resume()
        self._end_clause()
        return self.done

    def _is_listed(self, folded: str, comma: re.Match[str]) -> bool:
        """Whether a comma stands in the list Q, K, V."""
        before = self.clause.words[-1].text if self.clause.words else ""
        return before in ("q", "k", "v") and bool(_LISTED.match(folded, comma.end()))

    def _open(self, bracket: str, called: bool) -> None:
        self.brackets.append((bracket, called))
        if not called:
            self.interrupted.append(self.clause)
            self.clause = Clause()

    def _close(self, bracket: str) -> None:
        if self.brackets and self.brackets[-1][0] == bracket and not self.brackets.pop()[1]:
            self._resume()

    def _resume(self) -> None:
        """Go on with the clause around a parenthesis."""
        self._end_clause()
        self.clause = self.interrupted.pop()

    def _end_clause(self) -> None:
        self.clause.sentence = self.sentence
        if self.clause.words:
            self.clause.words = spelled(self.clause.words)
            self.done.append(self.clause)
        self.clause = Clause()
