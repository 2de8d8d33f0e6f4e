"""``serve``: the program in a page of this machine, for whoever has the link and for no page of another site."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest

from tests.tui.commands.started import COMMAND, environment, run
from tui.commands.serve import command_of, is_local
from tui.progress.running import count_running
from tui.progress.store import open_store

pytestmark = pytest.mark.once


@contextlib.contextmanager
def served(data: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server's process and the address that it wrote."""
    pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--lang", "en", "--data-dir", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        yield process, found.group()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Page:
    """What a browser does with the page's websocket, its screen read by pyte."""

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self.screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self.screen)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def see(self, what: str) -> str:
        while not re.search(what, self.text):
            try:
                message = await self._websocket.receive(timeout=20)
            except TimeoutError:
                raise AssertionError(f"{what} never came:\n{self.text}") from None
            assert isinstance(message.data, bytes | str), self.text
            if isinstance(message.data, bytes):
                # pyte knows neither the mouse's private modes nor kitty's keys, which are no letters
                self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", message.data))
        return self.text

    async def press(self, keys: str) -> None:
        await self._websocket.send_str(json.dumps(["stdin", keys]))


@contextlib.asynccontextmanager
async def page(address: str) -> AsyncIterator[Page]:
    aiohttp = importlib.import_module("aiohttp")
    origin = address.rpartition("/")[0].rpartition("/")[0]
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}ws?width=100&height=30", headers={"Origin": origin}) as websocket,
    ):
        await websocket.send_str('["focus"]')
        yield Page(websocket)


async def status(address: str, **headers: str) -> tuple[int, Any]:
    aiohttp = importlib.import_module("aiohttp")
    async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as response:
        return response.status, response.headers


def test_help_needs_nothing_installed_and_says_how_to_install(tmp_path: Path) -> None:
    for language, said in (("en", "pip install 'tformer-quiz[serve]'"), ("zh", "要先装：pip install")):
        done = run(tmp_path / "d", "serve", "--help", "--lang", language)
        assert done.returncode == 0 and said in done.stdout


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_an_address_that_others_reach_is_refused_unless_told(tmp_path: Path, host: str) -> None:
    assert not is_local(host) and is_local("127.0.0.1") and is_local("::1") and is_local("localhost")
    if host == "0.0.0.0":
        done = run(tmp_path / "d", "serve", "--host", host, "--lang", "en")
        assert done.returncode == 2 and "--allow-network" in done.stderr


def test_a_page_opens_what_the_command_line_said(tmp_path: Path) -> None:
    from tui.commands.arguments import parse

    own = tmp_path / "own file.yaml"
    given = ["serve", "--lang", "zh", "--data-dir", str(tmp_path), "--questions", str(own), "--topic", "attention",
             "--level", "2", "--search", "a b", "--kind", "code", "--seed", "4"]  # fmt: skip
    import shlex

    again = parse(shlex.split(command_of(parse(given).context))[3:])
    assert again.command is None and again.context == parse(given[1:]).context


async def test_one_question_through_the_websocket_and_no_card_for_two_pages(tmp_path: Path) -> None:
    data = tmp_path / "d"
    with served(data) as (process, address):
        async with page(address) as one:
            first = await one.see(r"Practice 1/\d+")
            async with page(address) as other:
                second = await other.see(r"Practice 1/\d+")
                questions = [[line for line in text.splitlines() if line.strip()][1] for text in (first, second)]
                assert questions[0] != questions[1]  # no card is asked in two places
                assert count_running(data) == 2
            await one.press("i")
            await one.see(r"\^S")
            await one.press("a weighted sum")
            await one.see("a weighted sum")
            await one.press("\x13")
            await one.see("1 +Again")
            await one.press("3")
            await one.see(r"Practice 2/\d+")
            await one.press("i")
            await one.see(r"\^S")
            await one.press("a draft")
            await one.see("a draft")
        process.send_signal(signal.SIGKILL)  # the server is gone: so is the program behind the page, with its claim
        for _ in range(600):
            if count_running(data) == 0:
                break
            await asyncio.sleep(0.05)
        assert count_running(data) == 0
    with open_store(data) as store:
        assert [(review.rating, review.answer.text) for review in store.reviews()] == [(3, "a weighted sum")]
        assert list(store.drafts().values()) == ["a draft"]
        assert store.claimed() == frozenset()


