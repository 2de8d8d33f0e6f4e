"""Proof of the judge: what is right passes, however it is written; each mistake fails and is named as itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from questions.loader import load_shipped
from tests.tui.judge.further_styles import FURTHER
from tests.tui.judge.second_styles import SECOND
from tests.tui.judge.styles import STYLES as FIRST_STYLES
from tests.tui.judge.test_references import outputs
from tui.experiments.catalogue import NAMES as EXPERIMENTS
from tui.judge.calling import missing, run_case
from tui.judge.catalogue import FRAMEWORKS, NAMES, Framework, is_installed, load_task
from tui.judge.comparing import near
from tui.judge.contract import Task
from tui.judge.frameworks import Bridge
from tui.judge.judging import judge
from tui.judge.judging import verdict as verdict_of
from tui.judge.process import Run
from tui.judge.running import expected, run_plainly, variant
from tui.judge.verdict import Verdict
from tui.judge.wire import Writer, read

BANK = load_shipped()
ONCE_MORE = {name: [source] for name, source in SECOND.items()}
STYLES = {name: styles + ONCE_MORE.get(name, []) for name, styles in {**FIRST_STYLES, **FURTHER}.items()}
SOAK = bool(os.environ.get("TFORMER_SOAK"))
THE_FIFTEEN = NAMES[:15]  # those whose ids and signatures others rely on
TASKS = pytest.mark.parametrize("name", NAMES)
IN_A_PROCESS = ("softmax", "kv-cache", "bpe", "gpt2-block", "gradient-clipping", "int8-quantization", "beam-search")
OTHERS = [framework for framework in FRAMEWORKS if framework != "numpy"]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@cache
def bridge(framework: str) -> Bridge:
    return Bridge(framework)


def functions(source: str) -> dict[str, Any]:
    """What a file defines, without a process of its own."""
    from tui.judge.stages import look

    space: dict[str, Any] = {"look": look}
    exec(compile(source, "mine.py", "exec"), space)
    return space


def judge_functions(task: Task, functions: Mapping[str, Any], bridge: Bridge, file: str = "") -> Verdict:
    """What ``judge`` says of a file, of functions that are trusted and run in this process, by the hundred."""
    run = Run(fault=missing(functions, task.cases))
    for case in task.cases if run.fault is None else ():
        ran = run_case(case, functions, bridge, file)
        writer = Writer(bridge.take)
        written = [writer.write(value) for value in ran.returned]
        values = [read(each, writer.blob) for each in written]
        run.cases.append({"values": values, "looks": ran.looks, "fault": ran.fault, "nan": None})
    return verdict_of(task, run, bridge.name, [])


def on_numpy(framework: Bridge, plain: Mapping[str, Any]) -> dict[str, Any]:
    """Functions of NumPy arrays as functions of a framework's: how a mistake is judged in each."""

    def lifted(function: Any) -> Any:
        def up(value: Any) -> Any:
            if isinstance(value, np.ndarray | np.generic):
                return framework.give(np.asarray(value))
            return type(value)(map(up, value)) if isinstance(value, list | tuple) else value

        def down(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(map(down, value))
            if isinstance(value, dict):
                return {name: down(each) for name, each in value.items()}
            array = framework.take(value)
            return value if array is None else array.values

        def called(*arguments: Any, **options: Any) -> Any:
            return up(function(*map(down, arguments), **{name: down(value) for name, value in options.items()}))

        return called

    return {name: lifted(function) for name, function in plain.items()}


def say(verdict: Verdict) -> str:
    return verdict.failure.say("en") if verdict.failure else "passed"


@TASKS
def test_no_case_hangs_on_how_it_is_rounded(name: str) -> None:
    """In float32 the plain formula is off by less than half of the tolerance, so that another order has room."""
    task = load_task(name)
    for case in task.cases:
        if case.dtype == "float16":
            continue
        right = run_plainly(task, case, task.exact, wide=True)
        noisy = run_plainly(task, case, task.exact)
        for _, output, mine, good in outputs(task, case, noisy, right):
            if output.kind != "data":
                middle = np.asarray(good) + 2 * (np.asarray(mine, float) - np.asarray(good))
                assert near(middle, good, case.dtype).all(), (case.name, output.name)


@TASKS
def test_every_mistake_fails_and_is_named(name: str) -> None:
    """As itself and nothing else: of two that no case tells apart both would be named."""
    task = load_task(name)
    assert len(task.mistakes) >= (8 if name in THE_FIFTEEN else 3)
    for mistake in task.mistakes:
        verdict = judge_functions(task, variant(task, mistake), bridge("numpy"))
        assert not verdict.passed, mistake.name
        assert [each.name for each in verdict.mistakes] == [mistake.name], mistake.name


@TASKS
def test_names_and_words_of_mistakes(name: str) -> None:
    task = load_task(name)
    names = [mistake.name for mistake in task.mistakes]
    assert len(set(names)) == len(names)
    ids = {question.id for question in BANK.questions}
    for mistake in task.mistakes:
        assert mistake.name == mistake.name.lower() and " " not in mistake.name and "_" not in mistake.name
        assert mistake.title.say("zh") != mistake.title.say("en") or name == "softmax"
        assert mistake.question is None or mistake.question in ids, mistake.question
        assert mistake.experiment is None or mistake.experiment in EXPERIMENTS, mistake.experiment


@TASKS
def test_right_in_other_styles(name: str) -> None:
    task = load_task(name)
    for number, source in enumerate(STYLES[name]):
        verdict = judge_functions(task, functions(source), bridge("numpy"))
        assert verdict.passed, (number, verdict.failure and verdict.failure.case, say(verdict))


def test_there_are_two_styles_of_each_task_and_fifty_in_all() -> None:
    assert sum(map(len, STYLES.values())) >= 50
    assert set(STYLES) == set(NAMES) and min(map(len, STYLES.values())) >= 2


@pytest.mark.parametrize("name", IN_A_PROCESS)
def test_the_shipped_solution_passes_in_its_own_process(name: str) -> None:
    """As a person's file does: arrays, dicts and lists of them, plain data and caches travel there and back."""
    verdict = judge(name, BANK.task(name).solution.numpy.encode(), "solution.py")
    assert verdict.passed, say(verdict)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@TASKS
def test_the_shipped_solution_passes_in(name: str, framework: Framework) -> None:
    if not is_installed(framework):
        pytest.skip(f"{framework} is not installed")
    source = BANK.task(name).solution.of(framework)
    assert source is not None
    verdict = judge_functions(load_task(name), functions(source), bridge(framework))
    assert verdict.passed, (verdict.failure and verdict.failure.case, say(verdict))


@pytest.mark.parametrize("framework", OTHERS)
@TASKS
def test_mistakes_are_named_in(name: str, framework: str) -> None:
    """Every one with TFORMER_SOAK=1, else three of each task."""
    if not is_installed(framework):  # type: ignore[arg-type]
        pytest.skip(f"{framework} is not installed")
    task = load_task(name)
    for mistake in task.mistakes if SOAK else task.mistakes[:3]:
        verdict = judge_functions(task, on_numpy(bridge(framework), variant(task, mistake)), bridge(framework))
        assert not verdict.passed
        assert [each.name for each in verdict.mistakes] == [mistake.name]


@pytest.mark.skipif(not is_installed("torch"), reason="torch is not installed")
def test_torch_in_a_process_of_its_own() -> None:
    source = BANK.task("layer-norm").solution.torch
    assert source is not None
    verdict = judge("layer-norm", source.encode(), "solution.py", "torch")
    assert verdict.passed and verdict.framework == "torch", say(verdict)


def test_two_mistakes_in_one_file_are_both_named() -> None:
    """No 1/√D, and a row that sees nothing is NaN: no variant has all of these numbers, two together have."""
    source = """
import numpy as np
def attention(q, k, v, mask=None):
    s = q @ k.swapaxes(-1, -2)
    if mask is not None:
        s = np.where(mask, s, -np.inf)
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True) @ v
"""
    verdict = judge_functions(load_task("attention"), functions(source), bridge("numpy"))
    assert {mistake.name for mistake in verdict.mistakes} == {"no-scale", "row-of-nan"}


def test_a_mistake_is_named_where_its_edges_are_handled_otherwise() -> None:
    """The mask is inverted; which rows then see nothing is another matter, and theirs are not the variant's numbers."""
    source = """
import numpy as np
def attention(q, k, v, mask=None):
    s = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5
    if mask is not None:
        s = np.where(mask, np.finfo(s.dtype).min, s)
    e = np.exp(s - s.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True) @ v
    return y if mask is None else y * np.broadcast_to(mask, s.shape).any(-1, keepdims=True)
"""
    verdict = judge_functions(load_task("attention"), functions(source), bridge("numpy"))
    assert [mistake.name for mistake in verdict.mistakes] == ["mask-inverted"]


def test_another_bug_is_given_no_name() -> None:
    source = "import numpy as np\ndef softmax(x, axis=-1):\n    return np.tanh(x) * x.dtype.type(0.37)\n"
    verdict = judge_functions(load_task("softmax"), functions(source), bridge("numpy"))
    assert not verdict.passed and verdict.mistakes == []


def test_sums_near_p_are_no_case_of_top_p() -> None:
    for case in load_task("top-p").cases:
        logits, p = case.calls[0].arguments
        rows = np.atleast_2d(logits).astype(np.float64)
        ranked = -np.sort(-np.exp(rows - rows.max(-1, keepdims=True)), axis=-1)
        mass = np.cumsum(ranked / ranked.sum(-1, keepdims=True), axis=-1)
        assert np.abs(mass - p).min() > (2e-2 if case.dtype == "float16" else 1e-4), case.name


def test_what_is_right_is_computed_once() -> None:
    assert expected("softmax") is expected("softmax")


@pytest.mark.parametrize(
    ("name", "written", "instead", "kind", "said"),
    [
        (
            "padding-mask",
            "[:, None, None, :]",
            "[:, None, None, :] * 1",
            "own-dtype",
            "padding_mask is of dtype int64, not bool",
        ),
        ("int8-quantization", "np.int8", "np.int16", "own-dtype", "codes is of dtype int16, not int8"),
        ("bert-masking", "ids, -100)", "ids, -100.0)", "not-whole", "labels is of dtype float64, not of whole numbers"),
    ],
)
def test_an_output_of_another_dtype_than_the_input(name: str, written: str, instead: str, kind: str, said: str) -> None:
    source = BANK.task(name).solution.numpy.replace(written, instead)
    verdict = judge_functions(load_task(name), functions(source), bridge("numpy"))
    assert verdict.failure is not None and verdict.failure.kind == kind
    assert say(verdict) == said


def test_what_is_changed_within_a_list_or_a_dict_is_found() -> None:
    for name, written, instead, argument in (
        ("gradient-clipping", "    norm =", "    gradients[0] *= 2\n    norm =", "gradients"),
        ("gpt2-block", "    B, T, C", "    p['ln_1.bias'] = x[0, 0]\n    B, T, C", "p"),
    ):
        source = BANK.task(name).solution.numpy.replace(written, instead)
        verdict = judge_functions(load_task(name), functions(source), bridge("numpy"), "mine.py")
        assert verdict.failure is not None and verdict.failure.kind == "changed", name
        assert verdict.failure.fields["name"] == argument


def test_a_cache_may_be_a_list_that_grows_in_place() -> None:
    source = BANK.task("kv-cache").solution.numpy.replace(
        "return heads.transpose(0, 2, 1, 3).reshape(B, 1, C) @ w_o, (k, v)",
        "cache = [] if cache is None else cache\n    cache[:] = [k, v]\n"
        "    return heads.transpose(0, 2, 1, 3).reshape(B, 1, C) @ w_o, cache",
    )
    verdict = judge_functions(load_task("kv-cache"), functions(source), bridge("numpy"))
    assert verdict.passed, say(verdict)
