"""``serve``: the same program in a browser, by textual-serve (the extra ``serve``): a process for each page."""

from __future__ import annotations

import argparse
import importlib
import ipaddress
import shlex
import socket
import subprocess
import sys

from tui.commands import selecting
from tui.commands.context import Context
from tui.commands.output import tell, write
from tui.commands.serving import serve
from tui.commands.signals import INTERRUPTED
from tui.language.usage import UsageError
from tui.language.words import words

HOST, PORT = "127.0.0.1", 8000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", default=str(PORT))
    parser.add_argument("--allow-network", action="store_true")
    selecting.add_selection(parser)


def run(context: Context, options: argparse.Namespace) -> int:
    port = _port(options.port)
    local = is_local(options.host)
    if not local and not options.allow_network:
        raise UsageError("serve-not-local", host=options.host)
    try:
        importlib.import_module("textual_serve.server")
    except ImportError as error:
        raise UsageError("needs-serve") from error
    if not local:
        tell(words("commands.serving-network", context.language))
    with _listening(options.host, port) as listening:
        serve(
            command_of(context),
            listening,
            local=local,
            tell=lambda url: write(words("commands.serving", context.language, url=url)),
        )
    return INTERRUPTED  # it ends only when it is told to


def is_local(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def command_of(context: Context) -> str:
    """The command that opens the program of one page, as a shell reads it."""
    given = ["--data-dir", str(context.data_dir.absolute())]
    if context.language_given:
        given += ["--lang", context.language]
    for option, value in (("--backend", context.backend), ("--seed", context.seed)):
        given += [] if value is None else [option, str(value)]
    if context.interview_on is not None:
        given += ["--interview-on", context.interview_on]
    for path in context.questions:
        given += ["--questions", str(path.absolute())]
    command = [sys.executable, "-m", "tui.cli", *given, *selecting.as_options(context.selection)]
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def _port(given: str) -> int:
    if not given.isdecimal() or int(given) > 65535:
        raise UsageError("not-between", option="--port", given=given[:40], least=0, most=65535)
    return int(given)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes one that is free."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError("serve-cannot-listen", host=host, port=port, reason=error) from error
