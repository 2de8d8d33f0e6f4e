"""Whatever a stranger writes, and wherever it comes in, it leaves as text: nothing in it acts on a terminal, and no
line of it can be taken for a line of the program's."""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from questions.bilingual import Bilingual
from questions.loader import load_shipped
from tests.harmless import is_harmless
from tests.soak import SOAKING
from tests.tui.commands.conftest import Ran
from tests.tui.commands.started import run as start
from tui.commands import arguments
from tui.commands.anki import as_anki
from tui.experiments.catalogue import catalogue
from tui.judge.judging import judge
from tui.language.harmless import harmless, harmless_json, in_a_line
from tui.practice.page import Section, as_html, page
from tui.text.plain_text import readable

ESC, BELL = "\x1b", "\x07"
TITLE = f"{ESC}]0;title{BELL}"
CLIPBOARD = f"{ESC}]52;c;aGk={BELL}"
LINK = f"{ESC}]8;;x:y{ESC}\\"
CLEAR = "\x9b2J\x90\x9d\x85"
TURNED = "\u202egnp\u202c \u2066\u2069\u200e\u200f\u061c\U000e0041\U000e007f"
PARTED = "\u2028\u2029\v\f\x1c"
FORGED = "\nFORGED: all is well"
HOSTILE = f"a{TITLE}{CLIPBOARD}{LINK}{CLEAR}{TURNED}{PARTED}\x7f\ufeff\r{FORGED}"
SHIPPED = load_shipped().questions[0].id
Program = Callable[..., Ran]


def assert_text(ran: Ran) -> None:
    """Nothing acts, and no line of the output is the stranger's."""
    for text in (ran.out, ran.err):
        acting = sorted({f"U+{ord(character):04X}" for character in text if not is_harmless(character)})
        assert not acting, (acting, text)
        assert not [line for line in text.splitlines() if line.lstrip().startswith("FORGED")], text
    assert "Traceback" not in ran.err


def test_what_is_written_out_can_be_read(program: Program) -> None:
    assert harmless(HOSTILE).startswith(r"a\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b]8;;x:y\x1b" + "\\" + r"\x9b2J\x90")
    assert harmless("中文\tok\r\nok😀👩‍🔬") == "中文\tok\r\nok😀👩‍🔬"
    assert in_a_line("a\tb\r\n") == r"a\tb\r\n"
    data = {HOSTILE: [HOSTILE, 1]}
    assert json.loads(harmless_json(json.dumps(data, ensure_ascii=False))) == data
    assert not is_harmless(HOSTILE) and is_harmless(in_a_line(HOSTILE))


SOUND = {  # what stands before a hostile argument, so that it is looked at at all
    "lab": "toy", "code": "softmax", "show": SHIPPED, "ask": SHIPPED, "mark": SHIPPED, "settings": "session",
}  # fmt: skip


def slots(command: str | None) -> list[list[str]]:
    """A command line for every place of ``command``'s grammar where a text stands; None: for the global options."""
    parser = argparse.ArgumentParser(add_help=False)
    if command is None:
        arguments._add_globals(parser)
        name = ["list"]
    else:
        arguments.command_module(command).add_arguments(parser)
        name = [command]
    found = [[*name, f"--{HOSTILE}"], [*name, HOSTILE, HOSTILE, HOSTILE]]
    sound = [SOUND[name[0]]] if name[0] in SOUND else []
    for action in parser._actions:
        if not action.option_strings:
            found += [[*name, HOSTILE], [*name, f"no-{HOSTILE}/a.json"]]
            found += [[*name, *sound, HOSTILE]] if sound else []
        elif action.nargs != 0:
            option = action.option_strings[-1]
            given = [f"x={HOSTILE}", f"{HOSTILE}=1"] if option == "--set" else [HOSTILE, f"~{HOSTILE}/a.md"]
            found += [[*name, *sound, option, each] for each in given]
    return found


