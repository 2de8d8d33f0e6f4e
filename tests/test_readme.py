"""The README's Python runs: every ```python block, in order, in one namespace for each section.

Conventions for whoever writes the README:

- A heading of any level begins a section, and a section's blocks share their names.
- A comparison that stands alone (``dates("…") == "2026-11-23"``) is a claim: it must be true.
- ``expression  # -> text`` is a claim too: the value, as ``repr`` or ``str`` writes it, is that text.
- ``<!-- needs: PATH -->`` on the line before a block: the block, and those after it in its section, are skipped
  where PATH (from the repository's root) does not exist; ``<!-- needs: module NAME -->`` where NAME cannot be imported.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


@dataclass(frozen=True)
class Block:
    """line: of the code's first line in the file. needs: what it cannot run without, or empty."""

    section: str
    line: int
    code: str
    needs: str


def blocks_of(text: str) -> list[Block]:
    """The ```python blocks of a Markdown text, each with the heading that it stands under."""
    found, section, needs, fence, code, start = [], "", "", "", [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if fence:
            if line.strip() == "```":
                if fence == "python":
                    found.append(Block(section, start, "\n".join(code), needs))
                fence, needs = "", ""
            else:
                code.append(line)
        elif opening := re.match(r"```\s*(\w*)", line):
            fence, code, start = opening[1] or "text", [], number + 1
        elif heading := re.match(r"#+ +(.*)", line):
            section, needs = heading[1].strip(), ""
        elif comment := re.match(r"<!-- needs: (.+?) -->", line):
            needs = comment[1]
        elif line.strip():
            needs = ""
    return found


def missing(needs: str) -> str:
    """Why a block cannot run here, or nothing."""
    kind, _, name = needs.partition(" ")
    if kind == "module":
        return "" if importlib.util.find_spec(name) else f"{name} is not installed"
    return "" if not needs or (ROOT / needs).exists() else f"{needs} is not there"


def run(block: Block, names: dict[str, object], file: str = "README.md") -> None:
    """Execute ``block`` in ``names``, and hold it to its claims. A traceback shows the file's own line numbers."""
    lines = block.code.splitlines()
    tree = ast.increment_lineno(ast.parse(block.code, file), block.line - 1)
    for statement in tree.body:
        where = f"{file}:{statement.lineno}"
        if not isinstance(statement, ast.Expr):
            execute(compile(ast.Module([statement], []), file, "exec"), names, where)
            continue
        value = execute(compile(ast.Expression(statement.value), file, "eval"), names, where)
        written = re.search(r"# -> (.+)$", lines[(statement.end_lineno or statement.lineno) - block.line])
        if written:
            text = written[1].strip()
            assert text in (repr(value), str(value)), f"{where}: {value!r}, but the README says {text}"
        elif isinstance(statement.value, ast.Compare):
            assert value, f"{where}: {ast.unparse(statement.value)} is not true"


def execute(code, names: dict[str, object], where: str) -> object:
    try:
        return eval(code, names)
    except Exception as error:
        raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error


BLOCKS = blocks_of(README.read_text(encoding="utf-8"))
SECTIONS = list(dict.fromkeys(block.section for block in BLOCKS))


@pytest.mark.parametrize("section", SECTIONS)
def test_the_readmes_python_runs(section, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what a block saves is not left in the repository
    names: dict[str, object] = {"__name__": "readme"}
    for block in BLOCKS:
        if block.section != section:
            continue
        if reason := missing(block.needs):
            pytest.skip(f"README.md:{block.line} needs {block.needs}: {reason}")
        run(block, names)


# The reader of blocks is itself held to what it promises.

SAMPLE = """\
# One

```python
x = 2
```

words

```sh
python does_not_run
```

```python
x * 3  # -> 6
x == 2
```

<!-- needs: nowhere/file.bin -->
```python
open("nowhere")
```

## Two

```python
undefined_here = "x" in dir()
```
"""


def test_blocks_are_found_with_their_lines_sections_and_needs():
    blocks = blocks_of(SAMPLE)
    assert [(block.section, block.line, block.needs) for block in blocks] == [
        ("One", 4, ""), ("One", 14, ""), ("One", 20, "nowhere/file.bin"), ("Two", 26, ""),
    ]  # fmt: skip
    names: dict[str, object] = {}
    run(blocks[0], names)
    run(blocks[1], names)
    assert names["x"] == 2
    assert missing("nowhere/file.bin") and missing("module no_such_module") and not missing("README.md")
    assert not missing("module json") and not missing("")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = 1\nx == 2", "README.md:11: x == 2 is not true"),
        ("x = 1\nx + 1  # -> 3", "README.md:11: 2, but the README says 3"),
        ("\n\nundefined", "README.md:12: NameError: name 'undefined' is not defined"),
        ("raise ValueError('no such folder')", "README.md:10: ValueError: no such folder"),
    ],
)
def test_a_failure_names_the_readmes_line(code, says):
    with pytest.raises(AssertionError) as caught:
        run(Block("", 10, code, ""), {})
    assert says in str(caught.value)
