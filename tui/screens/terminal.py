"""The terminal's input, read so that nothing that it sends can end the program.

Textual's reader stops at the first byte that is not UTF-8 (a terminal set to GBK, a broken sequence), and with it the
program, whatever has been typed.
"""

from __future__ import annotations

import os
import selectors
import sys
from codecs import getincrementaldecoder
from typing import Any

from textual._xterm_parser import XTermParser
from textual.driver import Driver

LONGEST_READ = 4096
PATIENCE = 0.1  # seconds without input after which an escape is a key of its own


def sturdy_driver() -> type[Driver] | None:
    """Textual's driver with that reader; None where there is another kind of terminal (Windows)."""
    if sys.platform == "win32":
        return None
    from textual.drivers.linux_driver import LinuxDriver

    class SturdyDriver(LinuxDriver):
        def run_input_thread(self) -> None:
            reader = Reader(self.process_message, lambda: self._app.call_later(self._app.say_unreadable), self._debug)  # type: ignore[attr-defined]
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(PATIENCE):
                        data = os.read(self.fileno, LONGEST_READ)
                        if not data:
                            return  # the terminal is gone
                        reader.feed(data)
                    reader.tick()

    return SturdyDriver


def served_driver() -> type[Driver] | None:
    """Textual's driver for a page, which also ends the program where the server that showed it is gone."""
    from textual import messages
    from textual.drivers.web_driver import WebDriver

    class ServedDriver(WebDriver):
        def run_input_thread(self) -> None:
            super().run_input_thread()
            if not self.exit_event.is_set():  # the pipe has ended: a killed server told nobody
                self.send_message(messages.ExitApp())

    return ServedDriver


class Reader:
    """Bytes in, Textual's events out. What cannot be read is left out, and ``complain`` called."""

    def __init__(self, deliver: Any, complain: Any, debug: bool = False) -> None:
        self._deliver, self._complain, self._debug = deliver, complain, debug
        self._decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._parser = XTermParser(debug)

    def feed(self, data: bytes) -> None:
        text = self._decode(data)
        readable = text.replace("\ufffd", "")
        if len(readable) != len(text):
            self._complain()
        if readable:
            self._parse(lambda: self._parser.feed(readable))

    def tick(self) -> None:
        self._parse(self._parser.tick)

    def _parse(self, events: Any) -> None:
        try:
            for event in events():
                self._deliver(event)
        except Exception:  # a sequence that Textual's parser does not stand: begin anew after it
            self._parser = XTermParser(self._debug)
            self._complain()