@pytest.mark.parametrize("command", [None, *arguments.COMMANDS])
def test_arguments(
    program: Program, toy: object, command: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A new command or option is among them by itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tui.commands.serve.serve", lambda *given, **named: None)  # which would serve until it is told
    for number, line in enumerate(slots(command)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        assert_text(program(*line, lang=("en", "zh")[number % 2]))


KNOBS = ["toy", *(name for name, each in catalogue().items() if any(knob.kind == "text" for knob in each.knobs))]


@pytest.mark.parametrize("name", KNOBS if SOAKING else KNOBS[:4])
def test_knobs_reach_the_figures_as_text(program: Program, toy: object, name: str) -> None:
    for knob in (knob for knob in catalogue()[name].knobs if knob.kind == "text"):
        for text in (CLIPBOARD, "\x9b\u202e\u2066\x85x", "\u2028\n\rxy"):
            setting = f"{knob.name}={json.dumps(text[: knob.max_length])}"
            assert_text(program("lab", name, "--set", setting))
    assert_text(program("lab", name, "--set", setting, "--json"))


def test_names_of_files(program: Program, tmp_path: Path, bank: Path) -> None:
    name = HOSTILE.replace("/", "")
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    questions = folder / f"{name}.yaml"
    questions.write_text("- id: x\n", encoding="utf-8")
    for command in (["list"], ["check", str(questions)], ["check", str(questions), "--json"], ["doctor", "--json"]):
        assert_text(program("--questions", str(questions), *command))
    for suffix in (".json", ".csv", ".tsv", ".tsv"):  # the second is refused
        assert_text(program("export", str(folder / (name + suffix))))
    assert_text(program("import", str(folder / f"{name}.json")))
    assert_text(program("import", str(questions)))
    for command in ("doctor", "restore"):
        assert_text(program("--data-dir", str(folder / name), command))


def exported(text: str) -> dict[str, Any]:
    """A sound export in which every text is ``text``."""
    card = {"state": 2, "step": None, "stability": 3.0, "difficulty": 5.0}
    times = {"due": "2026-11-30T00:00:00.000000+00:00", "last_review": "2026-11-27T00:00:00.000000+00:00"}
    review = {
        "question": text, "rating": 3, "reviewed_at": "2026-11-27T00:00:00.000000+00:00", "language": "en",
        "seconds": 1.0, "mode": "screen", "choice": None, "found": [0], "unsure": [], "missed": [], "answer": text,
        "before": None, "after": card | times,
    }  # fmt: skip
    shipped = review | {"question": SHIPPED, "reviewed_at": "2026-11-28T00:00:00.000000+00:00"}
    return {
        "format": "tformer-quiz progress",
        "version": 1,
        "exported_at": "2026-11-29T00:00:00.000000+00:00",
        "cards": {text: card | times, SHIPPED: card | times},
        "reviews": [review, shipped],
        "flags": [
            {"question": each, "note": text, "language": "en", "flagged_at": "2026-11-28T00:00:00.000000+00:00"}
            for each in (text, SHIPPED)
        ],
        "suspended": [text],
        "interviews": [],
    }


def test_progress_from_elsewhere(program: Program, tmp_path: Path) -> None:
    source, again = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(json.dumps(exported(HOSTILE)), encoding="utf-8")
    ran = program("import", str(source))
    assert ran.status == 0, ran.err
    assert_text(ran)
    for command in (["stats"], ["stats", "--json"], ["list", "--flagged"], ["show", SHIPPED]):
        assert_text(program(*command))
    for suffix in (".json", ".csv", ".md"):
        assert_text(program("export", str(again.with_suffix(suffix))))
        written = again.with_suffix(suffix).read_text(encoding="utf-8-sig")
        assert is_harmless(written)
        assert not [line for line in written.splitlines() if line.startswith("FORGED")] or suffix != ".json"
    data, given = json.loads(again.read_text(encoding="utf-8")), exported(HOSTILE)
    assert "\\u001b]52" in again.read_text(encoding="utf-8")
    assert data["cards"].keys() == given["cards"].keys()
    assert data["reviews"] == given["reviews"] and data["flags"] == given["flags"]  # exact, when it is read back


@pytest.mark.parametrize("change", ["format", "version", "cards", "reviews"])
def test_a_bad_export_is_quoted_as_text(program: Program, tmp_path: Path, change: str) -> None:
    source = tmp_path / "in.json"
    for wrong in (HOSTILE, {HOSTILE: HOSTILE}, [{"question": HOSTILE, "rating": HOSTILE}]):
        source.write_text(json.dumps(exported("a") | {change: wrong}), encoding="utf-8")
        ran = program("import", str(source))
        assert ran.status == 2
        assert_text(ran)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_answers_on_stdin(
    program: Program, bank: Path, monkeypatch: pytest.MonkeyPatch, lang: str, tmp_path: Path
) -> None:
    answer = HOSTILE.replace(FORGED, "").replace("\r", "") + " twice 平方"
    for command in (["mark", "toy-double"], ["mark", "toy-double", "--json"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(answer.encode()), encoding="utf-8"))
        assert_text(program(*command, "--questions", str(bank), lang=lang))
    lines = "\n".join([answer, ".", answer, "a", answer, "v", "3", answer, ".", "x" + answer, "1", "q"] * 3)
    for command in (["--plain"], ["ask", "toy-double"], ["interview", "--questions", "1", "--minutes", "5"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode()), encoding="utf-8"))
        assert_text(program(*command, "--questions", str(bank), lang=lang))
    monkeypatch.undo()
    assert_text(program("export", str(tmp_path / "a.md"), lang=lang))
    assert is_harmless((tmp_path / "a.md").read_text(encoding="utf-8"))


def test_the_environment(tmp_path: Path) -> None:
    names = ("COLUMNS", "LC_ALL", "TERM", "COLORTERM", "HOME", "XDG_DATA_HOME")
    for command, more in ((["doctor"], ()), (["lab", "nothing"], ("MLXFORMER_BACKEND",)), (["doctor", "--json"], ())):
        ran = start(tmp_path / "d", *command, **dict.fromkeys((*names, *more), HOSTILE))
        assert_text(Ran(ran.returncode, ran.stdout, ran.stderr))


def test_the_log(program: Program, toy: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr("tui.commands.list.run", broken)
    ran = program("list", "--search", HOSTILE)
    assert_text(ran)
    log = tmp_path / "data" / "errors.log"
    assert is_harmless(log.read_text(encoding="utf-8")) and log.stat().st_mode & 0o777 == 0o600


def test_whatever_keeps_the_log_from_being_written_a_sentence_is_said(
    program: Program, toy: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RecursionError(HOSTILE)

    monkeypatch.setattr("tui.commands.list.run", broken)
    monkeypatch.setattr("tui.commands.failures._write", broken)
    ran = program("list")
    assert_text(ran)
    assert ran.status == 1 and "RecursionError" in ran.err


def test_code_that_is_judged(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.judge.judging.judge", cache(judge))  # once for both ways to tell it
    file = tmp_path / (HOSTILE.replace("/", "") + ".py")
    said = repr(HOSTILE).replace("\\n", "\\x0a")
    for source in (
        f"print({said})\nraise ValueError({said})\n",
        f"import numpy as np\ndef softmax(x, axis=-1):\n    look({said}, x)\n    print({said})\n    return x\n",
        f"def softmax(x, axis=-1):\n    return {said}\n",
        f"import importlib\nimportlib.import_module({said})\n",
        f"class E(BaseException): pass\nE.__name__ = {said}\nraise E\n",
        f"open({said}, 'w')\n",
        f"# {CLIPBOARD}\u202e\ndef softmax(x, axis=-1:\n",
    ):
        file.write_text(source, encoding="utf-8")
        assert_text(program("code", "softmax", str(file)))
        assert_text(program("code", "softmax", str(file), "--json"))


def test_what_is_saved(program: Program, toy: object, tmp_path: Path) -> None:
    for suffix in (".svg", ".png", ".csv", ".html", ".json"):
        target = tmp_path / (HOSTILE.replace("/", "") + suffix)
        knob = f"sentence={json.dumps(CLIPBOARD + TURNED[:8] + PARTED)}"
        ran = program("lab", "attention-steps", "--set", knob, "--save", str(target))
        assert_text(ran)
        assert ran.status == 0 or "Pillow" in ran.err, ran.err
        if suffix != ".png":
            assert is_harmless(target.read_text(encoding="utf-8-sig")), suffix
    report = tmp_path / "report.md"
    assert_text(program("interview", "--questions", "1", "--report", str(report)))


def test_what_a_model_is_looked_at_with(program: Program, tmp_path: Path) -> None:
    assert_text(program("look", "bert-mini", HOSTILE))
    assert_text(program("look", "bert-mini", HOSTILE, "--json"))
    for suffix in (".svg", ".csv", ".json"):
        target = tmp_path / f"look{suffix}"
        assert_text(program("look", "bert-mini", HOSTILE, "--save", str(target)))
        assert not target.exists() or is_harmless(target.read_text(encoding="utf-8-sig"))
    assert_text(program("look", str(tmp_path / HOSTILE.replace("/", "")), HOSTILE))


WAYS = {  # who looks at what each command writes of a stranger's content; a new command has to be given its test
    "list": test_progress_from_elsewhere, "show": test_progress_from_elsewhere, "ask": test_answers_on_stdin,
    "interview": test_answers_on_stdin, "lab": test_knobs_reach_the_figures_as_text, "check": test_names_of_files,
    "stats": test_progress_from_elsewhere, "export": test_progress_from_elsewhere,
    "import": test_a_bad_export_is_quoted_as_text, "restore": test_names_of_files, "settings": test_arguments,
    "doctor": test_names_of_files, "mark": test_answers_on_stdin, "code": test_code_that_is_judged,
    "look": test_what_a_model_is_looked_at_with, "serve": test_arguments,
}  # fmt: skip


def test_no_command_is_left_out() -> None:
    assert set(WAYS) == set(arguments.COMMANDS)


def test_what_is_exported_asks_no_machine_for_anything() -> None:
    """A picture in a question's Markdown was one in Anki and in the pages: who opened them told a stranger so."""
    tracked = "![a](https://evil.example/a.png) [b](javascript:alert(1)) ![c][d]\n\n[d]: //evil.example/d.png"
    shipped = load_shipped().questions[0]
    question = replace(
        shipped,
        question=Bilingual(tracked, tracked),
        answer=Bilingual(tracked, tracked),
        brief=None,
        key_points=tuple(replace(point, text=Bilingual(tracked, tracked)) for point in shipped.key_points),
    )
    sections = [Section("t", tracked)]
    assert "!\\[a](" in readable(tracked) and "![" not in readable(tracked)
    for made in (as_anki([question], "en"), page("t", sections, "en", lambda use: ()), as_html(tracked, inline=True)):
        assert "evil.example" in made  # as a link, which a person may follow or not
        assert not re.search(r"<img|<script|src=|href=\"+javascript:|url\(", made), made


FOR_ANKI = (
    r"[sound:https://evil.example/a.mp3] [LaTeX]\input{x}[/LaTeX] [$]x[/$] [anki:tts]x[/anki:tts] \\(x\\) `\[y\]`"
)
LINKS = "[a][x] [b][y] <smb://evil/share> <vscode:x>\n\n[x]: smb://evil/x\n[y]: //evil.example/y\n"
TAGS = "a <img src=https://evil.example/x> </pre><script>x</script> `<b>` 1 < 2 <https://good.example>"


def test_a_deck_and_a_page_act_on_nothing_that_a_question_says() -> None:
    """Anki took ``[sound:…]``, ``[latex]`` and MathJax's signs in a question for its own; links led to any program."""
    shipped, text = load_shipped().questions[0], f"{FOR_ANKI}\n\n{LINKS}"
    question = replace(shipped, question=Bilingual(text, text), answer=Bilingual(text, text), brief=None)
    deck = as_anki([question], "en").split("\n", 5)[5]
    assert "&#91;sound:" in deck and "&#91;LaTeX]" in deck and "[" not in deck
    assert not re.search(r"\\[(\[]", deck)
    for made in (deck, page("t", [Section("t", text)], "en", lambda use: ())):
        assert not [link for link in re.findall(r'href="+([^"]*)"', made) if not link.startswith("http")], made
        assert "smb://evil/share" in made


def test_a_report_holds_no_tag_and_no_picture() -> None:
    """In Markdown they act: whoever opened a report with a question of a stranger's in it told the stranger so."""
    said = readable(TAGS + " ![a](https://evil.example/a.png)")
    assert "\\<img" in said and "\\<script" in said and "!\\[a]" in said and "`<b>`" in said
    assert "1 < 2 <https://good.example>" in said
    assert "<img" not in as_html(said) and "&lt;img" in as_html(said)
