"""The rooms stand on floors: each imports only what is below it, no two files need each other, nor may packages mix."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.floors import Floors, circles, climbs, floors, imports, sources, strangers

ROOT = Path(__file__).parents[1]
# The packages themselves: the program uses the library and the bank, which know neither it nor each other.
MAY_IMPORT = {"tui": {"mlxformer", "questions"}, "mlxformer": set[str](), "questions": set[str]()}
PLAN: dict[str, Floors] = {
    "mlxformer": floors(
        """
        __main__
        folder_look convert pretrained
        inspection teaching
        models
        layers generation tokenization
        attention positions
        training
        checkpoints
        tracing
        origins projections
        validation
        backend
        errors axes
        harmless
        """
    ),
    "tui": floors(
        """
        __main__
        cli
        app
        commands screens
        practice widgets bank
        proof judge
        experiments
        figures
        progress text
        language
        """
    ),
}


@cache
def _imports(package: str) -> dict[str, dict[str, int]]:
    found = imports(sources(ROOT, package), _packages(package))
    assert sum(map(len, found.values())) > 30, "hardly an import was read: the test would prove nothing"
    return found


def _packages(package: str) -> list[str]:
    return [".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / package).rglob("__init__.py")]


@pytest.mark.parametrize("package", PLAN)
def test_imports_go_down(package: str) -> None:
    assert climbs(_imports(package), PLAN[package]) == []


@pytest.mark.parametrize("package", [*PLAN, "questions"])
def test_no_two_files_need_each_other(package: str) -> None:
    assert circles(_imports(package)) == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_it_may(package: str) -> None:
    forbidden = {"tui", "mlxformer", "questions", "benchmarks", "tests", "docs"} - MAY_IMPORT[package] - {package}
    assert strangers(sources(ROOT, package), forbidden) == []


def test_a_forbidden_package_is_found_in_a_function_too() -> None:
    house = {
        "house.a": "def later():\n    import shed.tools",
        "house.b": "from shed import rake",
        "house.c": "import shedding",
    }
    assert strangers(house, {"shed"}) == ["house.a:2 imports shed.tools", "house.b:1 imports shed.rake"]


@pytest.mark.parametrize("package", PLAN)
def test_no_room_of_the_plan_is_missing(package: str) -> None:
    rooms = {path.stem for path in (ROOT / package).iterdir()}
    assert {name for floor in PLAN[package] for name in floor} - rooms == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from house.attic import roof", "house.cellar.wine:1 imports house.attic: attic is not below cellar"),
        ("def later():\n    import house.attic", "house.cellar.wine:2 imports house.attic: attic is not below cellar"),
        (
            "from importlib import import_module\nimport_module('house.attic')",
            "house.cellar.wine:2 imports house.attic",
        ),
        ("import importlib\nimportlib.import_module(name='house.attic')", "house.cellar.wine:2 imports house.attic"),
        ("from importlib import import_module as load\nload('house.attic')", "house.cellar.wine:2 imports house.attic"),
        ("load = importlib.import_module\nload('house.attic')", "house.cellar.wine:2 imports house.attic"),
        ("import_module('..attic', __package__)", "house.cellar.wine:1 imports house.attic"),
        ("import_module('.attic', package='house')", "house.cellar.wine:1 imports house.attic"),
        ("import_module(f'house.attic.{name}')", "house.cellar.wine:1 imports house.attic"),
        ("import_module('house.attic.' + name + '.body')", "house.cellar.wine:1 imports house.attic"),
        ("import_module(f'house.{name}')", "house.cellar.wine:1 imports house: __init__ is not below cellar"),
        ("import_module(f'..{name}', __package__)", "house.cellar.wine:1 imports house: __init__ is not below cellar"),
        ("if TYPE_CHECKING:\n    from house import attic", "house.cellar.wine:2 imports house.attic"),
        ("from ..attic import roof", "house.cellar.wine:1 imports house.attic"),
        ("from house.garage import car", "house.cellar.wine:1 imports house.garage: garage is not below cellar"),
        ("import house", "house.cellar.wine:1 imports house: __init__ is not below cellar"),
    ],
)
def test_an_import_that_climbs_is_found(text: str, said: str) -> None:
    house = {"house": "", "house.attic": "", "house.garage": "", "house.cellar": "", "house.cellar.wine": text}
    found = climbs(imports(house, ["house", "house.cellar"]), floors("attic\ncellar garage"))
    assert len(found) == 1 and found[0].startswith(said), found


def test_a_room_without_a_floor_is_found() -> None:
    assert climbs(imports({"house": "", "house.shed": ""}), floors("attic")) == ["house.shed is in no floor"]


def test_a_circle_is_found() -> None:
    house = {
        "h.a": "from h.b import x",
        "h.b": "def f():\n    from h.c import y",
        "h.c": "import h.a",
        "h.d": "import h.a",
    }
    assert circles(imports(house)) == [["h.a", "h.b", "h.c"]]
