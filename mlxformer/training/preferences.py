"""Losses that learn from preferences and rewards: DPO, PPO's clipped objective, GRPO.

    DPO    −log σ(β ((log π(y_w) − log π_ref(y_w)) − (log π(y_l) − log π_ref(y_l))))      (Rafailov et al. 2023, Eq. 7)
    PPO    −min(r A, clip(r, 1 − ε, 1 + ε) A),   r = π / π_old                            (Schulman et al. 2017, Eq. 7)
    GRPO   PPO's, A = (R − mean R) / std R of a prompt's answers, plus β KL(π ‖ π_ref)    (Shao et al. 2024, Eq. 3, 4)

All take log-probabilities of what was written, not logits; those of the reference and of the old policy are constants.
All is float32, whatever they are.
"""

from __future__ import annotations

from mlxformer.backend import mx, nn
from mlxformer.validation import require_floating, require_positive_number, require_shape


def _checked(axes: tuple[str, ...], **arrays: mx.array) -> list[mx.array]:
    """In float32, once all are floating point, of these axes and of one shape."""
    sizes: tuple[int, ...] = ()
    for name, x in arrays.items():
        require_floating(name, x)
        require_shape(name, x, axes, sizes)
        sizes = tuple(x.shape)
    return [x.astype(mx.float32) for x in arrays.values()]


def implicit_rewards(policy: mx.array, reference: mx.array, beta: float = 0.1) -> mx.array:
    """``β (log π − log π_ref)``: the reward under which π would be the best policy near π_ref, but for a constant.

    Args:
        policy: log π of each answer, floating point [N].
        reference: log π_ref, floating point [N].
        beta: β, above 0; how dear it is to leave the reference.

    Returns:
        [N].

    Raises:
        ArgumentError: shapes that differ, or β not above 0.

    Source: Rafailov et al. 2023, "Direct Preference Optimization", §4.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.preferences import implicit_rewards
    >>> implicit_rewards(mx.array([-1.0]), mx.array([-3.0]), 0.5).tolist()
    [1.0]
    """
    policy, reference = _checked(("answer",), policy=policy, reference=reference)
    require_positive_number("beta", beta)
    return beta * (policy - mx.stop_gradient(reference))


def dpo_loss(
    policy_chosen: mx.array,
    policy_rejected: mx.array,
    reference_chosen: mx.array,
    reference_rejected: mx.array,
    beta: float = 0.1,
) -> mx.array:
    """The mean over pairs of ``−log σ(r_w − r_l)``, r the implicit rewards of the better and the worse answer.

    Args:
        policy_chosen: log π of the answers that were preferred, floating point [N].
        policy_rejected: log π of the others, [N].
        reference_chosen: log π_ref of the preferred ones, [N].
        reference_rejected: log π_ref of the others, [N].
        beta: β, above 0.

    Returns:
        A scalar; ln 2 where policy and reference agree.

    Raises:
        ArgumentError: shapes that differ, or β not above 0.

    Source: Rafailov et al. 2023, "Direct Preference Optimization", Eq. 7.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.preferences import dpo_loss
    >>> same = mx.array([-4.0])
    >>> round(float(dpo_loss(same, same, same, same)), 4)
    0.6931
    """
    margin = implicit_rewards(policy_chosen, reference_chosen, beta)
    margin = margin - implicit_rewards(policy_rejected, reference_rejected, beta)
    return mx.mean(nn.softplus(-margin))


def clipped_objective(new: mx.array, old: mx.array, advantages: mx.array, clip: float = 0.2) -> mx.array:
    """``min(r A, clip(r, 1 − ε, 1 + ε) A)`` with ``r = e^(new − old)``: no gain from leaving the old policy too far.

    Args:
        new: log-probabilities under the policy that is trained, floating point, of any shape.
        old: those under the policy that wrote, of that shape.
        advantages: A, of that shape.
        clip: ε, above 0.

    Returns:
        Of that shape; it is to be made large.

    Raises:
        ArgumentError: shapes that differ, or ε not above 0.

    Source: Schulman et al. 2017, "Proximal Policy Optimization Algorithms", Eq. 7.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.preferences import clipped_objective
    >>> clipped_objective(mx.log(mx.array([2.0, 2.0])), mx.zeros((2,)), mx.array([1.0, -1.0]), 0.5).tolist()
    [1.5, -2.0]
    """
    axes = tuple(f"axis{i}" for i in range(new.ndim))
    new, old, advantages = _checked(axes, new=new, old=old, advantages=advantages)
    require_positive_number("clip", clip)
    ratio = mx.exp(new - mx.stop_gradient(old))
    return mx.minimum(ratio * advantages, mx.clip(ratio, 1.0 - clip, 1.0 + clip) * advantages)


