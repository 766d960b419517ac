"""A BigQuery for tests: an emulator, and a proxy before it that fails as a test tells it to.

The emulator, bqemulator, runs the statements on DuckDB. The proxy adds what the emulator lacks of
the real service (a job has the id that was requested, which no other job can have; a table's new
schema adds columns), logs the requests, and can fail.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.server_processes import HOST, ServerProcess, free_ports

PYTHON: Final = "NEWSBEAM_BIGQUERY_EMULATOR"
"""The variable that names the Python of the emulator's environment."""

_SQL: Final = {"INTEGER": "INT64", "BOOLEAN": "BOOL", "TIMESTAMP": "TIMESTAMP"}
_PASSED_ON: Final = ("content-type", "content-range", "if-match", "accept", "content-length")


@dataclass
class ApiRequest:
    """A request to the service."""

    method: str
    path: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body[:1] == b"{" else {}

    @property
    def job_id(self) -> str:
        """The id of the job that the request starts, or an empty string."""
        is_start = self.method == "POST" and urlsplit(self.path).path.endswith("/jobs")
        return str(self.json.get("jobReference", {}).get("jobId", "")) if is_start else ""


@dataclass
class ApiResponse:
    """A response of the service."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def error_response(status: int, reason: str, message: str) -> ApiResponse:
    """Return an error in BigQuery's format."""
    errors = [{"reason": reason, "message": message, "domain": "global"}]
    body = {"error": {"code": status, "message": message, "errors": errors}}
    return ApiResponse(status, {"content-type": "application/json"}, json.dumps(body).encode())


Failure = Callable[[ApiRequest, Callable[[], ApiResponse]], ApiResponse | None]
"""Maps a request, and a function that returns its true response, to a response or None.

None stands for the true response.
"""


def no_failure(_asked: ApiRequest, _answer: Callable[[], ApiResponse]) -> ApiResponse | None:
    """Return None: the true response is sent."""
    return None


class FailingServer(ThreadingHTTPServer):
    """A proxy that passes requests on to the emulator, unless its ``failure`` responds."""

    daemon_threads = True

    def __init__(self, emulator: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.emulator = urlsplit(emulator).netloc
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[ApiRequest] = []
        self.failure: Failure = no_failure
        self._jobs: dict[str, str] = {}  # requested ids to the emulator's, which differ for uploads
        self._uploads: dict[str, str] = {}

    def respond(self, request: ApiRequest, headers: dict[str, str]) -> ApiResponse:
        """Log a request and return the response to it."""
        self.requests.append(request)

        def true_response() -> ApiResponse:
            if request.job_id and request.job_id in self._jobs:
                return error_response(409, "duplicate", f"Already Exists: Job {request.job_id}")
            if request.method == "PATCH":
                self._add_columns(request)
            response = self._pass_on(request, headers)
            if response.status == 200:  # an upload's job exists when its file is complete
                begun = request.job_id or self._uploads.get(self.url + request.path)
                if begun and "location" in response.headers:
                    self._uploads[response.headers["location"]] = begun
                elif begun:
                    self._jobs[begun] = json.loads(response.body)["jobReference"]["jobId"]
            return response

        return self.failure(request, true_response) or true_response()

    def _add_columns(self, request: ApiRequest) -> None:
        """Add the columns of a new schema, as the emulator only stores the schema."""
        _, _, _, _, project, _, dataset, _, table = urlsplit(request.path).path.split("/")
        for column in request.json.get("schema", {}).get("fields", ()):
            if "fields" not in column and column["mode"] in ("NULLABLE", "REPEATED"):
                kind = _SQL.get(column["type"], "STRING")
                kind = f"ARRAY<{kind}>" if column["mode"] == "REPEATED" else kind
                target = f"`{project}.{dataset}.{table}`"
                sql = f"ALTER TABLE {target} ADD COLUMN IF NOT EXISTS {column['name']} {kind}"
                body = json.dumps({"query": sql, "useLegacySql": False}).encode()
                query = ApiRequest("POST", f"/bigquery/v2/projects/{project}/queries", body)
                response = self._pass_on(query, {"content-type": "application/json"})
                assert response.status == 200, response

    def forget_jobs(self) -> None:
        """Forget the ids of all jobs, as BigQuery does after a while."""
        self._jobs.clear()

    def _pass_on(self, request: ApiRequest, headers: dict[str, str]) -> ApiResponse:
        name = urlsplit(request.path).path.rpartition("/")[2]
        path = request.path.replace(name, self._jobs[name]) if name in self._jobs else request.path
        connection = http.client.HTTPConnection(self.emulator, timeout=60)
        try:
            connection.request(request.method, path, request.body, headers)
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
            return ApiResponse(response.status, kept, body)
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FailingServer

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() in _PASSED_ON}
        response = self.server.respond(ApiRequest(self.command, self.path, body), headers)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def serve_with_failures(emulator: str) -> Iterator[FailingServer]:
    """Run a proxy before the emulator."""
    with FailingServer(emulator) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve_emulator(python: str, folder: Path) -> Iterator[str]:
    """Run the emulator and yield its address; ``gs://`` addresses are files below ``buckets``.

    Args:
        python: the interpreter of the emulator's environment.
        folder: holds ``buckets``, and what the emulator writes.
    """
    rest_port, grpc_port = free_ports(2)
    (folder / "buckets").mkdir()
    script = Path(__file__).with_name("bigquery_emulator.py")
    command = [python, str(script), "start", "--log-level", "warning"]
    command += ["--rest-port", str(rest_port), "--grpc-port", str(grpc_port)]
    environment = {"BQEMU_GCS_LOCAL_ROOT": str(folder / "buckets")}
    with ServerProcess("emulator", command, folder, environment) as emulator:
        emulator.wait_for_port(rest_port)
        yield f"http://{HOST}:{rest_port}"


def starts_job(request: ApiRequest, kind: str) -> bool:
    """Return whether a request starts a job of a kind, ``load`` or ``merge``."""
    return request.job_id.startswith(f"newsbeam_{kind}_")
