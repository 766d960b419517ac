"""Processes that serve on a loopback port, with a log each."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The top folder of the checkout."""
HOST: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
_END_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_LOG_LINES: Final = 30


class EngineError(Exception):
    """An engine did not start, or did not do what it was asked; the message says what it logged."""


def wait_until(
    happened: Callable[[], bool], what: str, seconds: float, *needed: "ServerProcess"
) -> None:
    """Wait until something has happened, for which some processes must be there.

    Raises:
        EngineError: one of them ended, or it has not happened after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not happened():
        for child in needed:
            if not child.alive:
                raise EngineError(f"{child.name} ended, without {what}:\n{child.tail()}")
        if time.monotonic() > deadline:
            logs = "\n".join(child.tail() for child in needed)
            raise EngineError(f"no {what} after {seconds:g} s\n{logs}")
        time.sleep(_POLL_SECONDS)


def free_ports(number: int) -> list[int]:
    """So many ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for found in sockets:
            found.bind((HOST, 0))
        return [int(found.getsockname()[1]) for found in sockets]


class ServerProcess:
    """A process that logs into a file, and ends with the context at the latest.

    Where the system can see to it, it does not outlive this process either, however that ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        logs: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        setpriv = shutil.which("setpriv")
        kept = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*kept, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def wait_for_port(self, port: int, seconds: float = START_SECONDS) -> None:
        """Wait until it listens.

        Raises:
            EngineError: it ended, or does not listen after so many seconds.
        """

        def listens() -> bool:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1.0):
                return True
            return False

        wait_until(listens, f"{self.name} at its port", seconds, self)

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES:])

    def kill(self) -> None:
        """End it as a machine that loses its power would."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it, the hard way if it does not."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
