"""The README's map names every room that there is, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLACES = ("mlxformer", "tui", "questions", "benchmarks", "docs", "tests")


def mapped(text: str, place: str) -> list[str]:
    """The names in the first column of the table headed ``place/``."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| `{place}/` |"):
            break
    next(lines, None)  # the rule under the head
    found: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            break
        found += re.findall(r"`([^`]+)`", line.split("|")[1])
    return found


def rooms(folder: Path) -> set[str]:
    """Folders that hold Python, and loose files; not a package's ``__init__``, and not what is a test itself."""
    folders = {f"{path.name}/" for path in folder.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    return folders | {name for name in files if not name.startswith("test_")}


def differences(text: str, place: str, root: Path) -> list[str]:
    """What is missing on either side, in words."""
    named, there = mapped(text, place), rooms(root / place)
    twice = {name for name in named if named.count(name) > 1}
    return (
        [f"{place}/{name} is not in the README's map" for name in sorted(there - set(named))]
        + [f"the README's map names {place}/{name}, which is not there" for name in sorted(set(named) - there)]
        + [f"the README's map names {place}/{name} twice" for name in sorted(twice)]
    )


@pytest.mark.parametrize("place", PLACES)
def test_the_map_names_every_room_and_no_other(place: str) -> None:
    assert differences(README, place, ROOT) == []


def test_what_differs_is_found(tmp_path: Path) -> None:
    for room in ("attic", "cellar"):
        (tmp_path / "house" / room).mkdir(parents=True)
        (tmp_path / "house" / room / "wine.py").touch()
    (tmp_path / "house" / "door.py").touch()
    (tmp_path / "house" / "__init__.py").touch()
    (tmp_path / "house" / "empty").mkdir()
    rows = [
        "| `house/` | a house |",
        "| --- | --- |",
        "| `attic/` `door.py` | above |",
        "| `garage/` `attic/` | beside |",
    ]
    text = "\n".join([*rows, "", "| `elsewhere` |"])
    assert differences(text, "house", tmp_path) == [
        "house/cellar/ is not in the README's map",
        "the README's map names house/garage/, which is not there",
        "the README's map names house/attic/ twice",
    ]
