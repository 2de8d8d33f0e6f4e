"""How a task to write by hand is written in the bank: ``kind: code``, with keys of its own.

What is right and which mistakes there are, the judge knows under the task's name; here stand the words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from questions.bank import PREFIX
from questions.bilingual import Bilingual
from questions.errors import hint, quoted
from questions.item import EXPERIMENT, ID, NAME, SEE, SOURCES, TOPIC, find_experiment, is_see, judge_texts, judge_topic
from questions.model import CodeQuestion, FollowUp, See, Solution
from questions.nodes import Node
from questions.reading import Broken, Reading
from questions.shapes import BILINGUAL, Choice, Either, Field, Many, Record, Text, Whole

_CODE = Text(prose=False, wanted=Bilingual("代码", "code"))
_EXAMPLE = Either(
    Record("an example", Bilingual, bilingual=True, prose=False),
    _CODE,
    lambda node: node.kind == "map",
    lambda part: not isinstance(part, str),
)
_SOLUTION = Record(
    "a solution",
    Solution,
    (
        Field("numpy", _CODE, "always", "In NumPy."),
        Field("torch", _CODE, "shipped", "In torch."),
        Field("mlx", _CODE, "shipped", "In MLX."),
    ),
)
_ASKED = Record(
    "a follow-up",
    FollowUp,
    (
        Field("question", BILINGUAL, "always", "What an interviewer asks next."),
        Field("answer", BILINGUAL, "always", "Its answer."),
    ),
)
_FOLLOW_UPS = Many(Either(SEE, _ASKED, is_see, lambda part: isinstance(part, See)), least_complete=2)
CODE = Record(
    "a code question",
    CodeQuestion,
    (
        Field("id", ID, "always", "code- and the name of the task; stable for ever."),
        Field("kind", Choice(("code",)), "always", "code: a function is written, and judged by running it."),
        Field("topic", TOPIC, "always", "What it belongs to."),
        Field("level", Whole(1, 3), "always", "How hard it is, 1 to 3."),
        Field("task", NAME, "always", "The judge's task: its cases, its reference and its mistakes."),
        Field("minutes", Whole(1, 60), "always", "How long one should take."),
        Field("question", BILINGUAL, "always", "What is to be written, with shapes; Markdown."),
        Field("signature", _CODE, "always", "The functions and their parameters, a line each."),
        Field("example", _EXAMPLE, "always", "A call and what it returns; in two languages where words stand in it."),
        Field("hints", Many(BILINGUAL, most=3, least_complete=3), "always", "Three steps towards the solution."),
        Field("solution", _SOLUTION, "always", "The function in each framework."),
        Field("follow_ups", _FOLLOW_UPS, "shipped", "What an interviewer asks next."),
        Field("sources", SOURCES, "shipped", "The papers."),
        Field("experiment", EXPERIMENT, "never", "What shows the component at work."),
    ),
)


def is_code(node: Node) -> bool:
    kind = node.get("kind") if node.kind == "map" else None
    return kind is not None and kind.value == "code"


def read_code(node: Node, reading: Reading) -> CodeQuestion | None:
    """The task at ``node``, or None after all its problems have been reported."""
    name = node.get("id")
    reading.item = name.value[:64] if name is not None and name.kind == "scalar" else ""
    find_experiment(node, reading)
    question = CODE.read(node, "", reading)
    judge_topic(node, reading)
    judge_texts(node, reading)
    task = node.get("task")
    if task is not None and task.kind == "scalar" and not task.broken:
        if reading.catalogue is not None and task.value not in reading.catalogue.tasks:
            known = list(reading.catalogue.tasks)
            message = f"the judge has no task {quoted(task.value)}{hint(task.value, known)}"
            reading.problem("unknown-task", message, task, "task", name=task.value, known=known)
        elif name is not None and name.value != PREFIX + task.value:
            message = f"the id of this task is {PREFIX}{task.value}, not {quoted(name.value)}"
            reading.problem("id-not-the-task", message, name, "id", wanted=PREFIX + task.value, name=name.value)
    if isinstance(question, Broken) or reading.reported:
        return None
    return replace(question, file=reading.file, line=node.start[0] + 1, shipped=reading.complete)


def as_data(question: CodeQuestion) -> dict[str, Any]:
    """The task as it stands in YAML, of plain dicts and lists."""
    return CODE.write(question)
