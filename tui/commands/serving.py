"""The server behind ``serve``: textual-serve's, behind a token and a look at who asks.

Every address begins with a token that is drawn at each start: who does not have the link gets nothing, not even the
scripts. A page of another site can still make a browser ask here, so a request must name this very host (or a name
that somebody points at 127.0.0.1 would do), and a websocket must come from a page of ours (``Origin``). The page may
load nothing from elsewhere: textual-serve's asks for a font at Google's.
"""

from __future__ import annotations

import contextvars
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; worker-src 'self' blob:; connect-src 'self' ws://{host}; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the token stands in the address
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_asked: contextvars.ContextVar[str] = contextvars.ContextVar("asked")  # the host and port that the request named


def serve(command: str, listening: socket.socket, *, local: bool, tell: Callable[[str], object]) -> None:
    """Serve ``command``, which opens the program, until told to end: each page has a process of it, ending with it.

    local: refuse requests that name another host than this machine. tell: called with the address that one opens.
    Raises ``ImportError`` without textual-serve.
    """
    from aiohttp import web
    from textual_serve.server import Server

    token = secrets.token_urlsafe(16)
    host, port = listening.getsockname()[:2]

    class Served(Server):
        @property
        def public_url(self) -> str:
            """Where the page finds the rest: under the name by which it was asked for."""
            return f"http://{_asked.get()}"

        @public_url.setter
        def public_url(self, value: str) -> None:
            """As textual-serve would have it; a page may be asked for under more names than one."""

        async def on_startup(self, app: Any) -> None:
            """Nothing is said here: stdout has the address alone."""

        async def inside(self) -> Any:
            pages = await self._make_app()
            outside = web.Application(middlewares=[guard])
            outside.add_subapp(f"/{token}/", pages)
            return outside

    @web.middleware
    async def guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        reason = refusal(
            request.path, request.host, request.headers.get("Origin"), token=token, local=local,
            is_socket=request.headers.get("Upgrade", "").lower() == "websocket",
        )  # fmt: skip
        if reason is not None:
            raise web.HTTPForbidden(text=reason + "\n")
        _asked.set(request.host)
        response = await handler(request)
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers[name] = value.format(host=request.host)
        return response

    shown = f"[{host}]" if ":" in host else host
    tell(f"http://{shown}:{port}/{token}/")
    server = Served(command, host=host, port=port, title="tformer-quiz")
    web.run_app(server.inside(), sock=listening, print=None, handle_signals=False)


def refusal(path: str, host: str, origin: str | None, *, token: str, local: bool, is_socket: bool) -> str | None:
    """Why a request is not answered; None where it is."""
    parts = path.split("/")
    if not secrets.compare_digest(parts[1].encode("utf-8", "replace"), token.encode()):
        return "Open the address that tformer-quiz serve has written."
    if local and urlsplit(f"//{host}").hostname not in LOCAL_NAMES:
        return "This is served to this machine alone."
    if (is_socket or parts[-1] == "ws") and origin != f"http://{host}":
        return "Only a page of this server may ask."
    return None
