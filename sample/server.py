"""Server of the sample site on loopback: `python sample/server.py [--port N] [-- COMMAND ...]`.

Without a command it serves until interrupted. With a command it serves while the command runs,
replaces `{base}` in the command's arguments by the site's base URL, and ends with its exit code.
"""

import argparse
import contextlib
import hashlib
import html
import re
import signal
import subprocess
import sys
import threading
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

SITE: Final = Path(__file__).with_name("site")
PORT: Final = 8731

_TYPES: Final = {
    ".atom": "application/atom+xml",
    ".html": "text/html; charset=utf-8",
    ".json": "application/feed+json",
    ".opml": "text/x-opml; charset=utf-8",
    ".pdf": "application/pdf",
    ".rdf": "application/rdf+xml",
    ".xml": "application/rss+xml",
}
_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_HIDDEN: Final = frozenset({"_redirects", "layout.html"})
_FRONT_MATTER: Final = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"\{\{(\w+)\}\}")


class SampleSite:
    """The site, served by a thread while the context lasts.

    ``base`` is its base URL without a final slash. ``requests`` lists (method, path, status) of
    every request so far.
    """

    def __init__(self, folder: Path = SITE, port: int = 0) -> None:
        self.folder = folder.resolve()
        self.requests: list[tuple[str, str, int]] = []
        lines = (self.folder / "_redirects").read_text(encoding="utf-8").splitlines()
        rules = (line.split() for line in lines if line.strip())
        self.redirects = {old: (int(status), new) for old, status, new in rules}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "SampleSite":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def find(self, path: str) -> Path | None:
        """Return the file at a path of the site, or None if it is missing or hidden."""
        try:
            file = (self.folder / unquote(path).lstrip("/")).resolve()
            if not file.suffix:
                file = file.with_name(file.name + ".html")
            inside = file.is_relative_to(self.folder) and file.is_file()
        except (ValueError, OSError):  # a NUL, a name too long
            return None
        return file if inside and file.name not in _HIDDEN else None

    def render(self, file: Path) -> bytes:
        """Return a file as served: an article in its outlet's layout, with `{{base}}` filled in."""
        body = file.read_bytes()
        if file.suffix == ".html":
            body = self._page(file, body.decode("utf-8")).encode("utf-8")
        return body.replace(b"{{base}}", self.base.encode("ascii"))

    def modified(self, file: Path) -> int:
        """Return the time of the last change to a file or its layout, in seconds since 1970."""
        outlet = file.relative_to(self.folder).parts[0]
        layout = self.folder / outlet / "layout.html"
        return int(max(path.stat().st_mtime for path in (file, layout) if path.exists()))

    def _page(self, file: Path, text: str) -> str:
        match = _FRONT_MATTER.fullmatch(text)
        if match is None:
            return text
        outlet = file.relative_to(self.folder).parts[0]
        layout = (self.folder / outlet / "layout.html").read_text(encoding="utf-8")
        lines = (line.partition(":") for line in match[1].splitlines())
        fields = {key.strip(): _escape(value.strip()) for key, _, value in lines}
        fields |= {"body": match[2], "base": self.base}
        return _PLACEHOLDER.sub(lambda name: fields.get(name[1], ""), layout)


def _escape(value: str) -> str:
    """Escape text for elements and attributes, but no apostrophes, as JSON-LD is not decoded."""
    return html.escape(value, quote=False).replace('"', "&quot;")


def _handler_of(site: SampleSite) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or a body waits for the acknowledgement of its headers

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path in site.redirects:
                status, target = site.redirects[path]
                self._answer(status, b"", {"Location": target})
                return
            file = site.find(path)
            if file is None:
                body = site.render(site.folder / "404.html")
                self._answer(404, body, {"Content-Type": _TYPES[".html"]})
                return
            body, modified = site.render(file), site.modified(file)
            headers = {
                "Content-Type": _TYPES.get(file.suffix, "application/octet-stream"),
                "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
                "Last-Modified": formatdate(modified, usegmt=True),
            }
            fresh = self._is_fresh(headers["ETag"], modified)
            self._answer(304 if fresh else 200, b"" if fresh else body, headers)

        do_HEAD = do_GET  # noqa: N815

        def _is_fresh(self, etag: str, modified: int) -> bool:
            known = self.headers.get("If-None-Match")
            if known is not None:
                return known == "*" or etag in known
            try:
                since = parsedate_to_datetime(self.headers.get("If-Modified-Since", ""))
            except ValueError:
                return False
            return modified <= since.timestamp()

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            site.requests.append((self.command, self.path, status))
            self.send_response(status)
            if status != 304:
                headers = headers | {"Content-Length": str(len(body))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Handler


def _serve(port: int | None) -> SampleSite:
    try:
        return SampleSite(port=PORT if port is None else port)
    except OSError as error:
        if port is not None:
            sys.exit(f"sample/server.py: port {port}: {error.strerror}")
        return SampleSite(port=0)


def _run(command: list[str], base: str) -> int:
    """Run a command to its end, pass signals on, and return its exit code as a shell does."""
    early: list[int] = []
    for number in _SIGNALS:
        signal.signal(number, lambda received, _: early.append(received))
    try:
        # In a new session, as otherwise a Ctrl-C would reach it twice.
        process = subprocess.Popen(
            [part.replace("{base}", base) for part in command], start_new_session=True
        )
    except OSError as error:
        print(f"sample/server.py: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    for number in _SIGNALS:
        signal.signal(number, lambda received, _: process.send_signal(received))
    for received in early:
        process.send_signal(received)
    code = process.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description="Serve the sample site on loopback.")
    parser.add_argument(
        "--port", type=int, help=f"port (default: {PORT}, or any free one if it is in use)"
    )
    parser.add_argument("command", nargs="*", help="command to run; {base} stands for the base URL")
    args = parser.parse_args()
    with _serve(args.port) as site:
        if args.command:
            return _run(args.command, site.base)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            print(f"The sample site is at {site.base}/feeds.opml; Ctrl-C ends it.", flush=True)
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
