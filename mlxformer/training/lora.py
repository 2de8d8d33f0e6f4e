"""LoRA: fine-tuning by two narrow matrices beside each projection, which itself stays as it is.

    y = W x + b + (α / r) B A x,     A [r, in], B [out, r]             (Hu et al. 2021, "LoRA", §4.1)

A is drawn, B is zero, so that the model starts as what it was. Of the parameters only A and B are trained; r (in + out)
numbers for a projection of in · out. ``merge_lora`` adds (α / r) B A to W, and nothing is slower than before.

model = mf.lora(bert, rank=8)                   # freezes everything else, in place
…                                               # train as any model
mf.save_adapters(model, "my-adapters")          # A and B alone
mf.load_adapters(mf.lora(bert_again, rank=8), "my-adapters")
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from mlxformer.backend import from_mapped, mx, nn, tree_unflatten
from mlxformer.checkpoints.folder import read_json, write_files
from mlxformer.checkpoints.safetensors import SafetensorsFile
from mlxformer.checkpoints.writing import serialize, storable
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.tracing import Module
from mlxformer.validation import require_choice, require_finite, require_kind, require_positive, require_positive_number

ATTENTION = ("query_proj", "key_proj", "value_proj", "out_proj")
Model = TypeVar("Model", bound=nn.Module)
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


class LoRALinear(Module):
    """``base(x) + (α / r) B A x``: a projection and the two narrow matrices beside it.

    Args:
        base: the projection, ``nn.Linear`` or what ``nn.quantize`` made of one; it is frozen.
        input_dims: in.
        output_dims: out.
        rank: r.
        alpha: α.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", §4.1.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.training.lora import LoRALinear
    >>> base, x = nn.Linear(4, 3), mx.ones((1, 4))
    >>> bool(mx.array_equal(LoRALinear(base, 4, 3, rank=2, alpha=4.0)(x), base(x)))  # B is zero at first
    True
    """

    def __init__(self, base: nn.Module, input_dims: int, output_dims: int, *, rank: int, alpha: float) -> None:
        super().__init__()
        self.rank = rank
        self.alpha = alpha
        self.base = base
        dtype = _floating_dtype(base)
        bound = float(input_dims) ** -0.5  # what nn.Linear draws its own weights from
        self.lora_a = mx.random.uniform(-bound, bound, (rank, input_dims)).astype(dtype)
        self.lora_b = mx.zeros((output_dims, rank), dtype=dtype)
        base.freeze()

    def _extra_repr(self) -> str:
        return f"rank={self.rank}, alpha={self.alpha}"

    @property
    def scale(self) -> float:
        """α / r."""
        return self.alpha / self.rank

    def __call__(self, x: mx.array) -> mx.array:
        """W x + b + (α / r) B A x.

        Args:
            x: floating point [..., in].

        Returns:
            [..., out].
        """
        y = self.base(x)
        update = (self.scale * (x @ self.lora_a.T)) @ self.lora_b.T  # scaled where it is narrow
        return y + (update if update.dtype == y.dtype else update.astype(y.dtype))

    def merged(self) -> nn.Module:
        """One projection that computes the same: ``W + (α / r) B A``.

        Returns:
            An ``nn.Linear`` of the dtype of W.

        Raises:
            ArgumentError: the projection is quantized, and the sum would be rounded to its bits.
        """
        if "scales" in self.base:
            message = (
                "a quantized projection cannot take an adapter in without being rounded anew; save the adapters "
                "beside it (mf.save_adapters), or dequantize the model first"
            )
            raise ArgumentError("lora-quantised", message)
        weight = self.base.weight
        update = self.lora_b.astype(mx.float32) @ self.lora_a.astype(mx.float32)
        kind: Any = type(self.base)
        merged = kind(weight.shape[1], weight.shape[0], bias="bias" in self.base)
        merged.weight = (weight.astype(mx.float32) + self.scale * update).astype(weight.dtype)
        if "bias" in self.base:
            merged.bias = self.base.bias
        return merged


def lora(model: Model, rank: int = 8, alpha: float = 16.0, targets: Iterable[str] | None = None) -> Model:
    """Put two narrow matrices beside each chosen projection, and freeze everything else, in place.

    Args:
        model: any module with projections; also one that ``nn.quantize`` was applied to.
        rank: r.
        alpha: α; the update is multiplied by α / r.
        targets: names of the projections, the last part of their paths (``"query_proj"``, ``"up_proj"``), or whole
            paths; None means those of the attentions (``query_proj, key_proj, value_proj, out_proj``), or where there
            is none of these every ``nn.Linear``.

    Returns:
        The model.

    Raises:
        ArgumentError: a rank below 1, an alpha not above 0, a name that no projection has, a model that has adapters.

    Source: Hu et al. 2021, "LoRA", §4.1 and §4.2, where the attention's matrices alone are adapted.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import tree_flatten
    >>> model = mf.lora(mf.Encoder(1, 8, 2, 16), rank=2, targets=["query_proj"])
    >>> [path for path, _ in tree_flatten(model.trainable_parameters())]
    ['layers.0.self_attention.query_proj.lora_a', 'layers.0.self_attention.query_proj.lora_b']
    """
    require_positive(rank=rank)
    require_positive_number("alpha", alpha)
    if _adapters(model):
        message = "the model has adapters already; merge them first with mf.merge_lora(model)"
        raise ArgumentError("lora-twice", message)
    projections = {path: layer for path, layer in model.named_modules() if _is_projection(layer)}
    if targets is None:
        chosen = [path for path in projections if path.rpartition(".")[2] in ATTENTION] or list(projections)
    else:
        chosen = _named(projections, targets)
    if not chosen or "" in chosen:
        message = f"{type(model).__name__} holds no projection (nn.Linear) that could be adapted"
        raise ArgumentError("lora-no-projections", message, given=type(model).__name__)
    _freeze(model)
    for path in chosen:
        layer = projections[path]
        output_dims, input_dims = _widths(layer)
        _put(model, path, LoRALinear(layer, input_dims, output_dims, rank=rank, alpha=float(alpha)))
    return model


def merge_lora(model: Model) -> Model:
    """Fold every adapter into its projection, in place; what was trainable before ``lora`` is so again.

    Args:
        model: of ``lora``.

    Returns:
        The model, with the layers that it had before.

    Raises:
        ArgumentError: it has no adapters, or they stand beside quantized projections.

    >>> import mlxformer as mf
    >>> model = mf.merge_lora(mf.lora(mf.Encoder(1, 8, 2, 16)))
    >>> model.layers[0].self_attention.query_proj
    Linear(input_dims=8, output_dims=8, bias=True)
    """
    merged = {path: adapter.merged() for path, adapter in _require_adapters(model).items()}
    for path, layer in merged.items():
        layer.train(model.training)
        _put(model, path, layer)
    model.unfreeze()
    modules = dict(model.named_modules())
    for path, keys in model._frozen_before_lora:
        modules[path].freeze(recurse=False, keys=[key for key in keys if key in modules[path]])
    del model._frozen_before_lora
    return model


def save_adapters(model: nn.Module, folder: str | os.PathLike[str]) -> None:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors``: A and B, and nothing of the model's own.

    Args:
        model: of ``lora``.
        folder: where to; it is made if need be.

    Raises:
        ArgumentError: the model has no adapters.
        CheckpointError: a folder that cannot be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import mlxformer as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mf.save_adapters(mf.lora(mf.Encoder(1, 8, 2, 16)), folder)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['adapter_config.json', 'adapter_model.safetensors']
    """
    adapters = _require_adapters(model)
    config = {path: {"rank": adapter.rank, "alpha": adapter.alpha} for path, adapter in adapters.items()}
    text = json.dumps({"peft_type": "LORA", "adapters": config}, indent=2, ensure_ascii=False) + "\n"
    tensors = {
        f"{path}.{name}": value
        for path, adapter in adapters.items()
        for name, value in (("lora_a", storable(adapter.lora_a)), ("lora_b", storable(adapter.lora_b)))
    }
    write_files(Path(folder), {WEIGHTS: serialize(tensors), CONFIG: text.encode()})


