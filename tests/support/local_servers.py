"""A web server on several loopback addresses, one per host, that logs its requests."""

import asyncio
import email.utils
import math
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

ENDLESS_HEADERS: Final = -1
"""A status that stands for an answer whose headers are its pieces."""


@dataclass(frozen=True)
class Reply:
    """An answer. Its ``pieces`` follow the body, a pause before each, and may be endless.

    ``retry_in`` becomes a Retry-After in whole seconds or, ``as_date``, the time it is then.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] = ()
    pause: float = 0.0
    retry_in: float | None = None
    as_date: bool = False


@dataclass(frozen=True)
class LoggedRequest:
    """A request as the server saw it, from its last byte to the last byte of the answer.

    Times are in seconds of one clock; ``retry_after`` counts from the end.
    """

    host: str
    path: str
    agent: str
    start: float
    end: float
    status: int
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class LocalServers:
    """Servers that answer paths with the replies in ``answers``; other paths are not found.

    A key is a path, or a host and a path (``"127.0.0.2/path"``). Of several replies each is given
    once, and the last one from then on.
    """

    def __init__(self, hosts: Sequence[str], port: int = 0) -> None:
        self.answers: dict[str, Reply | Sequence[Reply]] = {}
        self.log: list[LoggedRequest] = []
        self._answer_counts: Counter[str] = Counter()
        self._sockets: list[socket.socket] = []
        for host in hosts:
            port = self._listen(host, port)
        self.port = port
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._main(),))

    def base(self, host: str) -> str:
        """The address of a host's front page, without the slash."""
        return f"http://{host}:{self.port}"

    def requests(self, host: str = "") -> list[LoggedRequest]:
        """Return the requests to a host, or to all, in the order of their starts."""
        return sorted((a for a in self.log if host in ("", a.host)), key=lambda a: a.start)

    def paths(self, host: str = "") -> list[str]:
        """The paths of :meth:`requests`."""
        return [asked.path for asked in self.requests(host)]

    def __enter__(self) -> "LocalServers":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _listen(self, host: str, port: int) -> int:
        listening = socket.socket()
        self._sockets.append(listening)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        return int(listening.getsockname()[1])

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        servers = [await asyncio.start_server(self._serve, sock=sock) for sock in self._sockets]
        self._ready.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up, as it may at any time
        finally:
            writer.close()
            del self._connections[task]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether there may be another on the connection."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        start = time.monotonic()
        host, path = writer.get_extra_info("sockname")[0], lines[0].split(" ")[1]
        named = (line.partition(":") for line in lines[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in named}
        reply = self._reply(host, path)
        retry = _retry_after(reply)
        head = _head(reply, retry[0] if retry else "")
        asked = LoggedRequest(
            host=host,
            path=path,
            agent=headers.get("user-agent", ""),
            start=start,
            end=time.monotonic(),
            status=reply.status,
            retry_after=retry[1] if retry else None,
            headers=headers,
        )
        if reply.pieces:
            end = await _send(reader, writer, head + reply.body, reply)
            self.log.append(replace(asked, end=end))
        else:  # who has the answer finds its request in the log
            self.log.append(asked)
            writer.write(head + reply.body)
            await writer.drain()
        return not reply.pieces

    def _reply(self, host: str, path: str) -> Reply:
        replies = self.answers.get(host + path, self.answers.get(path, Reply(status=404)))
        if isinstance(replies, Reply):
            return replies
        self._answer_counts[host + path] += 1
        return replies[min(self._answer_counts[host + path], len(replies)) - 1]


def _retry_after(reply: Reply) -> tuple[str, float] | None:
    """The value of Retry-After, and the seconds from now on that it means."""
    if reply.retry_in is None:
        return None
    if not reply.as_date:
        return str(round(reply.retry_in)), float(round(reply.retry_in))
    at = math.ceil(time.time() + reply.retry_in)
    return email.utils.formatdate(at, usegmt=True), at - time.time()


def _head(reply: Reply, retry_after: str) -> bytes:
    if reply.status == ENDLESS_HEADERS:
        return b"HTTP/1.1 200 OK\r\n"
    lines = [f"HTTP/1.1 {reply.status} Answer"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if retry_after:
        lines.append(f"Retry-After: {retry_after}")
    lines.append("Connection: close" if reply.pieces else f"Content-Length: {len(reply.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes, reply: Reply
) -> float:
    """Send an answer in pieces; the time of its end, which is never later than the client's.

    It is taken before the last bytes go out. If the client hangs up, it is taken before those that
    went out last while the client was known to be there.
    """
    end = last = time.monotonic()
    writer.write(first)
    await writer.drain()
    gone = asyncio.ensure_future(_hung_up(reader))
    try:
        for piece in reply.pieces:
            await asyncio.wait([gone], timeout=reply.pause)
            if gone.done():
                return end
            end, last = last, time.monotonic()
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        return end
    finally:
        gone.cancel()
    return last


async def _hung_up(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        await reader.read(1)
