"""``python -m tests.questions.seeds [ID ...]``: the numbers of the bank that another seed contradicts.

What stands after ± in a text spans what the seeds 0 to 9 give. A number without it is the same at all of them, or its
paragraph says of which seed it is. Every experiment runs ten times here, so this is no part of ``check``: run it for an
item whose numbers or experiment have changed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from questions.model import LinkedNumber, Question
from tui.bank import load_bank
from tui.experiments.catalogue import catalogue
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.proof.evidence import Settings, by_name, evidence

_SEED = re.compile(r"\bseed\b|种子")


@dataclass(frozen=True)
class Contradicted:
    """A number, or a check (``number`` is None), that some seeds do not give. ``found`` is what each of them gives."""

    question: str
    number: LinkedNumber | None
    check: str
    found: dict[int, float | None]

    def __str__(self) -> str:
        where = "a check" if self.number is None else f"{self.number.key}.{self.number.language}"
        written = "fails" if self.number is None else self.number.span.text
        values = ", ".join(f"{value:.4g} at seed {seed}" if value is not None else f"nothing at seed {seed}"
                           for seed, value in self.found.items())  # fmt: skip
        return f"{self.question}: {where}: {written} ({self.check}): {values}"


def contradicted(question: Question, seeds: Iterable[int] = SEEDS_BEFOREHAND) -> Iterator[Contradicted]:
    """What the seeds say against ``question``."""
    experiment = None if question.experiment is None else catalogue()[question.experiment.run]
    if experiment is None or all(knob.name != "seed" for knob in experiment.knobs):
        return
    measured = [
        number for number in question.numbers() if number.span.kind == "check" and "seed" not in number.settings
    ]
    failed: dict[str, dict[int, float | None]] = {}
    for settings in _each(number.settings for number in measured):
        runs = {seed: by_name(experiment.run({**settings, "seed": seed}).checks) for seed in seeds}
        for seed, checks in runs.items():
            for check in checks.values():
                if check.holds is False:
                    failed.setdefault(check.name, {})[seed] = check.measured
        for number in measured:
            if number.settings == settings and not _of_a_seed(question, number):
                against = {seed: evidence(number.span, checks) for seed, checks in runs.items()}
                found = {
                    seed: None if each.check is None else each.check.measured
                    for seed, each in against.items()
                    if not each.agrees
                }
                if found:
                    yield Contradicted(question.id, number, number.span.target, found)
    for name, values in failed.items():
        yield Contradicted(question.id, None, name, values)


def _each(settings: Iterable[Settings]) -> list[Settings]:
    found: list[Settings] = []
    for one in settings:
        if one not in found:
            found.append(one)
    return found


def _of_a_seed(question: Question, number: LinkedNumber) -> bool:
    """Whether the number has no ± and the paragraph that it stands in says of which seed it is."""
    if number.span.quantity.tolerance is not None:
        return False
    text = dict(question.texts())[number.key]
    said = text if isinstance(text, str) or number.language is None else text.say(number.language)
    return any(number.span.text in part and _SEED.search(part) for part in re.split(r"\n\s*\n", str(said)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what other seeds contradict; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.questions.seeds", description=(__doc__ or "").split(": ")[1])
    parser.add_argument("ids", nargs="*", metavar="ID", help="questions (default: all)")
    ids, wrong = parser.parse_args(arguments).ids, 0
    for question in load_bank().questions:
        if isinstance(question, Question) and (not ids or question.id in ids):
            for each in contradicted(question):
                print(each, flush=True)
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
