"""What every model can do, a cell a test; the table is printed at the end (``pytest -s``, ``make parity``).

model × (forward, gradient, cache, generate, save, quantize, LoRA, trace), on the backend that runs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten, tree_unflatten
from tests.mlxformer.comparing import numbers
from tests.mlxformer.models.families import FAMILIES, REAL, SOURCE, TARGET, Family
from tests.mlxformer.models.test_half_precision import outputs
from tests.mlxformer.observing import filled

MLX = mf.backend.name == "mlx"
END = 2


def values_of(family: Family, model: Any) -> list[np.ndarray]:
    return [to_numpy(each) for each in outputs(family.call(model)) if each.dtype == mx.float32]


def same(found: list[np.ndarray], wanted: list[np.ndarray], tolerance: float) -> float:
    error = max(np.abs(a - b).max() / max(1.0, np.abs(b).max()) for a, b in zip(found, wanted, strict=True))
    assert error <= tolerance
    return float(error)


def forward(family: Family, model: Any, folder: Path) -> str:
    """What stands at padding changes nothing at real tokens."""
    found = family.call(model)
    assert all(np.isfinite(value).all() for value in values_of(family, model))
    kept = getattr(found, "last_hidden_state", None)
    if kept is None:
        return "✓"
    row = mx.array(SOURCE[1:, :2])
    alone = to_numpy(model(row).last_hidden_state)[0]
    return f"{same([to_numpy(kept)[1, :2]], [alone], 2e-6):.0e}"


def gradient(family: Family, model: Any, folder: Path) -> str:
    """Along the gradient's own direction the loss changes as the gradient says."""
    parameters = dict(tree_flatten(model.trainable_parameters()))

    def loss(given: dict[str, Any]) -> Any:
        model.update(tree_unflatten(list(given.items())))
        floats = [each for each in outputs(family.call(model)) if each.dtype == mx.float32]
        return sum(mx.sum(each * mx.array(numbers(*each.shape, seed=3))) for each in floats)

    slopes = {path: to_numpy(slope) for path, slope in mx.grad(loss)(parameters).items()}
    length = np.sqrt(sum(np.square(slope.astype(np.float64)).sum() for slope in slopes.values()))
    step = 0.003 / max(1.0, length / 10)
    ahead, behind = (
        float(loss({path: value + mx.array(sign * step / length * slopes[path]) for path, value in parameters.items()}))
        for sign in (1, -1)
    )
    measured = (ahead - behind) / (2 * step)
    assert length > 0 and abs(measured - length) < 0.02 * length, (measured, length)
    return f"{abs(measured / length - 1):.0e}"


def cache(family: Family, model: Any, folder: Path) -> str:
    """Token by token as all at once."""
    if not family.cached:
        return "–"
    if isinstance(model, mf.GPT):
        kept, ids = model.make_cache(), mx.array(SOURCE)
        steps = [model(ids[:, t : t + 1], mx.array(REAL[:, : t + 1]), kept) for t in range(4)]
        found = to_numpy(mx.concatenate(steps, axis=1))[REAL]
        return f"{same([found], [to_numpy(family.call(model))[REAL]], 1e-5):.0e}"
    source, target = mx.array(SOURCE), mx.array(TARGET)
    memory, mask, kept = model.encode(source), model.source_padding(source), model.decoder.make_cache()
    steps = [model.decode(target[:, t : t + 1], memory, mask, cache=kept) for t in range(3)]
    return f"{same([to_numpy(mx.concatenate(steps, axis=1))], values_of(family, model), 1e-5):.0e}"


def generate(family: Family, model: Any, folder: Path) -> str:
    """Greedy tokens are the most probable of ``model(…)``, streamed ones the same; a seed draws the same again."""
    if not family.generates:
        return "–"
    source = mx.array(SOURCE[:1])
    ids = to_numpy(model.generate(source, max_new_tokens=5))
    streamed = [token.item() for token in model.stream(source, max_new_tokens=5)]
    width = ids.shape[1] - len(streamed)
    assert ids[0, width:].tolist() == streamed
    logits = to_numpy(model(mx.array(ids)) if isinstance(model, mf.GPT) else model(source, mx.array(ids)))[0]
    if not isinstance(model, mf.GPT | mf.T5Model):
        logits[:, model.pad_id] = -np.inf  # never generated
    for place, token in enumerate(streamed, width):
        if token == END:  # Marian forces one, and padding follows
            break
        assert logits[place - 1].argmax() == token
    drawn = [model.generate(source, max_new_tokens=5, temperature=0.9, top_p=0.9, seed=3).tolist() for _ in range(2)]
    assert drawn[0] == drawn[1]
    best, scores = model.generate(source, max_new_tokens=5, num_beams=3, num_return_sequences=2, return_scores=True)
    assert best.shape[0] == 2 and scores[0].item() >= scores[1].item()
    return f"{len(streamed)} tokens"


