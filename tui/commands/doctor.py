"""``doctor``: what the program finds where it runs, and what to do where something is off."""

from __future__ import annotations

import argparse
from typing import Any

from questions.bilingual import Language
from tui.commands.context import Context
from tui.commands.findings import Examination, examine
from tui.commands.output import glyph, paragraphs, width, write, write_json
from tui.language.backend import say_backend
from tui.language.harmless import in_a_line
from tui.language.words import words

FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    examination = examine(context)
    if options.json:
        facts = {group: dict(found) for group, found in examination.facts.items()}
        facts["backend"].pop("description", None)
        findings = [
            {"code": each.code, "serious": each.serious, "message": words(f"doctor.{each.code}", "en", **each.fields)}
            for each in examination.findings
        ]
        write_json({**facts, "findings": findings})
    else:
        columns = width()
        for line in as_lines(examination, context.language):
            for row in paragraphs(line, columns, hang="    "):
                write(row)
    return 0 if examination.well else FAILED


def as_lines(examination: Examination, language: Language) -> list[str]:
    def say(name: str, **fields: Any) -> str:
        return words(f"doctor.{name}", language, **fields)

    facts = examination.facts
    lines = [say("versions")]
    for name, version in facts["versions"].items():
        lines.append(f"  {name} {version if version is not None else say('not-installed')}")
    if "description" in facts["backend"]:
        lines += [say("backend"), "  " + say_backend(facts["backend"]["description"], language)]
    progress, terminal = facts["progress"], facts["terminal"]
    lines += [say("progress"), f"  {in_a_line(progress['folder'])}"]
    lines.append("  " + (say("file", **progress) if progress["file"] else say("no-file")))
    lines.append(say("terminal"))
    lines.append("  " + (say("size", **terminal) if terminal["stdout_is_terminal"] else say("no-terminal")))
    lines.append("  " + say("colours", **{name: value or "-" for name, value in terminal.items()}))
    lines.append("  " + say("ambiguous"))
    lines += [say("questions"), "  " + say("bank", **facts["questions"]), ""]
    for finding in examination.findings:
        sign = glyph("✗", "x") if finding.serious else "!"
        lines.append(f"{sign} {say(finding.code, **finding.fields)}")
    if examination.well and not examination.findings:
        lines.append(f"{glyph('✓', 'v')} {say('well')}")
    return lines
