"""The papers' learning rates, by hand and beside Hugging Face, with this backend's optimizers."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, nn, optimizers, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.training.schedules import warmup_cosine_decay, warmup_inverse_sqrt, warmup_linear_decay


def test_vaswani_by_hand() -> None:
    """Eq. 3 for the base model: the first update, the peak at 4,000, and half of it at 16,000."""
    rate = warmup_inverse_sqrt(512, 4000)
    for number, expected in [
        (1, 512**-0.5 * 4000**-1.5),
        (4000, (512 * 4000) ** -0.5),
        (16_000, 0.5 * (512 * 4000) ** -0.5),
    ]:
        assert abs(float(rate(number - 1)) / expected - 1) < 1e-6, number
    assert abs(float(rate(3999)) - 0.000699) < 5e-7


def test_vaswani_over_all_steps_beside_a_float64_loop() -> None:
    rate = warmup_inverse_sqrt(64, 10, scale=2.0)
    expected = [2 * 64**-0.5 * min(n**-0.5, n * 10**-1.5) for n in range(1, 200)]
    np.testing.assert_allclose([float(rate(step)) for step in range(199)], expected, rtol=1e-5)


def test_bert_by_hand() -> None:
    rate = warmup_linear_decay(1e-4, 10_000, 1_000_000)
    expected = {0: 0.0, 5_000: 5e-5, 10_000: 1e-4, 505_000: 5e-5, 1_000_000: 0.0, 2_000_000: 0.0}
    for step, value in expected.items():
        assert abs(float(rate(step)) - value) < 1e-10, step


@pytest.mark.parametrize(("warmup", "total"), [(0, 20), (5, 20), (19, 20)])
def test_bert_is_hugging_faces(warmup: int, total: int) -> None:
    torch = pytest.importorskip("torch", reason="compared with transformers' schedule, which needs torch")
    transformers = pytest.importorskip("transformers", reason="compared with transformers' schedule")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    reference = transformers.get_linear_schedule_with_warmup(optimizer, warmup, total)
    rate = warmup_linear_decay(0.3, warmup, total)
    for step in range(total + 3):
        assert abs(float(rate(step)) - reference.get_last_lr()[0]) < 1e-6, step
        optimizer.step()
        reference.step()


def test_cosine_by_hand() -> None:
    """Up to the peak, half way down in the middle, at the least from the end on."""
    rate = warmup_cosine_decay(3e-4, 100, 1100, least=1e-4)
    expected = {0: 0.0, 50: 1.5e-4, 100: 3e-4, 600: 2e-4, 1100: 1e-4, 5000: 1e-4}
    for step, value in expected.items():
        assert abs(float(rate(step)) - value) < 1e-9, step
    assert float(warmup_cosine_decay(0.5, 0, 10)(0)) == 0.5


@pytest.mark.parametrize(("warmup", "total"), [(0, 20), (5, 20), (19, 20)])
def test_cosine_is_hugging_faces(warmup: int, total: int) -> None:
    torch = pytest.importorskip("torch", reason="compared with transformers' schedule, which needs torch")
    transformers = pytest.importorskip("transformers", reason="compared with transformers' schedule")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    reference = transformers.get_cosine_schedule_with_warmup(optimizer, warmup, total)
    rate = warmup_cosine_decay(0.3, warmup, total)
    for step in range(total + 1):
        assert abs(float(rate(step)) - reference.get_last_lr()[0]) < 1e-6, step
        optimizer.step()
        reference.step()


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
@pytest.mark.parametrize(
    "schedule",
    [warmup_linear_decay(0.1, 3, 8), warmup_inverse_sqrt(16, 3), warmup_cosine_decay(0.1, 3, 8)],
    ids=["linear", "inverse-sqrt", "cosine"],
)
def test_optimizers_follow_it(name: str, schedule: object) -> None:
    """The rate that update number n + 1 uses is schedule(n), also on the steps below the boundary."""
    optimizer = getattr(optimizers, name)(learning_rate=schedule)
    model = nn.Linear(1, 1, bias=False)
    for step in range(10):
        before = float(to_numpy(model.weight)[0, 0])
        optimizer.update(model, {"weight": mx.ones((1, 1))})
        rate = float(to_numpy(optimizer.learning_rate))
        assert abs(rate - float(to_numpy(schedule(step)))) < 1e-7  # type: ignore[operator]
        assert optimizer.learning_rate.dtype == mx.float32
        if name == "SGD":
            assert abs(before - float(to_numpy(model.weight)[0, 0]) - rate) < 1e-6


def test_refusals() -> None:
    with pytest.raises(ArgumentError, match="total_steps is 5; it must be a whole number of at least 6") as caught:
        warmup_linear_decay(0.1, 5, 5)
    assert caught.value.code == "schedule-steps" and caught.value.fields["argument"] == "total_steps"
    with pytest.raises(ArgumentError, match="warmup_steps is 0"):
        warmup_inverse_sqrt(512, 0)
    with pytest.raises(ArgumentError, match="warmup_steps is -1"):
        warmup_linear_decay(0.1, -1, 5)
