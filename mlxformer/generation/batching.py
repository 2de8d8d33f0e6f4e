"""Serving many requests with one model: batches that change at every step, or only when all of a batch have ended.

    static        admit B, decode until the longest has ended, admit the next B
    continuous    after each step those that have ended leave, and waiting ones take their places (Orca)

What comes out is the same, text by text; the steps, and how many rows of each are at work, are not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mlxformer.attention.paged_cache import BlockPool, PagedSequence
from mlxformer.validation import require_positive

# Sequences and the next ids of each, [B, n] -> logits of the token after the last, [B, V]; the sequences grow by n.
Step = Callable[[Sequence[PagedSequence], np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Request:
    """A prompt, and how many tokens are wanted.

    Args:
        prompt: int32 [T], at least one token.
        max_new_tokens: at least 1.

    >>> import numpy as np
    >>> from mlxformer.generation.batching import Request
    >>> Request(np.array([5, 6]), 3).max_new_tokens
    3
    """

    prompt: np.ndarray
    max_new_tokens: int


@dataclass(frozen=True, eq=False)
class Served:
    """What ``serve`` wrote, and how.

    Args:
        texts: of each request, the new tokens.
        running: of each decoding step, the numbers of the requests that got a token.
        stored: of each step, how many tokens the sequences have in the pool.
        blocks: of each step, how many blocks are in use.

    >>> import numpy as np
    >>> from mlxformer.generation.batching import Served
    >>> Served([np.arange(3)], [[0], [0]], [4, 5], [1, 2]).steps
    2
    """

    texts: list[np.ndarray]
    running: list[list[int]]
    stored: list[int]
    blocks: list[int]

    @property
    def steps(self) -> int:
        """Decoding steps; reading a prompt, which gives a request its first token, is none."""
        return len(self.running)

    def occupancy(self, slots: int) -> float:
        """Which share of the rows of all steps got a token.

        Args:
            slots: B, how many rows each step could have had.
        """
        return sum(map(len, self.running)) / (slots * self.steps) if self.steps else 1.0


@dataclass(eq=False)
class _Job:
    number: int
    request: Request
    written: list[int] = field(default_factory=list)
    sequence: PagedSequence | None = None

    def ends(self, eos_ids: Sequence[int]) -> bool:
        return len(self.written) >= self.request.max_new_tokens or self.written[-1] in eos_ids


def serve(
    requests: Sequence[Request],
    step: Step,
    pool: BlockPool,
    *,
    slots: int,
    continuous: bool = True,
    eos_ids: Sequence[int] = (),
) -> Served:
    """All requests, first come first served, the likeliest token each time.

    A request is admitted when a slot is free and the pool has blocks for its prompt and one token; it takes more as it
    grows. Where the pool is full, the one that came last gives its blocks back and is read anew when there is room, as
    if its prompt were all it has.

    Args:
        requests: what is to be written.
        step: the model.
        pool: where keys and values are kept; what was in use stays so.
        slots: B, how many requests run at once at most.
        continuous: whether others are admitted while some still run.
        eos_ids: what ends a text.

    Returns:
        The texts, and what ran when.

    Raises:
        ArgumentError: for numbers below 1, and for a request that the whole pool cannot hold.

    Source: Yu et al. 2022, "Orca: A Distributed Serving System for Transformer-Based Generative Models", §3.1; Kwon et
    al. 2023, "Efficient Memory Management for Large Language Model Serving with PagedAttention", §4.5.

    >>> import numpy as np
    >>> from mlxformer.attention.paged_cache import BlockPool
    >>> from mlxformer.generation.batching import Request, serve
    >>> def step(sequences, ids):  # counts on
    ...     for sequence in sequences:
    ...         sequence.reserve(sequence.length + ids.shape[1])
    ...     return np.eye(9)[(ids[:, -1] + 1) % 9]
    >>> asked = [Request(np.array([1]), n) for n in (5, 2, 2)]
    >>> [serve(asked, step, BlockPool(9, 4, num_layers=1), slots=2, continuous=way).steps for way in (False, True)]
    [5, 4]
    """
    require_positive(
        slots=slots, **{f"max_new_tokens of request {n}": r.max_new_tokens for n, r in enumerate(requests)}
    )
    waiting = deque(_Job(number, request) for number, request in enumerate(requests))
    jobs = list(waiting)
    running: list[_Job] = []
    found = Served([], [], [], [])
    while waiting or running:
        if continuous or not running:
            while waiting and len(running) < slots and (not running or _has_room(waiting[0], running, pool)):
                job = waiting.popleft()
                _read(job, step, pool)
                running += _going_on([job], eos_ids)  # what its prompt's pass ends takes no slot
        if not running:
            continue
        while len(running) > 1 and _next_blocks(running) > pool.num_free:
            job = running.pop()
            _sequence(job).free()
            waiting.appendleft(job)
        ids = np.array([[job.written[-1]] for job in running], np.int32)
        logits = step([_sequence(job) for job in running], ids)
        for job, row in zip(running, logits, strict=True):
            job.written.append(int(row.argmax()))
        found.running.append([job.number for job in running])
        found.stored.append(sum(_sequence(job).length for job in running))
        found.blocks.append(pool.in_use)
        running = _going_on(running, eos_ids)
    texts = [np.array(job.written, np.int32) for job in jobs]
    return Served(texts, found.running, found.stored, found.blocks)


def _sequence(job: _Job) -> PagedSequence:
    assert job.sequence is not None, "it runs"
    return job.sequence


def _read(job: _Job, step: Step, pool: BlockPool) -> None:
    """Read the prompt, and what was written before the request lost its blocks but its last token."""
    job.sequence = pool.sequence()
    known = [*job.request.prompt.tolist(), *job.written]
    logits = step([job.sequence], np.array([known[:-1] if job.written else known], np.int32))
    if not job.written:
        job.written.append(int(logits[0].argmax()))


def _going_on(running: list[_Job], eos_ids: Sequence[int]) -> list[_Job]:
    """Those that have not ended; the others give their blocks back."""
    for job in running:
        if job.ends(eos_ids):
            _sequence(job).free()
    return [job for job in running if not job.ends(eos_ids)]


def _has_room(job: _Job, running: Sequence[_Job], pool: BlockPool) -> bool:
    """For all that it knows and the token after it, beside what those that run need for theirs."""
    length = len(job.request.prompt) + len(job.written) + 1
    return _next_blocks(running) + -(-length // pool.block_size) <= pool.num_free


def _next_blocks(running: Sequence[_Job]) -> int:
    """How many blocks the next step takes."""
    return sum(_sequence(job).needed(_sequence(job).length + 1) for job in running)
