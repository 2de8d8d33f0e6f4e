"""Which model is of which family, and what the family knows: its recipe, its reader, its measurements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, overload

from mlxformer.backend import without_values
from mlxformer.errors import ArgumentError
from mlxformer.pretrained.cards import read_card, verify
from mlxformer.pretrained.family import Family
from mlxformer.pretrained.weights import read_weights

if TYPE_CHECKING:
    from mlxformer.pretrained.dates.reader import DateReader
    from mlxformer.pretrained.masked.reader import MaskFiller
    from mlxformer.pretrained.poems.reader import Poet
    from mlxformer.pretrained.repeats.reader import RepeatReader
    from mlxformer.pretrained.reverse.reader import StringReverser


def families() -> tuple[Family, ...]:
    """All families of shipped models.

    Returns:
        One of each; their modules are imported when this is called.

    >>> from mlxformer.pretrained.registry import families
    >>> "dates" in families()[0].recipes
    True
    """
    return tuple(_each_family())


def _each_family() -> Iterator[Family]:
    """One after another: whoever has found its model imports no more of them."""
    from mlxformer.pretrained.dates.family import FAMILY as dates

    yield dates

    from mlxformer.pretrained.masked.family import FAMILY as masked

    yield masked

    from mlxformer.pretrained.order.family import FAMILY as order

    yield order

    from mlxformer.pretrained.poems.family import FAMILY as poems

    yield poems

    from mlxformer.pretrained.repeats.family import FAMILY as repeats

    yield repeats

    from mlxformer.pretrained.reverse.family import FAMILY as reverse

    yield reverse


def trainable_names() -> tuple[str, ...]:
    """The models that can be trained.

    Returns:
        Their names, family by family.

    >>> from mlxformer.pretrained.registry import trainable_names
    >>> "bert-mini" in trainable_names()
    True
    """
    return tuple(name for family in families() for name in family.recipes)


def find(name: str) -> tuple[Family, Any]:
    """The family and the recipe of a model.

    Args:
        name: of the model.

    Returns:
        The family, and how it trains this model.

    Raises:
        ArgumentError: there is no such model; it names those there are.

    >>> from mlxformer.pretrained.registry import find
    >>> find("dates")[1].steps
    4000
    """
    for family in _each_family():
        recipe = family.recipes.get(name)
        if recipe is not None:
            return family, recipe
    known = trainable_names()
    raise ArgumentError(
        "pretrained-unknown", f"there is no model {name!r}; there is: {', '.join(known)}", given=name, known=list(known)
    )


@overload
def load_pretrained(name: Literal["dates", "dates-no-positions", "dates-pre-norm", "dates-tied-kv"]) -> DateReader: ...
@overload
def load_pretrained(
    name: Literal["bert-mini", "bert-nsp", "bert-sop", "mlm-rate-05", "mlm-rate-15", "mlm-rate-40", "mlm-rate-80"],
) -> MaskFiller: ...
@overload
def load_pretrained(name: Literal["poet", "poet-small"]) -> Poet: ...
@overload
def load_pretrained(name: Literal["induction", "induction-one-layer"]) -> RepeatReader: ...
@overload
def load_pretrained(name: Literal["reverse-gru", "reverse-gru-attention", "reverse-transformer"]) -> StringReverser: ...
@overload
def load_pretrained(name: str) -> Any: ...
def load_pretrained(name: str) -> DateReader | MaskFiller | Poet | RepeatReader | StringReverser:
    """A shipped model as it is used: ``.model``, ``.tokenizer``, ``.card``, and the call that suits it.

    Args:
        name: one of ``pretrained_names()``.

    Returns:
        ``dates…``: a ``DateReader``, ``reader(text) -> "2026-11-23"``. ``reverse-…``: a ``StringReverser``.
        ``bert-…`` and ``mlm-rate-…``: a ``MaskFiller``, ``.fill(text, k)``. ``poet…``: a ``Poet``.
        ``induction…``: a ``RepeatReader``, ``reader("x7kq9mx7") -> "k"``. Each model is in evaluation mode.

    Raises:
        ArgumentError: an unknown name.
        CheckpointError: the weights are not what the card says.

    >>> import mlxformer as mf
    >>> mf.load_pretrained("dates")("23 November 2026")
    '2026-11-23'
    """
    card = read_card(name)
    family, recipe = find(name)
    path = verify(card)
    with without_values():  # all of them are read
        model = recipe.model()
    read_weights(model, path)
    return family.reader(recipe, model, card)
