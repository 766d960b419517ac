"""A BigQuery to test against: an emulator, and before it a server that makes trouble.

The emulator, bqemulator, is a program of others that runs the statements on DuckDB. The server
before it adds what it lacks of the real service (a job has the id that was asked for, and no other
can have it; a table's new schema brings new columns), notes what is asked, and fails as it is told.
"""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

PYTHON: Final = "NEWSBEAM_BIGQUERY_EMULATOR"
"""The variable that names the Python of the emulator's environment."""

_SQL: Final = {"INTEGER": "INT64", "BOOLEAN": "BOOL", "TIMESTAMP": "TIMESTAMP"}
_PASSED_ON: Final = ("content-type", "content-range", "if-match", "accept", "content-length")


@dataclass
class Asked:
    """A request to the service."""

    method: str
    path: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body[:1] == b"{" else {}

    @property
    def job_id(self) -> str:
        """The id of the job that it begins, or nothing."""
        begins = self.method == "POST" and urlsplit(self.path).path.endswith("/jobs")
        return str(self.json.get("jobReference", {}).get("jobId", "")) if begins else ""


@dataclass
class Answer:
    """An answer of the service."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def refusal(status: int, reason: str, message: str) -> Answer:
    """An error as BigQuery answers it."""
    errors = [{"reason": reason, "message": message, "domain": "global"}]
    body = {"error": {"code": status, "message": message, "errors": errors}}
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())


Trouble = Callable[[Asked, Callable[[], Answer]], Answer | None]
"""What comes instead of an answer, given the request and how to get the true one; None: nothing."""


def no_trouble(_asked: Asked, _answer: Callable[[], Answer]) -> Answer | None:
    """The true answers."""
    return None


class TroubledServer(ThreadingHTTPServer):
    """Passes requests on to the emulator, unless there is trouble."""

    daemon_threads = True

    def __init__(self, emulator: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.emulator = urlsplit(emulator).netloc
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[Asked] = []
        self.trouble: Trouble = no_trouble
        self._jobs: dict[str, str] = {}  # the emulator has ids of its own for jobs that upload
        self._uploads: dict[str, str] = {}

    def answer(self, asked: Asked, headers: dict[str, str]) -> Answer:
        self.asked.append(asked)

        def true_answer() -> Answer:
            if asked.job_id and asked.job_id in self._jobs:
                return refusal(409, "duplicate", f"Already Exists: Job {asked.job_id}")
            if asked.method == "PATCH":
                self._add_columns(asked)
            answer = self._pass_on(asked, headers)
            if answer.status == 200:  # a job that uploads is there when all of its file is
                begun = asked.job_id or self._uploads.get(self.url + asked.path)
                if begun and "location" in answer.headers:
                    self._uploads[answer.headers["location"]] = begun
                elif begun:
                    self._jobs[begun] = json.loads(answer.body)["jobReference"]["jobId"]
            return answer

        return self.trouble(asked, true_answer) or true_answer()

    def _add_columns(self, asked: Asked) -> None:
        """The emulator notes a new schema of a table, but its columns stay as they were."""
        _, _, _, _, project, _, dataset, _, table = urlsplit(asked.path).path.split("/")
        for column in asked.json.get("schema", {}).get("fields", ()):
            if "fields" not in column and column["mode"] == "NULLABLE":
                kind = _SQL.get(column["type"], "STRING")
                target = f"`{project}.{dataset}.{table}`"
                sql = f"ALTER TABLE {target} ADD COLUMN IF NOT EXISTS {column['name']} {kind}"
                body = json.dumps({"query": sql, "useLegacySql": False}).encode()
                query = Asked("POST", f"/bigquery/v2/projects/{project}/queries", body)
                answer = self._pass_on(query, {"content-type": "application/json"})
                assert answer.status == 200, answer

    def forget_jobs(self) -> None:
        """As if they were of long ago."""
        self._jobs.clear()

    def _pass_on(self, asked: Asked, headers: dict[str, str]) -> Answer:
        name = urlsplit(asked.path).path.rpartition("/")[2]
        path = asked.path.replace(name, self._jobs[name]) if name in self._jobs else asked.path
        connection = http.client.HTTPConnection(self.emulator, timeout=60)
        try:
            connection.request(asked.method, path, asked.body, headers)
            response = connection.getresponse()
            body = response.read()
            kept = {
                name.lower(): value
                for name, value in response.getheaders()
                if name.lower() in ("content-type", "location", "range", "etag")
            }
            if "location" in kept:  # where the rest of an upload goes
                target = urlsplit(kept["location"])
                kept["location"] = f"{self.url}{target.path}?{target.query}"
            return Answer(response.status, kept, body)
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    disable_nagle_algorithm = True
    server: TroubledServer

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() in _PASSED_ON}
        answer = self.server.answer(Asked(self.command, self.path, body), headers)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def troubled(emulator: str) -> Iterator[TroubledServer]:
    """A server before the emulator."""
    with TroubledServer(emulator) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def emulator_of(python: str, folder: Path) -> Iterator[str]:
    """The emulator, on loopback; ``gs://`` addresses are files below ``folder/buckets``."""
    ports = _free_port(), _free_port()
    (folder / "buckets").mkdir()
    script = Path(__file__).with_name("bigquery_emulator.py")
    command = [python, str(script), "start", "--log-level", "warning"]
    command += ["--rest-port", str(ports[0]), "--grpc-port", str(ports[1])]
    env = {"PATH": os.environ["PATH"], "BQEMU_GCS_LOCAL_ROOT": str(folder / "buckets")}
    with (folder / "emulator.log").open("w") as log:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_for(ports[0], process, folder / "emulator.log")
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the emulator ended: {log.read_text()[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the emulator does not answer: {log.read_text()[-2000:]}")


def begins(asked: Asked, kind: str) -> bool:
    """Whether a request begins a job of a kind: load or merge."""
    return asked.job_id.startswith(f"newsbeam_{kind}_")
