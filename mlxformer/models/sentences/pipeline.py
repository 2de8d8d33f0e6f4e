"""What stands in a sentence-transformers folder: ``modules.json`` and the configurations of its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mlxformer.axes import VECTOR
from mlxformer.backend import mx, nn
from mlxformer.checkpoints.folder import CONFIG, open_checkpoint, read_json, save_checkpoint, write_files
from mlxformer.checkpoints.loading import load_into
from mlxformer.checkpoints.reading import JSON_ITEMS, parse_json, read_bytes
from mlxformer.checkpoints.writing import stored_parameters
from mlxformer.errors import CheckpointError
from mlxformer.models.bert.albert import AlbertModel
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.roberta import RobertaModel
from mlxformer.models.modernbert.model import ModernBertModel
from mlxformer.tracing import Module, tap
from mlxformer.validation import is_whole

Network = TypeVar("Network")

# The flags of a pooling's config, in the order in which what they ask for is put side by side.
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
    "pooling_mode_lasttoken": "last",
}
_SPELLED = {"mean_sqrt_len_tokens": "mean_sqrt_len", "weightedmean": "weighted_mean", "lasttoken": "last"}
Activation = Callable[[mx.array], mx.array]
_ACTIVATIONS: dict[str, Activation] = {
    "identity": lambda x: x,
    "tanh": mx.tanh,
    "sigmoid": mx.sigmoid,
    "relu": nn.relu,
    "gelu": nn.gelu,
}
Body = BertModel | ModernBertModel | AlbertModel
BODIES: dict[str, type[Body]] = {
    "bert": BertModel,
    "roberta": RobertaModel,
    "xlm-roberta": RobertaModel,
    "modernbert": ModernBertModel,
    "albert": AlbertModel,
}


@dataclass(frozen=True)
class Pipeline:
    """The steps of a folder.

    Args:
        body: where the network lies.
        poolings: how the tokens' vectors become one, side by side.
        dense: where the dense layers lie, in order.
        normalize: whether vectors are divided by their length.
        max_length: the longest text in tokens; None means the network's.
        lower: whether texts are written small first.
        prompt: what is put before each text.

    >>> from pathlib import Path
    >>> from mlxformer.models.sentences.pipeline import Pipeline
    >>> Pipeline(Path("."), ("mean",)).normalize
    False
    """

    body: Path
    poolings: tuple[str, ...]
    dense: tuple[Path, ...] = ()
    normalize: bool = False
    max_length: int | None = None
    lower: bool = False
    prompt: str = ""


def read_pipeline(folder: Path) -> Pipeline:
    """What a folder asks for; without ``modules.json``, the mean of the tokens, as sentence-transformers does.

    Args:
        folder: of sentence-transformers, or of a network alone.

    Returns:
        The steps.

    Raises:
        CheckpointError: a step that is not implemented, and files that are missing or broken.

    >>> import tempfile
    >>> from mlxformer.models.sentences.pipeline import read_pipeline
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_pipeline(Path(folder)).poolings
    ('mean',)
    """
    steps = _modules(folder)
    body, poolings, pooling = folder, ["mean"], {}
    if steps is not None:
        _require_order(folder, [kind for kind, _ in steps])
        body, pooling = steps[0][1], read_json(steps[1][1] / CONFIG)
        poolings = _poolings(pooling, steps[1][1])
    settings = _optional(body / "sentence_bert_config.json")
    longest = settings.get("max_seq_length")
    shared = _optional(folder / "config_sentence_transformers.json")
    prompts, name = shared.get("prompts"), shared.get("default_prompt_name")
    prompt = prompts.get(name) if isinstance(prompts, dict) and isinstance(name, str) else None
    if prompt and pooling.get("include_prompt") is False:
        message = f"{folder}: a default prompt that the pooling leaves out (include_prompt) is not implemented"
        raise CheckpointError("sentence-prompt", message, path=str(folder))
    return Pipeline(
        body,
        tuple(poolings),
        tuple(path for kind, path in steps or () if kind == "Dense"),
        steps is not None and steps[-1][0] == "Normalize",
        longest if is_whole(longest, 1) else None,
        settings.get("do_lower_case") is True,
        prompt if isinstance(prompt, str) else "",
    )


class Dense(Module):
    """``act(W x + b)`` of a vector, a step of some folders.

    Args:
        in_features: its width.
        out_features: that of the result.
        bias: whether there is a b.
        activation: its name.

    >>> from mlxformer.models.sentences.pipeline import Dense
    >>> Dense(4, 2, True, "tanh")(mx.ones((3, 4))).shape == (3, 2)
    True
    """

    def __init__(self, in_features: int, out_features: int, bias: bool, activation: str) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        self.activation = activation
        self._activate = activation_called(activation)

    def __call__(self, x: mx.array) -> mx.array:
        """[N, C] -> [N, out_features].

        Args:
            x: floating point [B, in].
        """
        return tap("output", self._activate(self.linear(x)), axes=VECTOR, formula="act(W x + b)")


def write_pipeline(folder: Path, pipeline: Pipeline, dense: Sequence[Dense], width: int) -> None:
    """Write what ``read_pipeline`` and ``read_dense`` read, beside the network, as sentence-transformers has it.

    Args:
        folder: where to, and where the network lies.
        pipeline: the steps; where they lay before plays no part.
        dense: the dense layers.
        width: C of the network.

    Raises:
        CheckpointError: the folder cannot be written.

    >>> import tempfile
    >>> from mlxformer.models.sentences.pipeline import Pipeline, read_pipeline, write_pipeline
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_pipeline(Path(folder), Pipeline(Path("."), ("cls", "max"), normalize=True), [], 8)
    ...     read_pipeline(Path(folder)).poolings
    ('cls', 'max')
    """
    pooling: dict[str, Any] = {"word_embedding_dimension": width}
    pooling |= {flag: how in pipeline.poolings for flag, how in _FLAGS.items()}
    if pipeline.poolings != tuple(how for how in _FLAGS.values() if how in pipeline.poolings):
        pooling["pooling_mode"] = list(pipeline.poolings)  # in an order of its own
    kinds = ["Transformer", "Pooling", *["Dense"] * len(dense), *["Normalize"] * pipeline.normalize]
    paths = ["" if kind == "Transformer" else f"{place}_{kind}" for place, kind in enumerate(kinds)]
    modules = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    settings = {"max_seq_length": pipeline.max_length, "do_lower_case": pipeline.lower}
    prompts = {"prompts": {"default": pipeline.prompt}, "default_prompt_name": "default"} if pipeline.prompt else {}
    write_files(folder / paths[1], {CONFIG: _json(pooling)})
    for layer, path in zip(dense, paths[2:], strict=False):
        output, inputs = layer.linear.weight.shape
        config = {"in_features": inputs, "out_features": output, "bias": "bias" in layer.linear}
        text = _json(config | {"activation_function": layer.activation}).decode()
        save_checkpoint(folder / path, text, stored_parameters(layer))
    for path in paths[2 + len(dense) :]:
        write_files(folder / path, {CONFIG: _json({})})
    write_files(
        folder,
        {
            "modules.json": _json(modules),
            "sentence_bert_config.json": _json(settings),
            "config_sentence_transformers.json": _json(prompts),
        },
    )


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def read_dense(folder: Path) -> Dense:
    """A dense step from its folder. Raises ``CheckpointError`` where it is broken or not implemented.

    Args:
        folder: of that step.

    >>> from pathlib import Path
    >>> from mlxformer.errors import CheckpointError
    >>> from mlxformer.models.sentences.pipeline import read_dense
    >>> try:
    ...     read_dense(Path("2_Dense"))
    ... except CheckpointError as error:
    ...     print(error.code)
    checkpoint-file-missing
    """
    values, tensors = read_json(folder / CONFIG), open_checkpoint(folder).tensors
    sizes = [values.get(name) for name in ("out_features", "in_features")]
    weight = tensors.get("linear.weight")
    stored = None if weight is None else list(weight.shape)
    # From the tensor before anything is made of these sizes.
    if not all(is_whole(size, 1) for size in sizes) or stored != sizes:
        message = (
            f"{folder / CONFIG}: out_features and in_features must be whole numbers above 0, those of linear.weight, "
            f"{stored}; got {sizes!r:.80}"
        )
        raise CheckpointError("sentence-dense", message, path=str(folder / CONFIG), given=f"{sizes!r:.80}")
    activation = values.get("activation_function") or "Tanh"
    layer = Dense(sizes[1], sizes[0], values.get("bias", True) is True, activation)
    names = {"linear.weight": "linear.weight"} | ({"linear.bias": "linear.bias"} if "bias" in layer.linear else {})
    load_into(layer, tensors, names)
    layer.eval()
    return layer


def activation_called(name: str) -> Activation:
    """The function that a torch class stands for, ``torch.nn.modules.activation.Sigmoid``.

    Args:
        name: of the class, with or without its module.

    Returns:
        A function of an array.

    Raises:
        CheckpointError: one that is not implemented.

    >>> from mlxformer.models.sentences.pipeline import activation_called
    >>> activation_called("torch.nn.modules.linear.Identity")(3)
    3
    """
    found = _ACTIVATIONS.get(str(name).rpartition(".")[2].lower())
    if found is None:
        message = f"the activation {str(name)[:80]!r} is not implemented; known: {', '.join(_ACTIVATIONS)}"
        raise CheckpointError("sentence-activation", message, given=str(name)[:80], known=list(_ACTIVATIONS))
    return found


def activation_name(function: Activation) -> str:
    """The name that ``activation_called`` knows a function by.

    Args:
        function: of an array.

    Returns:
        That of a torch class, ``"torch.nn.modules.activation.Sigmoid"``.

    Raises:
        CheckpointError: a function that has no such name, and so cannot be saved.

    >>> from mlxformer.models.sentences.pipeline import activation_called, activation_name
    >>> activation_name(activation_called("Tanh"))
    'torch.nn.modules.activation.Tanh'
    """
    for name, known in _ACTIVATIONS.items():
        if function is known:
            module = "linear" if name == "identity" else "activation"
            spelled = {"relu": "ReLU", "gelu": "GELU"}.get(name, name.title())
            return f"torch.nn.modules.{module}.{spelled}"
    message = (
        f"the activation {str(function)[:80]} has no name that a folder could hold; known: {', '.join(_ACTIVATIONS)}"
    )
    raise CheckpointError("sentence-activation", message, given=str(function)[:80], known=list(_ACTIVATIONS))


def body_class(folder: Path, classes: Mapping[str, type[Network]]) -> type[Network]:
    """The class that reads a folder's network. Raises ``CheckpointError`` for a kind that is not in ``classes``.

    Args:
        folder: of the network.
        classes: by ``model_type``.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.models.sentences.pipeline import BODIES, body_class
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "config.json").write_text('{"model_type": "bert"}')
    ...     body_class(Path(folder), BODIES).__name__
    'BertModel'
    """
    kind = read_json(folder / CONFIG).get("model_type")
    if not isinstance(kind, str) or kind not in classes:
        message = f"{folder / CONFIG}: model_type is {kind!r}; read are {', '.join(classes)}"
        raise CheckpointError("model-type", message, given=kind)
    return classes[kind]


def _modules(folder: Path) -> list[tuple[str, Path]] | None:
    """Kind and folder of each step; None where the folder names no steps."""
    path = folder / "modules.json"
    if not path.is_file():
        return None
    try:
        listed = parse_json(path, read_bytes(path), JSON_ITEMS)
    except (ValueError, RecursionError) as error:
        raise CheckpointError("json-broken", f"{path} is not JSON: {error}", path=str(path)) from error
    found = []
    for entry in listed if isinstance(listed, list) else [None]:
        inner = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str) or not isinstance(inner, str):
            message = f"{path} must be a list of objects with type and path"
            raise CheckpointError("sentence-modules", message, path=str(path))
        if Path(inner).is_absolute() or ".." in Path(inner).parts:
            raise CheckpointError("sentence-modules", f"{path}: {inner!r} leads out of the folder", path=str(path))
        if (
            not inner.isprintable() or len(inner) > 200
        ):  # no file system has it, and asking for it is an error of its own
            raise CheckpointError("sentence-modules", f"{path}: {inner!r:.80} is no folder's name", path=str(path))
        found.append((entry["type"].rpartition(".")[2], folder / inner))
    return found


def _require_order(folder: Path, kinds: Sequence[str]) -> None:
    """The steps are those that are implemented, in the order in which they are done."""
    path = str(folder / "modules.json")
    unknown = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Dense", "Normalize")]
    if unknown:
        message = f"{path} asks for a step {unknown[0]!r:.80}, which is not implemented"
        raise CheckpointError("sentence-module", message, path=path, kind=unknown[0])
    after = list(kinds[2:-1]) if kinds[-1:] == ["Normalize"] else list(kinds[2:])
    if list(kinds[:2]) != ["Transformer", "Pooling"] or any(kind != "Dense" for kind in after):
        listed = ", ".join(kinds[:20])
        message = (
            f"{path}: the steps must be Transformer, Pooling, Dense any number of times, and Normalize or not, in this "
            f"order; got {listed or 'none'}"
        )
        raise CheckpointError("sentence-order", message, path=path, given=listed)


def _poolings(values: Mapping[str, Any], folder: Path) -> list[str]:
    named = values.get("pooling_mode")
    named = named if isinstance(named, list) else [] if named is None else [named]
    found = [_SPELLED.get(str(name), str(name)) for name in named]
    found = found or [how for flag, how in _FLAGS.items() if values.get(flag) is True]
    unknown = [name for name in found if name not in _FLAGS.values() or found.count(name) > 1]
    if unknown or not found:
        known, path = list(_FLAGS.values()), str(folder / CONFIG)
        what = "stands twice" if unknown and unknown[0] in known else "is not implemented"
        what = f"pooling_mode {unknown[0]!r:.80} {what}" if unknown else "no pooling is asked for"
        raise CheckpointError("sentence-pooling", f"{path}: {what}; known: {', '.join(known)}", path=path, known=known)
    return found


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
