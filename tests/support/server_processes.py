"""Server processes on loopback, each with a log."""

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

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_LOG_LINES: Final = 30


class ServerProcessError(Exception):
    """A server did not start, or did not do what it was asked; the message quotes its log."""


def wait_until(
    condition: Callable[[], bool], what: str, seconds: float, *required: "ServerProcess"
) -> None:
    """Wait until a condition holds, while the required processes live.

    Args:
        condition: is polled; an OSError or ValueError that it raises counts as "not yet".
        what: names the condition in the error message.
        seconds: the longest time to wait.

    Raises:
        ServerProcessError: a required process ended, or the time is up.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, ValueError):
            if condition():
                return
        for process in required:
            if not process.is_running:
                raise ServerProcessError(f"{process.name} ended, without {what}:\n{process.tail()}")
        if time.monotonic() > deadline:
            logs = "\n".join(process.tail() for process in required)
            raise ServerProcessError(f"no {what} after {seconds:g} s\n{logs}")
        time.sleep(_POLL_SECONDS)


def free_ports(count: int) -> list[int]:
    """Return ports of loopback on which no process listens."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


class ServerProcess:
    """A process that works in FOLDER, logs into NAME.log there, and ends with the context.

    Where the system has ``setpriv``, it also ends with this process, however that ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, *command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )

    @property
    def is_running(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def wait_for_port(self, port: int, seconds: float = START_SECONDS) -> None:
        """Wait until it listens at a port.

        Raises:
            ServerProcessError: it ended, or does not listen in time.
        """

        def listens() -> bool:
            with socket.create_connection((HOST, port), 1.0):
                return True

        wait_until(listens, f"{self.name} at its port", seconds, self)

    def tail(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES:])

    def kill(self) -> None:
        """End it with SIGKILL, as a power failure would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it with SIGTERM, and with SIGKILL if it does not obey."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
