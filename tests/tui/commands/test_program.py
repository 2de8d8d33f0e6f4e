"""The program as a person starts it, ``python -m tui.cli``, in a process of its own, with real pipes."""

from __future__ import annotations

import shlex
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.tui.commands.started import COMMAND, FIRST, environment, ratings, run
from tui.progress.store import open_store


def test_data_on_stdout_words_on_stderr(tmp_path: Path) -> None:
    ran = run(tmp_path / "d", "list")
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[0].startswith(FIRST)
    assert not (tmp_path / "d").exists()  # reading leaves nothing behind
    ran = run(tmp_path / "d", "lst")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "there is no subcommand lst (did you mean list?). "
        "There is: list, show, ask, interview, lab, check, stats, export, import, restore, settings, doctor, "
        "mark, code, look, serve\n"
    )


def test_a_search_lists_the_most_relevant_first(tmp_path: Path) -> None:
    """Others name a KV cache in a key point, and stand before it in the bank."""
    ran = run(tmp_path / "d", "--lang", "zh", "list", "--search", "kv cache")
    assert [line.split()[0] for line in ran.stdout.splitlines()][:2] == ["kv-cache", "code-kv-cache"]


def test_the_version(tmp_path: Path) -> None:
    from importlib.metadata import version

    assert run(tmp_path / "d", "--version").stdout == f"tformer-quiz {version('tformer-quiz')}\n"


@pytest.mark.parametrize(("locale", "said"), [("zh_CN.UTF-8", "用法"), ("de_DE.UTF-8", "usage"), ("C", "usage")])
def test_the_language_of_the_locale(tmp_path: Path, locale: str, said: str) -> None:
    assert said in run(tmp_path / "d", "--help", LANG=locale).stdout


