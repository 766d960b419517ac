"""A real web server on loopback whose replies a test sets."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class WebReply:
    """A reply: its body, then its pieces with a pause of so many seconds before each."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    pause: float = 0.0


class WebServer:
    """A server that replies as ``web.replies["/path"] = WebReply(...)`` says, otherwise with 404.

    ``requests`` (paths), ``headers`` and ``times`` (of the monotonic clock) have
    an item per request.
    """

    def __init__(self) -> None:
        self.replies: dict[str, WebReply] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def html(self, path: str, body: str, **reply: Any) -> str:
        """Set a page and return its address."""
        headers = {"Content-Type": "text/html; charset=utf-8"}
        self.replies[path] = WebReply(body.encode(), headers=headers, **reply)
        return self.base + path

    def __enter__(self) -> "WebServer":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.requests.append(self.path)
                web.times.append(time.monotonic())
                web.headers.append({k.lower(): v for k, v in self.headers.items()})
                reply = web.replies.get(self.path, WebReply(b"no such page", 404))
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(reply.body)
                    for piece in reply.pieces:
                        time.sleep(reply.pause)
                        self.wfile.write(piece)
                except (BrokenPipeError, ConnectionResetError):
                    return  # the client under test hung up, as it should

            def log_message(self, *_: object) -> None:
                return

        return Handler