def ppo_loss(new: mx.array, old: mx.array, advantages: mx.array, clip: float = 0.2) -> mx.array:
    """PPO's loss: ``clipped_objective``, averaged and made small.

    Args:
        new: log-probabilities under the policy that is trained, floating point [N].
        old: those under the policy that wrote, [N].
        advantages: A, [N].
        clip: ε, above 0.

    Returns:
        A scalar.

    Raises:
        ArgumentError: shapes that differ, or ε not above 0.

    Source: Schulman et al. 2017, Eq. 7.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.preferences import ppo_loss
    >>> float(ppo_loss(mx.zeros((2,)), mx.zeros((2,)), mx.array([1.0, 3.0])))
    -2.0
    """
    return -mx.mean(clipped_objective(new, old, advantages, clip))


def group_advantages(rewards: mx.array, eps: float = 1e-4) -> mx.array:
    """``(R − mean R) / (std R + ε)`` among the G answers to each prompt: GRPO's stand-in for a value model.

    Args:
        rewards: floating point [P, G].
        eps: ε, above 0, for prompts whose answers are all as good.

    Returns:
        [P, G]; each row sums to 0.

    Raises:
        ArgumentError: another rank, or ε not above 0.

    Source: Shao et al. 2024, "DeepSeekMath", §4.1.2. The standard deviation is over G, not G − 1.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.preferences import group_advantages
    >>> [round(each, 3) for each in group_advantages(mx.array([[1.0, 3.0]]))[0].tolist()]
    [-1.0, 1.0]
    """
    [rewards] = _checked(("prompt", "answer"), rewards=rewards)
    require_positive_number("eps", eps)
    centered = rewards - mx.mean(rewards, axis=-1, keepdims=True)
    return centered / (mx.sqrt(mx.mean(mx.square(centered), axis=-1, keepdims=True)) + eps)


def grpo_loss(
    new: mx.array,
    old: mx.array,
    reference: mx.array,
    advantages: mx.array,
    mask: mx.array,
    clip: float = 0.2,
    beta: float = 0.04,
) -> mx.array:
    """``−1/G Σ_i 1/|o_i| Σ_t [clipped objective − β (e^d − d − 1)]``, d = log π_ref − log π at each token.

    e^d − d − 1 is an unbiased estimate of KL(π ‖ π_ref) that is never negative ("k3").

    Args:
        new: log-probabilities of each token under the policy that is trained, floating point [G, T].
        old: those under the policy that wrote, [G, T].
        reference: those under the reference, [G, T].
        advantages: one for each answer, [G].
        mask: boolean [G, T], True at an answer's tokens; each answer has at least one.
        clip: ε, above 0.
        beta: β, above 0.

    Returns:
        A scalar.

    Raises:
        ArgumentError: shapes that do not fit, ε or β not above 0.

    Source: Shao et al. 2024, "DeepSeekMath", Eq. 3 and 4.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.preferences import grpo_loss
    >>> same, mask = mx.zeros((2, 3)), mx.ones((2, 3)).astype(mx.bool_)
    >>> float(grpo_loss(same, same, same, mx.array([1.0, 3.0]), mask))
    -2.0
    """
    new, old, reference = _checked(("answer", "time"), new=new, old=old, reference=reference)
    require_shape("advantages", advantages, ("answer",), (new.shape[0],))
    require_shape("mask", mask, ("answer", "time"), tuple(new.shape))
    require_positive_number("beta", beta)
    gain = clipped_objective(new, old, mx.broadcast_to(advantages.reshape(-1, 1), new.shape), clip)
    distance = mx.stop_gradient(reference) - new
    divergence = mx.exp(distance) - distance - 1.0
    each = mx.where(mask, gain - beta * divergence, 0.0)
    lengths = mx.maximum(mx.sum(mask.astype(each.dtype), axis=-1), 1.0)
    return -mx.mean(mx.sum(each, axis=-1) / lengths)
