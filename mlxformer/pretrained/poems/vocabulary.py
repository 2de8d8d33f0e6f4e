"""The tokens of the poets: special ones, the four forms, two marks, and characters with their finals.

``vocabulary.txt`` ships; each line is a token and, after a tab, its final in today's pinyin (its first reading), by
which rhymes are told. ``samples.write`` made it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.pretrained.poems.forms import COMMA, FORMS, STOP, Form, form_of, lines_of, written
from mlxformer.tokenization.characters import save_characters

PAD, END = "[PAD]", "[END]"
SPECIAL = (PAD, END, *(f"[{name}]" for name in FORMS), COMMA, STOP)


class PoemTokenizer:
    """Characters to ids and back. A poem is its form's token, its text, and ``[END]``.

    Args:
        tokens: in the order of the ids, ``SPECIAL`` first.
        finals: of each token; "" where it has none.

    >>> from mlxformer.pretrained.poems.vocabulary import tokenizer
    >>> tokenizer().decode(tokenizer().poem("白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"))
    '白日依山尽，黄河入海流。欲穷千里目，更上一层楼。'
    """

    pad_id, end_id = SPECIAL.index(PAD), SPECIAL.index(END)

    def __init__(self, tokens: Sequence[str], finals: Sequence[str]) -> None:
        self.tokens, self.finals = tuple(tokens), dict(zip(tokens, finals, strict=True))
        self._ids = {token: number for number, token in enumerate(self.tokens)}

    def __repr__(self) -> str:
        return f"PoemTokenizer({len(self.tokens)} tokens)"

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self.tokens)

    def form_id(self, form: Form) -> int:
        """The id of a form's token.

        Args:
            form: one of the four.

        Returns:
            An id.
        """
        return self._ids[f"[{form.name}]"]

    def encode(self, text: str) -> list[int]:
        """Ids of characters and marks, each mark taken for the one that stands at its place in the form.

        Args:
            text: the beginning of a poem or the whole.

        Returns:
            An id for each character.

        Raises:
            ArgumentError: a character that the poets never saw.
        """
        unknown = [character for character in text if character not in self._ids]
        if unknown:
            known = self.vocab_size - len(SPECIAL)
            message = f"the poets know {known} characters of Tang poems, and {unknown[0]!r} is none of them"
            raise ArgumentError("poem-character", message, given=unknown[0], known=known)
        return [self._ids[character] for character in text]

    def poem(self, text: str) -> list[int]:
        """A whole poem as the models read it.

        Args:
            text: in one of the four forms.

        Returns:
            The form's id, those of the text, and that of ``[END]``.

        Raises:
            ArgumentError: another form, or an unknown character.
        """
        lines = lines_of(text)
        form = form_of(lines)
        if form is None:
            message = f"a poem has 4 or 8 lines of 5 or 7 characters each, and {text!r} has not"
            raise ArgumentError("poem-whole", message, given=text)
        return [self.form_id(form), *self.encode(written(lines)), self.end_id]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, special tokens and forms left out.

        Args:
            ids: of tokens.

        Returns:
            A string.
        """
        return "".join(token for token in (self.tokens[int(each)] for each in ids) if not token.startswith("["))

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json``: ``mf.Tokenizer`` and transformers read texts by it,
        which begin with their form's token, ``[五绝]白日依山尽，``.

        Args:
            folder: where to; it is made if need be.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        save_characters(folder, self.tokens, {"pad": PAD, "eos": END})

    def rhymes(self, first: str, second: str) -> bool:
        """Whether two characters have the same final in today's pinyin.

        Args:
            first: a character.
            second: another.

        Returns:
            False where one is unknown, or both are the same character.

        >>> from mlxformer.pretrained.poems.vocabulary import tokenizer
        >>> tokenizer().rhymes("流", "楼"), tokenizer().rhymes("光", "霜")
        (False, True)
        """
        final = self.finals.get(first, "")
        return bool(final) and first != second and final == self.finals.get(second, "")


@cache
def tokenizer() -> PoemTokenizer:
    """The tokenizer of the shipped poets.

    Returns:
        A ``PoemTokenizer``.

    >>> from mlxformer.pretrained.poems.vocabulary import tokenizer
    >>> tokenizer().tokens[:2]
    ('[PAD]', '[END]')
    """
    text = (files("mlxformer.pretrained.poems") / "vocabulary.txt").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    return PoemTokenizer([row[0] for row in rows], [row[1] if len(row) > 1 else "" for row in rows])


def ids_of(poems: Iterable[str]) -> dict[str, np.ndarray]:
    """Poems as ids, by their form.

    Args:
        poems: texts.

    Returns:
        form -> int32 [N, 1 + length + 1].

    >>> from mlxformer.pretrained.poems.vocabulary import ids_of
    >>> ids_of(["白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"])["五绝"].shape
    (1, 26)
    """
    using = tokenizer()
    rows: dict[str, list[list[int]]] = {name: [] for name in FORMS}
    for poem in poems:
        form = form_of(lines_of(poem))
        assert form is not None, "the corpus keeps the four forms"
        rows[form.name].append(using.poem(poem))
    return {name: np.array(found, np.int32).reshape(len(found), FORMS[name].length + 2) for name, found in rows.items()}