async def test_only_a_page_of_ours_with_the_token_comes_in(tmp_path: Path) -> None:
    aiohttp = pytest.importorskip("aiohttp", reason="the extra `serve` is not installed")
    with served(tmp_path / "d") as (process, address):
        root = address.rpartition("/")[0].rpartition("/")[0]
        code, headers = await status(address)
        assert code == 200 and "connect-src 'self' ws://127.0.0.1" in headers["Content-Security-Policy"]
        assert (await status(f"{address}static/js/textual.js"))[0] == 200
        for wrong in (f"{root}/", f"{root}/wrong/", f"{root}/static/js/textual.js", f"{root}/ws"):
            assert (await status(wrong))[0] == 403
        assert (await status(address, Host="evil.example:80"))[0] == 403  # a name that points at 127.0.0.1
        for origin in ("http://evil.example", "null", None):
            async with aiohttp.ClientSession() as session:
                headers = {} if origin is None else {"Origin": origin}
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(f"{address}ws", headers=headers)
                assert refused.value.status == 403
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
async def test_one_question_in_a_real_browser(tmp_path: Path) -> None:
    aiohttp = pytest.importorskip("aiohttp", reason="the extra `serve` is not installed")
    data = tmp_path / "d"
    with served(data) as (_, address):
        browser = await asyncio.create_subprocess_exec(
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,800", address,
            stderr=asyncio.subprocess.PIPE, env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        try:
            assert browser.stderr is not None
            async with asyncio.timeout(60):
                while not (found := re.search(rb"ws://([^/]+)/", await browser.stderr.readline())):
                    pass
            debugger = found.group(1).decode()
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://{debugger}/json/list") as response:
                    targets = await response.json()
                target = next(each for each in targets if each["type"] == "page")
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as chrome:
                    await _answer_in(chrome, data)
        finally:
            browser.kill()
            await browser.wait()


async def _answer_in(chrome: Any, data: Path) -> None:
    """Through the page, by Chromium's debugging protocol: its keys, and what stands in the store."""
    number = 0

    async def call(method: str, **parameters: Any) -> Any:
        nonlocal number
        number += 1
        await chrome.send_json({"id": number, "method": method, "params": parameters})
        while (answer := await chrome.receive_json()).get("id") != number:
            pass
        return answer["result"]

    async def until(holds: Any) -> None:
        async with asyncio.timeout(60):
            while not await holds():
                await asyncio.sleep(0.1)

    async def is_open() -> bool:
        script = "document.body.className + ' ' + document.querySelectorAll('canvas, .xterm-rows').length"
        found = (await call("Runtime.evaluate", expression=script))["result"].get("value", "")
        return "-first-byte" in found and not found.endswith(" 0")

    async def press(text: str) -> None:
        for letter in text:
            await call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            await call("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def drafted() -> bool:
        if not (data / "progress.sqlite3").exists():
            return False
        with open_store(data) as store:
            return list(store.drafts().values()) == ["a weighted sum"]

    async def revealed() -> bool:
        with open_store(data) as store:
            place = store.place("practice")
            return place is not None and place.revealed

    async def rated() -> bool:
        with open_store(data) as store:
            return [(review.rating, review.answer.text) for review in store.reviews()] == [(3, "a weighted sum")]

    await until(is_open)
    await call("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
    await asyncio.sleep(1.0)  # until the program behind the page has painted: its first frame tells nobody
    await press("i")
    await asyncio.sleep(0.5)
    await press("a weighted sum")
    await until(drafted)
    control = {"key": "s", "code": "KeyS", "windowsVirtualKeyCode": 83, "modifiers": 2}
    await call("Input.dispatchKeyEvent", type="rawKeyDown", **control)
    await call("Input.dispatchKeyEvent", type="keyUp", **control)
    await until(revealed)
    await press("3")
    await until(rated)
