"""The server behind ``serve``: textual-serve's, behind a token and a look at who asks. Imports textual-serve.

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
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_asked: contextvars.ContextVar[str] = contextvars.ContextVar("asked")  # the host and port that the request named
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; worker-src 'self' blob:; connect-src 'self' ws://{host}; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the token stands in the address
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Served(Server):
    """``command`` opens the program; each page has a process of it, which ends with the page."""

    def __init__(self, command: str, listening: socket.socket, *, local: bool) -> None:
        self._listening = listening
        self._local = local
        self.token = secrets.token_urlsafe(16)
        host, port = listening.getsockname()[:2]
        super().__init__(command, host=host, port=port, title="tformer-quiz")

    @property
    def address(self) -> str:
        """What a person opens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/{self.token}/"

    @property
    def public_url(self) -> str:
        """Where the page finds the rest: under the name by which it was asked for."""
        return f"http://{_asked.get()}"

    @public_url.setter
    def public_url(self, value: str) -> None:
        """As textual-serve would have it; a page may be asked for under more names than one."""

    def serve(self, debug: bool = False) -> None:
        """Until the program is told to end."""
        web.run_app(self._make_app(), sock=self._listening, print=None, handle_signals=False)

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is said here: stdout has the address alone."""

    async def _make_app(self) -> web.Application:
        pages = await super()._make_app()
        outside = web.Application(middlewares=[self._guard])
        outside.add_subapp(f"/{self.token}/", pages)
        return outside

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        parts = request.path.split("/")
        if not secrets.compare_digest(parts[1].encode("utf-8", "replace"), self.token.encode()):
            raise web.HTTPForbidden(text="Open the address that tformer-quiz serve has written.\n")
        if self._local and urlsplit(f"//{request.host}").hostname not in LOCAL_NAMES:
            raise web.HTTPForbidden(text="This is served to this machine alone.\n")
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket" or parts[-1] == "ws"
        if is_socket and request.headers.get("Origin") != f"http://{request.host}":
            raise web.HTTPForbidden(text="Only a page of this server may ask.\n")
        _asked.set(request.host)
        response = await handler(request)
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers[name] = value.format(host=request.host)
        return response
