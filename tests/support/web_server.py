"""A real web server on loopback whose answers a test sets."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """An answer in pieces, with a pause before each but the first."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    pause: float = 0.0


class Web:
    """``web.answers["/path"] = Answer(...)``; ``web.requests`` are the paths asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def html(self, path: str, body: str, **answer: Any) -> str:
        """Set a page; returns its address."""
        headers = {"Content-Type": "text/html; charset=utf-8"}
        self.answers[path] = Answer(body.encode(), headers=headers, **answer)
        return self.base + path

    def __enter__(self) -> "Web":
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
                answer = web.answers.get(self.path, Answer(b"no such page", 404))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(answer.body)
                    for piece in answer.pieces:
                        time.sleep(answer.pause)
                        self.wfile.write(piece)
                except (BrokenPipeError, ConnectionResetError):
                    return  # the client under test hung up, as it should

            def log_message(self, *_: object) -> None:
                return

        return Handler
