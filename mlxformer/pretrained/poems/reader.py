"""The shipped poets as they are used: ``poet("白日依山尽，")`` goes on with a quatrain."""

from __future__ import annotations

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.models.gpt.model import GPT
from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.poems.forms import COMMA, FORMS, STOP, Form, lines_of, written
from mlxformer.pretrained.poems.vocabulary import PoemTokenizer

TEMPERATURE = 0.5  # rhymes are kept nearly as often as real poets keep them, and no two poems are alike


class Poet:
    """A decoder-only model with its tokenizer and card.

    Args:
        model: a ``GPT``.
        tokenizer: its characters.
        card: what it is.

    >>> import mlxformer as mf
    >>> poet = mf.load_pretrained("poet")
    >>> poem = poet("白日依山尽，", seed=0)
    >>> poem.startswith("白日依山尽，"), [len(line) for line in poem.replace("。", "，").split("，")]
    (True, [5, 5, 5, 5, 0])
    """

    def __init__(self, model: GPT, tokenizer: PoemTokenizer, card: Card) -> None:
        self.model, self.tokenizer, self.card = model, tokenizer, card

    def __repr__(self) -> str:
        return f"Poet({self.card!r})"

    def __call__(
        self,
        beginning: str = "",
        *,
        form: str | None = None,
        temperature: float | None = TEMPERATURE,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> str:
        """A poem, drawn character by character.

        Args:
            beginning: its first characters, marks among them or not; "" leaves all to the poet.
            form: ``"五绝"``, ``"七绝"``, ``"五律"`` or ``"七律"``; None takes the quatrain of the
                beginning's first line, else ``"七绝"``.
            temperature: of the draw; None or 0 takes the likeliest character each time.
            top_p: draw from the likeliest characters that have this share together; None draws from all.
            seed: of the draw.

        Returns:
            The beginning and what follows it.

        Raises:
            ArgumentError: an unknown form or character, a beginning that is not of the form, options that do not fit.
        """
        ids = mx.array(np.array([self.prompt(beginning, form)], np.int32))
        length = self.model.config.max_positions
        out = self.model.generate(ids, max_length=length, temperature=temperature, top_p=top_p, seed=seed)
        return self.tokenizer.decode(to_numpy(out)[0])

    def prompt(self, beginning: str = "", form: str | None = None) -> list[int]:
        """The ids that a poem with this beginning starts with.

        Args:
            beginning: as in the call.
            form: as in the call.

        Returns:
            The form's id and the beginning's, a mark after each line that is whole.

        Raises:
            ArgumentError: an unknown form or character, or a beginning that is not of the form.
        """
        lines = lines_of(beginning)
        found = self._form(beginning, lines, form)
        whole = [line for line in lines if len(line) == found.width]
        begun = lines[len(whole) :]  # at most one line, which is not whole yet
        fits = lines[: len(whole)] == whole and len(begun) <= 1 and all(len(line) < found.width for line in begun)
        if len(lines) > found.lines or not fits:
            message = f"{beginning!r} does not begin a poem of {found.lines} lines of {found.width} characters"
            raise ArgumentError(
                "poem-form", message, given=beginning, form=found.name, lines=found.lines, width=found.width
            )
        text = written(lines)
        return [self.tokenizer.form_id(found), *self.tokenizer.encode(text if len(whole) == len(lines) else text[:-1])]

    def _form(self, beginning: str, lines: list[str], form: str | None) -> Form:
        if form is not None:
            if form not in FORMS:
                message = f"there is no form {form!r}; there is: {', '.join(FORMS)}"
                raise ArgumentError("poem-form-unknown", message, given=form, known=list(FORMS))
            return FORMS[form]
        is_whole = len(lines) > 1 or beginning.rstrip().endswith((COMMA, STOP))
        return FORMS["五绝" if lines and is_whole and len(lines[0]) == FORMS["五绝"].width else "七绝"]

    def next(self, beginning: str, k: int = 5, *, form: str | None = None) -> list[tuple[str, float]]:
        """The likeliest characters after a beginning.

        Args:
            beginning: as in the call.
            k: how many.
            form: as in the call.

        Returns:
            Characters with their probabilities, highest first.

        Raises:
            ArgumentError: as in the call.
        """
        logits = self.model(mx.array(np.array([self.prompt(beginning, form)], np.int32)))[0, -1]
        probabilities = to_numpy(mx.softmax(logits, axis=-1))
        best = np.argsort(-probabilities, kind="stable")[:k]
        return [(self.tokenizer.tokens[each], float(probabilities[each])) for each in best]

    def log_probabilities(self, poem: str) -> np.ndarray:
        """How likely each token of a poem was, given those before it.

        Args:
            poem: in one of the four forms.

        Returns:
            float32 [T], in nats: the characters, the marks and the end; exp(−mean) is the perplexity by token.

        Raises:
            ArgumentError: another form, or an unknown character.
        """
        ids = np.array([self.tokenizer.poem(poem)], np.int32)
        return log_probabilities(self.model, ids)[0]


def log_probabilities(model: GPT, ids: np.ndarray) -> np.ndarray:
    """ln p of each token given those before it.

    Args:
        model: a decoder-only model.
        ids: int32 [B, T + 1].

    Returns:
        float32 [B, T], of the tokens from the second on.

    >>> import mlxformer as mf
    >>> import numpy as np
    >>> from mlxformer.pretrained.poems.reader import log_probabilities
    >>> log_probabilities(mf.GPT(mf.GPTConfig(20, dims=8, num_layers=1)), np.array([[1, 2, 3]])).shape
    (1, 2)
    """
    logits = to_numpy(model(mx.array(ids[:, :-1]))).astype(np.float64)  # [B, T, V]
    logits -= logits.max(-1, keepdims=True)
    chosen = np.take_along_axis(logits, ids[:, 1:, None], axis=-1)[..., 0]
    found: np.ndarray = chosen - np.log(np.exp(logits, out=logits).sum(-1))
    return found.astype(np.float32)