def save(family: Family, model: Any, folder: Path) -> str:
    """A folder gives the same model again, bit for bit; in half precision the same halves."""
    model.save_pretrained(folder)
    again = type(model).from_pretrained(folder)
    assert again.config == model.config and not again.training
    assert again.load_report.ignored_fields == ()
    error = same(values_of(family, again), values_of(family, model), 0)
    again.save_pretrained(folder / "half", dtype="float16")
    half = type(model).from_pretrained(folder / "half", dtype="auto", check=True)
    assert {str(value.dtype) for _, value in tree_flatten(half.parameters())} <= {str(mx.float16)}
    assert all(each.dtype == mx.float16 for each in outputs(family.call(half)))
    return f"{error:.0f}"


def quantize(family: Family, model: Any, folder: Path) -> str:
    """Eight bits change little, and come back from a folder bit for bit; NumPy names the cure."""
    if not MLX:
        with pytest.raises(mf.MlxformerError, match="MLXFORMER_BACKEND=mlx"):
            nn.quantize(model)
        return "refused"
    before = values_of(family, model)
    nn.quantize(model, group_size=32, bits=8)
    error = same(values_of(family, model), before, 0.05)
    assert error > 0
    model.save_pretrained(folder)
    again = type(model).from_pretrained(folder)
    same(values_of(family, again), values_of(family, model), 0)
    return f"{error:.0e}"


def lora(family: Family, model: Any, folder: Path) -> str:
    """A model with adapters, saved whole, comes back as the one that it computes."""
    mf.lora(model, rank=2)
    for path, value in tree_flatten(model.trainable_parameters()):
        model.load_weights([(path, mx.array(numbers(*value.shape, seed=len(path), scale=0.1)))], strict=False)
    model.save_pretrained(folder)
    return f"{same(values_of(family, type(model).from_pretrained(folder)), values_of(family, model), 1e-5):.0e}"


def trace(family: Family, model: Any, folder: Path) -> str:
    """What is recorded is what made the output, and a head that is changed on its way changes it."""
    plain = values_of(family, model)
    with mf.trace(model) as steps:
        same(values_of(family, model), plain, 1e-5)
    weights = [path for path in steps.paths if path.endswith(".weights")]
    assert weights and all(np.allclose(step.value.sum(-1)[step.value.any(-1)], 1, atol=1e-5) for path in weights
                           for step in steps.all(path))  # fmt: skip
    with mf.trace(model) as changed:
        changed.replace(weights[0], lambda x: x * 0.0)
        moved = values_of(family, model)
    assert max(np.abs(a - b).max() for a, b in zip(moved, plain, strict=True)) > 1e-6
    return f"{len(steps.paths)} steps"


DOES: dict[str, Callable[[Family, Any, Path], str]] = {
    each.__name__: each for each in (forward, gradient, cache, generate, save, quantize, lora, trace)
}
FOUND: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    yield
    wide = max(map(len, FAMILIES))
    print(f"\n{mf.backend.name:{wide}}  " + "".join(f"{what:11}" for what in DOES))
    for name in FAMILIES:
        print(f"{name:{wide}}  " + "".join(f"{FOUND.get((name, what), ''):11}" for what in DOES))


@pytest.mark.parametrize("what", DOES)
@pytest.mark.parametrize("name", FAMILIES)
def test_cell(name: str, what: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    model = filled(family.make())
    FOUND[name, what] = DOES[what](family, model, tmp_path)


def test_every_public_model_has_its_row() -> None:
    public = {
        value for value in vars(mf).values()
        if isinstance(value, type) and issubclass(value, mf.Module) and hasattr(value, "from_pretrained")
    }  # fmt: skip
    assert public == {type(family.make()) for family in FAMILIES.values()}