def test_a_reader_that_stops_is_no_error(tmp_path: Path) -> None:
    for arguments, status in ((["list"], 0), (["list", "--json"], 0), (["lab"], 0), (["check", str(tmp_path)], 2)):
        process = subprocess.Popen(
            [*COMMAND, "--data-dir", str(tmp_path / "d"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=tmp_path,
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()  # before a byte was read, as `| true` does
        errors = process.stderr.read()
        process.stderr.close()
        assert b"Traceback" not in errors and b"BrokenPipe" not in errors
        assert process.wait(timeout=60) in (status, 1)


def test_an_encoding_without_chinese_is_survived(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*COMMAND, "--data-dir", str(tmp_path / "d"), "--lang", "zh", "list"],
        capture_output=True,
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii"),
        cwd=tmp_path,
    )
    assert ran.returncode == 0 and b"Traceback" not in ran.stderr
    assert FIRST.encode() in ran.stdout and b"?" in ran.stdout


def test_without_a_terminal_it_is_the_line_based_quiz_and_end_of_input_ends_it(tmp_path: Path) -> None:
    ran = run(tmp_path / "d", "--lang", "en")
    assert ran.returncode == 0
    assert FIRST in ran.stdout and "Traceback" not in ran.stderr
    assert "Answered this time: 0" in ran.stdout


def test_a_whole_question_through_a_pipe(tmp_path: Path) -> None:
    ran = run(tmp_path / "d", "--plain", "--lang", "en", typed="weights from query and key\nsoftmax\n.\n\n3\n")
    assert ran.returncode == 0
    assert "key points" in ran.stdout
    assert "Noted; it comes back in 10 min" in ran.stdout
    assert ratings(tmp_path / "d") == [(FIRST, 3, "weights from query and key\nsoftmax")]
    assert "\x1b[" not in ran.stdout and not set("─│┌┐└┘━█") & set(ran.stdout)


def test_ask_asks_one_question_and_undo_brings_the_last_one_back(tmp_path: Path) -> None:
    ran = run(tmp_path / "d", "ask", FIRST, "--lang", "en", typed="\n\n4\n")
    assert ran.returncode == 0
    assert ratings(tmp_path / "d") == [(FIRST, 4, "")]
    ran = run(tmp_path / "d", "ask", "--lang", "en", "--plain", typed="u\n1\n")
    assert f"Took back the rating 4 of {FIRST}" in ran.stdout
    assert ratings(tmp_path / "d") == [(FIRST, 1, "")]
    ran = run(tmp_path / "d", "ask", "no-such-id")
    assert ran.returncode == 2 and "there is no question no-such-id" in ran.stderr


def test_what_was_typed_is_there_after_the_input_ended(tmp_path: Path) -> None:
    run(tmp_path / "d", "--plain", "--lang", "en", typed="half an answer\n")
    ran = run(tmp_path / "d", "--plain", "--lang", "en", typed=".\n")
    assert "Where you left off" in ran.stdout and "half an answer" in ran.stdout


def test_bytes_that_are_no_text_are_survived_and_full_width_digits_rate(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*COMMAND, "--data-dir", str(tmp_path / "d"), "--plain", "--lang", "zh"],
        input=b"\xff\xfe\x00 [/red] {x} a \xe9\xff\xfe b\n.\n\n" + "５\n２\n".encode(),
        capture_output=True,
        env=environment(),
        cwd=tmp_path,
    )
    assert ran.returncode == 0 and b"Traceback" not in ran.stderr
    assert "请输入 1 到 4" in ran.stdout.decode()
    ((question, rating, answer),) = ratings(tmp_path / "d")
    assert (question, rating) == (FIRST, 2)
    assert answer.startswith("\ufffd") and answer.endswith(" [/red] {x} a \ufffd\ufffd\ufffd b")


def test_a_folder_that_cannot_be_written_is_said_and_the_quiz_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run(tmp_path / "file" / "d", "--plain", "--lang", "en", typed="\n\n3\n", cwd=tmp_path)
    assert ran.returncode == 0
    assert "nothing of this session will be kept" in ran.stderr
    assert "nothing of it is kept" in ran.stdout


def test_a_newer_progress_file_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path / "d") as store:
        store.rate(FIRST, 4, "en")
    with sqlite3.connect(tmp_path / "d" / "progress.sqlite3") as raw:
        raw.execute("PRAGMA user_version = 99")
    for arguments in (["stats"], ["--plain"], ["export", "x.csv"]):
        ran = run(tmp_path / "d", *arguments, "--lang", "zh")
        assert ran.returncode == 2
        assert "更新版本的程序" in ran.stderr and "Traceback" not in ran.stderr


def test_a_missing_backend_is_said_with_its_cure(tmp_path: Path) -> None:
    ran = run(tmp_path / "d", "lab", "scaling", "--lang", "zh", MLXFORMER_BACKEND="fortran")
    assert ran.returncode == 2
    assert "没有 'fortran' 这个后端" in ran.stderr
    ran = run(tmp_path / "d", "lab", "scaling", "--lang", "en", "--backend", "numpy", MLXFORMER_BACKEND="fortran")
    assert ran.returncode == 0 and "NumPy" in ran.stderr  # the option wins


def _through(data: Path, redirection: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The program with a shell's ``redirection`` of its streams."""
    command = " ".join(map(shlex.quote, [*COMMAND, "--data-dir", str(data), "--lang", "en", *arguments]))
    return subprocess.run(
        ["sh", "-c", f"{command} {redirection}"], capture_output=True, env=environment(), cwd=data.parent, timeout=60
    )


def test_streams_that_are_closed_or_full(tmp_path: Path) -> None:
    ran = _through(tmp_path / "d", "<&-", "--plain")
    assert (ran.returncode, b"Answered this time: 0" in ran.stdout, ran.stderr) == (0, True, b"")
    for arguments in (["list"], ["list", "--json"], ["--plain"], ["--help"]):
        ran = _through(tmp_path / "d", "</dev/null >/dev/full", *arguments)
        assert (ran.returncode, ran.stderr) == (1, b"cannot write to the output: the disk is full\n"), arguments
    assert _through(tmp_path / "d", "</dev/null >&- 2>&-", "--plain").returncode == 0
