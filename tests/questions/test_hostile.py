"""Files that someone made to exhaust the loader or to reach the terminal: each is refused in a sentence, at once.

What is read is bounded by bytes, nodes, keys and characters, and all work grows with what is read.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import unicodedata

import pytest

from questions.loader import Bank, load
from questions.nodes import MAX_BYTES, MAX_ENTRIES, MAX_NODES
from questions.shapes import MAX_TEXT
from tests.soak import SOAKING
from tests.tui.commands.started import environment

GOOD = """\
- id: mine
  topic: t
  level: 1
  question: {en: q}
  answer: {en: "a"}
  key_points:
    - {en: v, match: [v]}
"""
ANSWER = '"a"'


def read(tmp_path, text: str | bytes, name: str = "hostile.yaml") -> Bank:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load([file])


EXHAUSTING = {
    "dashes": ("-" * (MAX_BYTES + 1), "file-too-large"),
    "nested lists in a line": ("- " * 50_000, "too-deep"),
    "empty items": ("-\n" * (MAX_NODES + 1), "too-many-nodes"),
    "keys": ("- " + "".join(f"k{i}: 1\n  " for i in range(30_000)), "too-many-nodes"),
    "small items": ("".join(f"- id: a{i}\n" for i in range(20_000)), "too-many-nodes"),
    "a list in a line": ("- [" + "a, " * 60_000 + "]", "too-many-nodes"),
    "aliases": ("- *a\n" * 60_000, "too-many-nodes"),
    "open brackets": ("[" * 100_000, "not-yaml"),
    "open maps": ("{a: " * 50_000, "not-yaml"),
    "steps": ("".join(" " * depth + "- \n" for depth in range(500)), "too-deep"),
    "one long text": (GOOD.replace(ANSWER, '"' + "a" * (MAX_TEXT + 1) + '"'), "text-too-long"),
    "a long phrase": (GOOD.replace("[v]", "[" + "v" * (MAX_TEXT + 1) + "]"), "text-too-long"),
    "a long id": (GOOD.replace("mine", "a-" * 20_000), "text-too-long"),
    "a long knob": (
        GOOD + "  experiment: {run: x, with: {s: " + "v" * (MAX_TEXT + 1) + "}}\n",
        "text-too-long",
    ),
    "phrases": (GOOD.replace("[v]", "[" + "v, " * 10_000 + "]"), "count"),
    "a wide map": (GOOD + "".join(f"  k{i}: 1\n" for i in range(MAX_ENTRIES)), "too-many-entries"),
    "bare numbers": (GOOD.replace(ANSWER, '"' + "1.5 " * (MAX_TEXT // 4 - 1) + '"'), "bare-number"),
    "emphasis": (GOOD.replace(ANSWER, '"' + "_a __b " * 8_000 + '"'), "text-too-long"),
}


@pytest.mark.parametrize("name", EXHAUSTING)
def test_what_would_exhaust_is_refused_in_a_sentence(tmp_path, name):
    text, code = EXHAUSTING[name]
    bank = read(tmp_path, text)
    assert code in {problem.code for problem in bank.problems}
    assert len(bank.problems) <= 1001
    assert all(len(str(problem)) < 2_000 for problem in bank.problems)


def test_many_bad_questions_are_read_up_to_a_thousand_problems(tmp_path):
    bad = "- " + "".join(f"quest{i}: 1\n  " for i in range(100)) + "\n"
    assert len(read(tmp_path, bad * 200).problems) == 1001
    lost = GOOD + "  follow_ups: [" + "{see: nope}, " * 40 + "]\n"
    assert len(read(tmp_path, "".join(lost.replace("mine", f"m{i}") for i in range(60))).problems) == 1001


UNSEEN = ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u2069", "\u2028", "\u2029", "\u200f", "\x7f"]
ESCAPED = "a \\e]52;c;eA==\\a \\u202e \\u2066 \\u2028 \\x9b2J b"


def is_seen(text: str) -> bool:
    return not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in text)


PLACES = {
    "a question": ("{en: q}", '{{en: "{}"}}'),
    "an answer": (ANSWER, '"{}"'),
    "a phrase": ("[v]", '["{}"]'),
    "an id": ("id: mine", 'id: "{}"'),
    "a topic": ("topic: t", 'topic: "{}"'),
    "a level": ("level: 1", 'level: "{}"'),
    "a key": ("topic: t", '"{}": t'),
    "a language": ("{en: q}", '{{en: q, "{}": q}}'),
    "a knob": ("  key_points", '  experiment: {{run: x, with: {{sentence: "{}"}}}}\n  key_points'),
    "a knob's name": ("  key_points", '  experiment: {{run: x, with: {{"{}": 1}}}}\n  key_points'),
    "an experiment": ("  key_points", '  experiment: {{run: "{}"}}\n  key_points'),
    "a source": ("  key_points", '  sources: [{{title: t, url: "https://{}"}}]\n  key_points'),
    "a check": ("match: [v]", 'match: [v], check: "{}"'),
    "when": ("  key_points", '  follow_ups: [{{when: "{}", see: mine}}]\n  key_points'),
    "a see": ("  key_points", '  follow_ups: [{{see: "{}"}}]\n  key_points'),
    "a tag": (ANSWER, '!<{}> "a"'),
}


@pytest.mark.parametrize("escape", ["\\e]52;c;eA==\\a", "\\u202e", "\\u2066", "\\u2028", "\\x9b2J", "\\x7f"])
@pytest.mark.parametrize("place", PLACES)
def test_no_escape_reaches_a_person(tmp_path, place, escape):
    old, new = PLACES[place]
    assert old in GOOD
    bank = read(tmp_path, GOOD.replace(old, new.format(f"a{escape}b")))
    assert bank.questions == () and bank.problems
    for problem in bank.problems:
        assert is_seen(str(problem)) and is_seen(repr(problem.fields))


@pytest.mark.parametrize("character", UNSEEN)
def test_what_is_not_to_be_seen_may_not_stand_in_a_file(tmp_path, character):
    bank = read(tmp_path, GOOD.replace(ANSWER, f'"a{character}b"'))
    assert bank.questions == ()
    assert [problem.code for problem in bank.problems] == ["control-character"]
    assert f"U+{ord(character):04X}" in bank.problems[0].message


def test_a_file_s_name_is_spelled_out(tmp_path):
    bank = read(tmp_path, "- x", "a\x1b]52;c;eA==\x07\u202eb.yaml")
    assert is_seen(str(bank.problems[0])) and "a\\u001b]52" in bank.problems[0].file


def test_json_s_pairs_of_escapes_are_one_character(tmp_path):
    data = [{"id": "mine", "topic": "t", "level": 1, "question": {"en": "😀 𝑛"}, "answer": {"en": "a"}}]
    data[0]["key_points"] = [{"en": "v", "match": ["v"]}]
    text = json.dumps(data)
    assert "\\ud83d\\ude00" in text
    bank = read(tmp_path, text)
    assert bank.problems == () and bank["mine"].question.en == "😀 𝑛"


def test_two_backslashes_are_no_escape(tmp_path):
    bank = read(tmp_path, GOOD.replace(ANSWER, r'"a \\ud83d\\ude00"'))
    assert bank.problems == () and bank["mine"].answer.en == r"a \ud83d\ude00"


@pytest.mark.parametrize("escape", [r"\ud83d", r"\ude00\ud83d", r"\q", r"\u12"])
def test_an_escape_that_is_none_is_called_so(tmp_path, escape):
    problems = read(tmp_path, GOOD.replace(ANSWER, f'"a {escape}"')).problems
    assert [problem.code for problem in problems] == ["not-an-escape"]
    assert problems[0].line == 5 and "write the character itself" in problems[0].message


CHILD = """
import sys, time
from pathlib import Path
from questions.loader import load
load([])
begun = time.process_time()
load([sys.argv[1]])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(int(peak.split()[1]) // 1024, time.process_time() - begun)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads what memory was taken from /proc")
def test_what_would_exhaust_takes_little_memory_and_time(tmp_path):
    """Each in a process of its own; what it took is printed, and the time held with room for a busy machine."""
    for name, (text, _) in EXHAUSTING.items() if SOAKING else random.Random(16).sample(sorted(EXHAUSTING.items()), 5):
        file = tmp_path / "hostile.yaml"
        file.write_text(text, encoding="utf-8")
        ran = subprocess.run([sys.executable, "-c", CHILD, file], capture_output=True, text=True, env=environment())
        assert ran.returncode == 0, ran.stderr
        megabytes, seconds = map(float, ran.stdout.split())
        print(f"{name}: {megabytes:.0f} MB, {seconds:.2f} s")
        assert megabytes < 300 and seconds < 10, name


def test_the_cost_of_a_file_grows_as_the_file(tmp_path):
    """By counted work: the calls that Python makes for each question, at once, twice and four times as many."""
    calls = []
    for count in (20, 40, 80):
        file = tmp_path / f"{count}.yaml"
        file.write_text("".join(GOOD.replace("mine", f"m{number}") for number in range(count)), encoding="utf-8")
        made = 0

        def counted(frame, event, argument):
            nonlocal made
            made += event in ("call", "c_call")

        sys.setprofile(counted)
        try:
            bank = load([file])
        finally:
            sys.setprofile(None)
        assert len(bank.questions) == count
        calls.append(made)
    print(calls)
    assert calls[2] - calls[1] < 2.1 * (calls[1] - calls[0])
