"""Rotary positions as configurations write them: ``rope_theta`` and ``rope_scaling``, or transformers 5's
``rope_parameters``, for all layers or by the kind of layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlxformer.errors import ArgumentError
from mlxformer.positions.rotary import Llama3Stretch

Rope = tuple[float, float, Llama3Stretch | None]  # base, scale of positions, stretch
FULL = "full_attention"
_KNOWN = ("default", "linear", "llama3")


def rope_of(
    values: Mapping[str, Any], default: float, layer_type: str | None = None, theta: str = "rope_theta"
) -> Rope:
    """The rotary positions that a ``config.json`` asks for.

    Args:
        values: the file's fields.
        default: the base where none is given.
        layer_type: which layers, of a model whose ``rope_parameters`` tell them apart; None of others.
        theta: the older field of the base, ``"rope_theta"`` (ModernBERT: ``"local_rope_theta"``).

    Returns:
        Base, scale of the positions, and stretch, as ``RotaryEmbedding`` takes them.

    Raises:
        ArgumentError: a ``rope_type`` that is not implemented, or fields of the wrong kind.

    >>> from mlxformer.models.rope_fields import rope_of
    >>> rope_of({"rope_theta": 500000.0, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}, 10000.0)
    (500000.0, 0.25, None)
    >>> rope_of({"rope_parameters": {"rope_type": "default", "rope_theta": 20000.0}}, 10000.0)
    (20000.0, 1.0, None)
    """
    given = values.get("rope_parameters")
    if isinstance(given, Mapping) and any(isinstance(value, Mapping) for value in given.values()):
        if layer_type is None and list(given) == [FULL]:
            layer_type = FULL  # a Llama, all of whose layers see all
        if layer_type is None:
            message = f"rope_parameters tells kinds of layers apart, and here all are alike; got {given!r:.80}"
            raise ArgumentError("rope-fields", message, given=given)
        of_kind = given.get(layer_type)
        given = of_kind if isinstance(of_kind, Mapping) else {}  # by kind of layer, and none of this kind
    scaling = values.get("rope_scaling")
    for name, fields in (("rope_parameters", given), ("rope_scaling", scaling)):
        if fields is not None and not isinstance(fields, Mapping):
            raise ArgumentError("rope-fields", f"{name} must be an object; got {fields!r:.80}", given=fields)
    asked = dict(given or {}) or dict(scaling or {})
    base = asked.get("rope_theta", values.get(theta))
    base = default if base is None else base
    kind = asked.get("rope_type", asked.get("type")) or "default"
    if kind not in _KNOWN:
        raise ArgumentError(
            "rope-type",
            f"rope_type={kind!r} is not implemented; known: {', '.join(_KNOWN)}. Other angles would give other tokens",
            given=kind,
            known=_KNOWN,
        )
    if asked.get("partial_rotary_factor") not in (None, 1, 1.0):
        given = asked["partial_rotary_factor"]
        message = f"partial_rotary_factor={given!r} is not implemented"
        raise ArgumentError("not-implemented", message, name="partial_rotary_factor", given=given)
    if kind == "default":
        return float(base), 1.0, None
    wanted = ["factor"]
    if kind == "llama3":
        wanted += ["low_freq_factor", "high_freq_factor", "original_max_position_embeddings"]
    absent = [name for name in wanted if not isinstance(asked.get(name), int | float) or isinstance(asked[name], bool)]
    if absent or asked["factor"] <= 0:
        message = f"rope_type={kind!r} needs the numbers {', '.join(wanted)}, above 0; got {asked!r:.120}"
        raise ArgumentError("rope-fields", message, given=asked)
    if kind == "linear":
        return float(base), 1.0 / float(asked["factor"]), None
    return float(base), 1.0, Llama3Stretch(*(float(asked[name]) for name in wanted))


def rope_fields(base: float, scale: float, stretch: Llama3Stretch | None) -> dict[str, Any]:
    """The fields of a ``config.json`` that ``rope_of`` reads, and every version of transformers.

    Args:
        base: of the angles.
        scale: of the positions.
        stretch: of the slow pairs, or None.

    Returns:
        ``rope_theta``, ``rope_scaling`` and ``rope_parameters``.

    >>> from mlxformer.models.rope_fields import rope_fields, rope_of
    >>> rope_of(rope_fields(500000.0, 0.25, None), 10000.0)
    (500000.0, 0.25, None)
    """
    scaling: dict[str, Any] | None = None
    if stretch is not None:
        scaling = {
            "rope_type": "llama3",
            "factor": stretch.factor,
            "low_freq_factor": stretch.low_freq_factor,
            "high_freq_factor": stretch.high_freq_factor,
            "original_max_position_embeddings": int(stretch.original_length),
        }
    elif scale != 1:
        scaling = {"rope_type": "linear", "factor": 1.0 / scale}
    parameters = {"rope_type": "default"} if scaling is None else scaling
    return {
        "rope_theta": base,
        "rope_scaling": scaling,
        "rope_parameters": parameters | {"rope_theta": base},
    }
