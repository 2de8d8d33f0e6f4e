"""What every tokenizer checks of a call: that texts are text, and that padding is long enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlxformer.errors import ArgumentError
from mlxformer.validation import require_positive


def checked_texts(name: str, given: Any) -> list[str]:
    """One text or several, as a list of strings that can be encoded.

    Args:
        name: what an error calls them.
        given: a string, or a list of at least one.

    Raises:
        ArgumentError: what is not text, and half of a pair of characters.

    >>> from mlxformer.tokenization.arguments import checked_texts
    >>> checked_texts("texts", "The cat sat.")
    ['The cat sat.']
    """
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(text, str) for text in texts):
        shown = "an empty list" if isinstance(texts, Sequence) and not texts else repr(given)[:80]
        message = f"{name} must be a string or a list of at least one string; got {shown}"
        raise ArgumentError("not-text", message, name=name)
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = f"{name} holds half a character (a lone surrogate) at place {error.start} of {text!r}"
            raise ArgumentError("text-surrogate", message, name=name, place=error.start) from error
    return list(texts)


def padded_length(longest: int, pad_to: int | None) -> int:
    """How many tokens each row of a batch has.

    Args:
        longest: tokens of the longest text.
        pad_to: tokens of a row, as the user wants it; None is as many as the longest has.

    Raises:
        ArgumentError: for a row without tokens, and where the longest text does not fit.

    >>> from mlxformer.tokenization.arguments import padded_length
    >>> padded_length(5, None), padded_length(5, 8)
    (5, 8)
    """
    length = longest if pad_to is None else pad_to
    require_positive(tokens=length)
    if length < longest:
        message = f"pad_to={length} is shorter than the longest text, {longest} tokens; give max_length={length} too"
        raise ArgumentError("pad-to", message, given=length, longest=longest)
    return length
