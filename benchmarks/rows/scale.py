"""Much of everything: the cost grows as the work does, and what is not needed now is not paid for now."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from functools import cache, partial
from typing import TYPE_CHECKING

from benchmarks.row import Row, Sample, Sides
from benchmarks.rows.start import first_question
from benchmarks.timing import timed

if TYPE_CHECKING:
    from questions.bank import Bank

PAGES = ("interview", "lab", "look", "by-hand", "browse", "progress")


def _attention(tokens: int) -> Sample:
    import numpy as np

    import mlxformer as mf
    from mlxformer.backend import mx

    q, k, v = (mx.array(np.random.default_rng(n).normal(size=(1, 2, tokens, 64)).astype("float32")) for n in range(3))
    return timed(lambda: mx.eval(mf.scaled_dot_product_attention(q, k, v, mask="causal")))


def _tokens(with_peer: bool) -> Sides:
    return Sides(_attention(8192), _attention(4096))


def _memory(with_peer: bool) -> Sides:
    return Sides(_most_memory(_attention(8192)), _most_memory(_attention(1024)))


def _most_memory(work: Sample) -> Sample:
    """The most bytes that ``work`` holds at once beyond what was there; NumPy tells tracemalloc of its arrays."""

    def sample() -> float:
        tracemalloc.start()
        try:
            work()
            return float(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

    return sample


def _sentences(with_peer: bool) -> Sides:
    import mlxformer as mf
    from benchmarks.models import bert_folder, ids
    from mlxformer.backend import mx

    model = mf.BertModel.from_pretrained(bert_folder("minilm"))
    model.eval()

    def of(batch: int) -> Sample:
        given = mx.array(ids(batch, 32))
        return timed(lambda: mx.eval(model(given).last_hidden_state))

    return Sides(of(512), of(64))


@cache
def _bank() -> Bank:
    from benchmarks.many import own_questions
    from tui.bank import load_bank

    return load_bank([own_questions()])


def _first_reading(with_peer: bool) -> Sides:
    from benchmarks.many import own_questions

    own_questions()
    return Sides(timed(_bank))


def _own_first(with_peer: bool) -> Sides:
    from benchmarks.many import own_questions, unused

    data = unused()
    own = first_question("--questions", str(own_questions()), data_dir=str(data))
    own()  # their first reading: what can be kept of it is there from now on
    return Sides(own, first_question(data_dir=str(data)))


def _reviews_first(with_peer: bool) -> Sides:
    from benchmarks.many import reviewed, unused

    return Sides(first_question(data_dir=str(reviewed())), first_question(data_dir=str(unused())))


def _page(name: str, with_peer: bool) -> Sides:
    """Until the place is drawn and at rest, in a program that has all the questions and all the reviews."""
    from benchmarks.many import reviewed

    data, bank = reviewed(), _bank()

    async def open_it() -> float:
        from tui.app import QuizApp
        from tui.bank import in_order
        from tui.practice.written import everything
        from tui.progress.store import open_store

        tasks = in_order(bank)
        with open_store(data) as store:
            app = QuizApp(everything(bank, tasks), store, language="en", tasks=tasks)
            async with app.run_test(size=(120, 40)) as pilot:
                await pilot.pause()
                started = time.perf_counter()
                await app.run_action(f"go('{name}')")
                await pilot.pause()
                return time.perf_counter() - started

    return Sides(lambda: asyncio.run(open_it()))


ROWS = (
    Row("tokens", "causal attention 2 × 64, 8,192 tokens, a unit of work", 1.1, _tokens, "the same, 4,096", work=4),
    Row("memory", "the same, memory a token", 1.1, _memory, "the same, 1,024", work=8, unit="B"),
    Row("sentences", "BERT, minilm, 512 × 32, a sentence", 1.1, _sentences, "the same, 64 × 32", work=8),
    Row("own-first-reading", "10,000 own questions, their first reading", 20.0, _first_reading, kind="seconds",
        once=True),
    Row("own-first-question", "the first question, with 10,000 own already read once", 1.3, _own_first,
        "with the shipped ones alone", threads=0, once=True),
    Row("reviews-first-question", "the first question, with 200,000 reviews", 1.3, _reviews_first, "with none",
        threads=0),
    *(
        Row(f"page-{name}", f"opening {name}, 10,000 own questions, 200,000 reviews", 0.5, partial(_page, name),
            kind="seconds", threads=0, once=True)
        for name in PAGES
    ),
)  # fmt: skip
