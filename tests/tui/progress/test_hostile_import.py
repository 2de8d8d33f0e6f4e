"""Progress from a stranger's file is taken whole or refused in a sentence, soon and in little memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mutants import mutant
from tests.soak import seed, times
from tests.tui.commands.started import environment
from tests.tui.commands.test_outgoing import exported
from tui.language.words import say_error
from tui.progress.errors import ProgressError
from tui.progress.records import utc_now
from tui.progress.store import open_store
from tui.progress.taking_over import read_export, take_over


def test_mutants_are_taken_or_refused(tmp_path: Path) -> None:
    draw = random.Random(seed(16))
    path, sound = tmp_path / "in.json", exported("a")
    taken = refused = 0
    for number in range(times(150, 5_000)):
        path.write_text(json.dumps(mutant(sound, draw)), encoding="utf-8")
        try:
            foreign = read_export(path)
        except ProgressError as error:
            refused += 1
            assert len(say_error(error, "zh")) < 2_000 and "{path}" not in say_error(error, "en"), number
            continue
        taken += 1
        with open_store(tmp_path / str(number % 5)) as store:
            take_over(store, foreign, utc_now(), replace=bool(number % 2), dry=False)
            assert store.notices == ()
            store.cards(), store.reviews(), store.flags(), store.interviews()
            store.rate("a", 3, "en")
    print(f"{taken} taken, {refused} refused")
    assert taken > 10 and refused > 10


BOMBS = {
    "lists": lambda: "[" + "[]," * 10_000_000 + "[]]",
    "mappings": lambda: '{"format": [' + "{}," * 10_000_000 + "{}]}",
    "keys": lambda: "{" + ",".join(f'"{number}":0' for number in range(2_000_000)) + "}",
    "nesting": lambda: "[" * 30_000_000,
    "a long text": lambda: json.dumps({"format": "猫" * 5_000_000}, ensure_ascii=False),
    "digits": lambda: '{"version": ' + "9" * 30_000_000 + "}",
    "bytes": lambda: " " * 40_000_000,
}
READ = """
import sys
from pathlib import Path
from tui.cli import main
status = main(["--data-dir", sys.argv[1], "import", sys.argv[2]])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(status, int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what memory was taken from /proc")
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_little(tmp_path: Path, bomb: str) -> None:
    path = tmp_path / "in.json"
    path.write_text(BOMBS[bomb](), encoding="utf-8")
    done: Any = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "d"), str(path)], capture_output=True, text=True, env=environment()
    )
    status, megabytes = map(int, done.stdout.split())
    print(f"{bomb}: {megabytes} MB; {done.stderr.strip()[:100]}")
    assert status == 2 and megabytes < 300 and len(done.stderr) < 2_000