def load_adapters(model: Model, folder: str | os.PathLike[str]) -> Model:
    """Give a model the adapters of a folder, as ``lora`` would have made them.

    Args:
        model: the one that they were trained beside, without adapters; changed in place.
        folder: of ``save_adapters``.

    Returns:
        The model.

    Raises:
        CheckpointError: there is no such folder, or its adapters do not fit the model.
        ArgumentError: the model has adapters already.

    >>> import tempfile
    >>> import mlxformer as mf
    >>> model = mf.Encoder(1, 8, 2, 16)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mf.save_adapters(mf.lora(model, rank=3), folder)
    ...     again = mf.load_adapters(mf.Encoder(1, 8, 2, 16), folder)
    >>> again.layers[0].self_attention.query_proj.rank
    3
    """
    path = Path(folder)
    described = read_json(path / CONFIG).get("adapters")
    if not isinstance(described, dict) or not described:
        message = f"{path / CONFIG} names no adapters; mf.save_adapters(model, folder) writes such a folder"
        raise CheckpointError("lora-folder", message, path=str(path / CONFIG))
    tensors = SafetensorsFile(path / WEIGHTS)
    if _adapters(model):
        message = "the model has adapters already; merge them first with mf.merge_lora(model)"
        raise ArgumentError("lora-twice", message)
    projections = {place: layer for place, layer in model.named_modules() if _is_projection(layer)}
    made: dict[str, LoRALinear] = {}
    for place, how in described.items():
        layer = projections.get(place)
        rank: Any = how.get("rank") if isinstance(how, dict) else None
        alpha: Any = how.get("alpha") if isinstance(how, dict) else None
        if layer is None or not place:
            raise _unfit(path, f"{type(model).__name__} has no projection {place!r}")
        output_dims, input_dims = _widths(layer)
        a, b = tensors.get(f"{place}.lora_a"), tensors.get(f"{place}.lora_b")
        wanted = ((rank, input_dims), (output_dims, rank))
        if a is None or b is None or (a.shape, b.shape) != wanted or not a.is_floating or not b.is_floating:
            stored = [None if each is None else list(each.shape) for each in (a, b)]
            raise _unfit(path, f"{place} needs A {list(wanted[0])} and B {list(wanted[1])}; stored are {stored}")
        require_positive(rank=rank)
        require_positive_number("alpha", alpha)
        made[place] = LoRALinear(layer, input_dims, output_dims, rank=rank, alpha=float(alpha))
        adapter = made[place]
        dtype = adapter.lora_a.dtype
        for tensor in (a, b):
            require_finite(tensor.name, tensor.read())
        adapter.lora_a, adapter.lora_b = (from_mapped(tensor.read()).astype(dtype) for tensor in (a, b))
    left = sorted(set(tensors) - {f"{place}.{name}" for place in made for name in ("lora_a", "lora_b")})
    if left:
        raise _unfit(path, f"{CONFIG} does not name {', '.join(left[:5])}")
    _freeze(model)
    for place, adapter in made.items():
        _put(model, place, adapter)
    return model


