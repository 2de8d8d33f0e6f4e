"""``check``: validate question files; ``--run`` measures every check and every number that they rest on.

Exit status: 0 all is well, 1 a check or a number does not hold (or, with ``--falsify``, a check cannot be made to
fail), 2 a file is wrong.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from questions.bank import Bank
from questions.bilingual import Language
from questions.errors import Problem
from questions.loader import load, load_shipped
from tui.bank import Report, known_experiments
from tui.commands.check_text import check_json, check_lines
from tui.commands.context import Context
from tui.commands.output import glyph, paragraphs, tell, width, write, write_json
from tui.commands.progress_line import ProgressLine
from tui.language.usage import UsageError
from tui.language.words import say_error, say_place, say_problem, words
from tui.progress.paths import typed_path
from tui.proof.proof import Falsification, Measured, Proof, falsify, measure

FAILED, MISUSED = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--falsify", action="store_true")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    if options.falsify and not options.run:
        raise UsageError("falsify-without-run")
    with ProgressLine() as report:
        bank = bank_to_check([typed_path(path) for path in options.paths], context.questions, report)
    language = context.language
    if not options.json:
        _write_problems(bank, language)
    proof: Proof | None = None
    falsified: list[Falsification] = []
    if options.run:
        with ProgressLine() as report:
            proof = measure(bank.questions, report, _processes())
            if options.falsify:
                falsified = falsify(proof.experiments, report)
    if options.json:
        write_json(_json(bank, proof, falsified))
    elif proof is not None:
        _write_proof(proof, falsified, language)
    if bank.problems:
        return MISUSED
    well = (proof is None or proof.holds) and all(each.fails for each in falsified)
    return 0 if well else FAILED


def _processes() -> int:
    """One a core on NumPy; a GPU is shared by no more than one."""
    from mlxformer import backend

    return min(os.cpu_count() or 1, 8) if backend.name == "numpy" else 1


def bank_to_check(paths: Sequence[Path], own: Sequence[Path], report: Report) -> Bank:
    """The questions of ``paths``; without any, those that ship and the person's own.

    Files of a person are read beside the shipped ones, to which their follow-ups may lead; a file that is itself one
    of the shipped ones is read as such.
    """
    known = known_experiments()
    shipped = load_shipped(known)
    if not paths:
        return load(own, known, shipped, report) if own else shipped
    names = {name for path in paths for name in _shipped_names(path)}
    of_shipped = Bank(
        tuple(question for question in shipped.questions if question.file in names),
        tuple(problem for problem in shipped.problems if problem.file in names),
        tuple(task for task in shipped.tasks if task.file in names),
    )
    others = [path for path in paths if not _shipped_names(path)]
    if not others:
        return of_shipped
    bank = load(others, known, shipped, report)
    return Bank(
        (*of_shipped.questions, *(question for question in bank.questions if not question.shipped)),
        (*of_shipped.problems, *(problem for problem in bank.problems if problem not in shipped.problems)),
        (*of_shipped.tasks, *(task for task in bank.tasks if not task.shipped)),
    )


def _shipped_names(path: Path) -> list[str]:
    """The shipped files that ``path`` is, or holds, as the bank calls them."""
    import questions

    folder = Path(questions.__file__).resolve().parent
    resolved = Path(os.path.realpath(path))  # which a circle of links does not end
    if not resolved.is_relative_to(folder):
        return []
    files = [resolved] if resolved.is_file() else resolved.rglob("*.y*ml")
    return [file.relative_to(folder.parent).as_posix() for file in files]


def _write_problems(bank: Bank, language: Language) -> None:
    for problem in bank.problems:
        write(say_place(problem) + say_problem(problem, language))
    count, faults = len(bank.questions), len(bank.problems)
    tell(words("check.validated" if not faults else "check.faulty", language, count=count, faults=faults))


def _write_proof(proof: Proof, falsified: Sequence[Falsification], language: Language) -> None:
    columns = width()

    def put(text: str, indent: str = "") -> None:
        for row in paragraphs(text, columns, indent, indent + "    "):
            write(row)

    for measured in proof.measured:
        knobs = "  ".join(f"{name}={value}" for name, value in measured.changed.items())
        write(f"{measured.name}  {knobs}".rstrip() + f"  ({', '.join(measured.questions)})")
        if measured.error is not None:
            put(f"{_sign(False)} {say_error(measured.error, language)}", "  ")
        for check in measured.checks:
            for line in check_lines(check, language):
                put(line, "  ")
    for fault in proof.faults:
        put(f"{_sign(False)} {words(f'check.{fault.code}', language, **fault.fields)}")
    for each in falsified:
        outcome = "check.falsified" if each.fails else f"check.unfalsified-{each.outcome}"
        reason = say_error(each.error, language) if each.error else ""
        fields = {"experiment": each.experiment, "check": each.check, "how": each.how, "reason": reason}
        put(f"{_sign(each.fails)} {words(outcome, language, **fields)}")
    tell(
        words(
            "check.ran",
            language,
            runs=len(proof.measured),
            checks=sum(len(measured.checks) for measured in proof.measured),
            numbers=proof.numbers,
            faults=proof.failures + sum(not each.fails for each in falsified),
        )
    )


def _sign(good: bool) -> str:
    return glyph("✓", "v") if good else glyph("✗", "x")


def _json(bank: Bank, proof: Proof | None, falsified: Sequence[Falsification]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "questions": len(bank.questions),
        "problems": [_problem_json(problem) for problem in bank.problems],
    }
    if proof is not None:
        from mlxformer import backend

        data["backend"] = backend.name
        data["runs"] = [_measured_json(measured) for measured in proof.measured]
        data["numbers"] = proof.numbers
        data["faults"] = [{"code": fault.code, **fault.fields} for fault in proof.faults]
        data["falsified"] = [
            {
                "experiment": each.experiment,
                "check": each.check,
                "fails_when": each.how,
                "fails": each.fails,
                "measured": each.measured,
                "error": str(each.error) if each.error else None,
            }
            for each in falsified
        ]
    return data


def _measured_json(measured: Measured) -> dict[str, Any]:
    return {
        "experiment": measured.name,
        "knobs": dict(measured.knobs),
        "questions": list(measured.questions),
        "seconds": measured.seconds,
        "error": str(measured.error) if measured.error else None,
        "checks": [check_json(check) for check in measured.checks],
    }


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "code": problem.code,
        "message": problem.message,
    }
