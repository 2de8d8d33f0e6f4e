"""The shipped questions, read once for all tests of a process: they never change, and reading them takes a third of a
second, which is most of what opening the program or running one of its commands costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from questions import loader
from questions.bank import Bank
from questions.catalogue import Catalogue
from questions.loader import load_shipped
from tui.commands import check


@pytest.fixture(scope="session", autouse=True)
def shipped_questions_are_read_once() -> Iterator[None]:
    kept: dict[tuple[str, ...], Bank] = {}

    def load_once(catalogue: Catalogue) -> Bank:
        names = tuple(catalogue.experiments)  # a toy among them makes another bank
        if names not in kept:
            kept[names] = load_shipped(catalogue)
        return kept[names]

    with pytest.MonkeyPatch.context() as patch:
        for module in (loader, check):
            patch.setattr(module, "load_shipped", load_once)
        yield