def _freeze(model: nn.Module) -> None:
    """All of it, remembering what was frozen before; a tuple is kept by a module and not walked into."""
    frozen = tuple((path, tuple(sorted(layer._no_grad))) for path, layer in model.named_modules() if layer._no_grad)
    model._frozen_before_lora = frozen
    model.freeze()


def _adapters(model: nn.Module) -> dict[str, LoRALinear]:
    require_kind("model", model, nn.Module)
    return {path: layer for path, layer in model.named_modules() if isinstance(layer, LoRALinear)}


def _require_adapters(model: nn.Module) -> dict[str, LoRALinear]:
    found = _adapters(model)
    if not found:
        message = f"{type(model).__name__} has no adapters; mf.lora(model) puts them in"
        raise ArgumentError("lora-none", message, given=type(model).__name__)
    return found


def _is_projection(layer: Any) -> bool:
    """``nn.Linear``, or the quantized one that stands in its place: an embedding is a table and has none of these."""
    return isinstance(layer, nn.Linear) or type(layer).__name__ == "QuantizedLinear"


def _widths(layer: Any) -> tuple[int, int]:
    """out and in; a quantized weight [out, in · bits / 32] is packed."""
    output_dims, columns = layer.weight.shape
    if "scales" in layer:
        return output_dims, columns * 32 // layer.bits
    return output_dims, columns


def _floating_dtype(layer: Any) -> Any:
    return layer.scales.dtype if "scales" in layer else layer.weight.dtype


def _named(projections: dict[str, Any], targets: Any) -> list[str]:
    names = sorted({path.rpartition(".")[2] for path in projections})
    if not isinstance(targets, Iterable):
        require_choice("targets", targets, names)
    chosen: list[str] = []
    for target in [targets] if isinstance(targets, str) else targets:
        found = [path for path in projections if path == target or path.rpartition(".")[2] == target]
        if not found:
            require_choice("targets", target, names)
        chosen += [path for path in found if path not in chosen]
    return chosen


def _put(model: nn.Module, path: str, layer: nn.Module) -> None:
    model.update_modules(tree_unflatten([(path, layer)]))


def _unfit(folder: Path, what: str) -> CheckpointError:
    return CheckpointError(
        "lora-mismatch", f"the adapters in {folder} do not fit: {what}", folder=str(folder), what=what
    )
