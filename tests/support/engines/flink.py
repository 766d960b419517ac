"""Flink: a standalone session cluster, Beam's job server, and a pool of Python workers."""

import contextlib
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests.support.engines.worker_pool import WorkerPool
from tests.support.paths import ENGINES
from tests.support.server_processes import (
    HOST,
    ServerProcess,
    ServerProcessError,
    free_ports,
    wait_until,
)

JARS: Final = ENGINES / "flink" / "jars"
_PACKAGE: Final = "org.apache.flink.runtime"
_JOB_MANAGER: Final = f"{_PACKAGE}.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER: Final = f"{_PACKAGE}.taskexecutor.TaskManagerRunner"
_JOB_SERVER: Final = "org.apache.beam.runners.flink.FlinkJobServerDriver"

# What Flink and Kryo reach into by reflection, which Java 17 forbids unless it is told otherwise.
_OPENED: Final = (
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.concurrent.locks",
    "sun.nio.ch",
)
_EXPORTED: Final = (
    "java.base/sun.net.util",
    "java.rmi/sun.rmi.registry",
    "java.security.jgss/sun.security.krb5",
)
_JAVA_FLAGS: Final = [
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # they live for seconds
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
    *(f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTED),
]
_MEMORY: Final = {
    "jobmanager.memory.heap.size": "384m",
    "jobmanager.memory.off-heap.size": "64m",
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.framework.heap.size": "64m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.task.heap.size": "320m",
    "taskmanager.memory.task.off-heap.size": "0m",
    "taskmanager.memory.network.min": "256m",
    "taskmanager.memory.network.max": "256m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}


class FlinkCluster:
    """A job manager, task managers and a job server, each a process, while the context lasts.

    ``settings`` are Flink's own (``restart-strategy.type``, ``execution.checkpointing.interval``,
    ...) and go before those that are set here. Checkpoints and savepoints lie in ``folder``, where
    all processes log, too.

    A task manager ends its worker as soon as it has no work for it, and asks for a new one between
    any two stages of a batch run. With ``keep_workers`` it keeps the one that it has, which is
    faster, but keeps it, too, when it has been killed: what is tried again then fails.

    A task manager may be killed (``flink.task_managers[0].kill()``) and another one started.
    """

    def __init__(
        self,
        folder: Path,
        *,
        jars: Path = JARS,
        task_managers: int = 2,
        slots: int = 1,
        settings: Mapping[str, str] | None = None,
        keep_workers: bool = False,
    ) -> None:
        self._jars = jars
        self._folder = folder
        self._task_manager_count = task_managers
        self._cache_millis = 3_600_000 if keep_workers else 0
        self.parallelism = task_managers * slots
        rpc_port, self._rest_port, self._job_port = free_ports(3)
        self.checkpoints = folder / "checkpoints"
        self.savepoints = folder / "savepoints"
        self._settings = {
            "jobmanager.rpc.address": HOST,
            "jobmanager.rpc.port": str(rpc_port),
            "jobmanager.bind-host": HOST,
            "rest.address": HOST,
            "rest.bind-address": HOST,
            "rest.port": str(self._rest_port),
            "taskmanager.host": HOST,
            "taskmanager.bind-host": HOST,
            "taskmanager.numberOfTaskSlots": str(slots),
            "io.tmp.dirs": str(folder / "tmp"),
            "blob.storage.directory": str(folder / "blobs"),
            "state.checkpoints.dir": self.checkpoints.as_uri(),
            "state.savepoints.dir": self.savepoints.as_uri(),
            # A task manager that is killed is missed after two heartbeats that do not reach it.
            "heartbeat.interval": "1000",
            "classloader.resolve-order": "parent-first",  # the same jars are on both sides
            **_MEMORY,
            **(settings or {}),
        }
        self.task_managers: list[ServerProcess] = []
        self._started = 0

    @property
    def master(self) -> str:
        """Where its REST interface is: Beam's --flink_master."""
        return f"{HOST}:{self._rest_port}"

    @property
    def flags(self) -> list[str]:
        """Beam's flags for a run on this cluster, with all its slots."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={HOST}:{self._job_port}",
            "--job_server_timeout=3600",
            f"--parallelism={self.parallelism}",
            f"--environment_cache_millis={self._cache_millis}",
            *self.pool.flags,
        ]

    def __enter__(self) -> "FlinkCluster":
        if not any(self._jars.glob("flink-runtime-*.jar")):
            raise ServerProcessError(
                f"there is no Flink in {self._jars}; run deploy/engines/fetch flink"
            )
        for name in ("conf", "tmp", "blobs", "artifacts"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        lines = (f"{name}: {json.dumps(value)}\n" for name, value in self._settings.items())
        (self._folder / "conf" / "config.yaml").write_text("".join(lines), encoding="utf-8")
        with ExitStack() as stack:
            self._stack = stack
            self.pool = stack.enter_context(WorkerPool(self._folder))
            self.job_manager = self._start("job-manager", "512m", _JOB_MANAGER)
            for _ in range(self._task_manager_count):
                self.start_task_manager()
            self.job_server = self._start(
                "job-server",
                "512m",
                _JOB_SERVER,
                f"--flink-master={HOST}:{self._rest_port}",
                f"--flink-conf-dir={self._folder / 'conf'}",
                f"--job-host={HOST}",
                f"--job-port={self._job_port}",
                "--artifact-port=0",
                "--expansion-port=-1",
                f"--artifacts-dir={self._folder / 'artifacts'}",
            )
            self.job_manager.wait_for_port(self._rest_port)
            self.job_server.wait_for_port(self._job_port)
            self.wait_for_task_managers(self._task_manager_count)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start_task_manager(self) -> ServerProcess:
        """Start another task manager; it offers its slots when it is ready."""
        self._started += 1
        child = self._start(f"task-manager-{self._started}", "512m", _TASK_MANAGER)
        self.task_managers.append(child)
        return child

    def wait_for_task_managers(self, number: int, seconds: float = 60.0) -> None:
        """Wait until the job manager knows of just so many.

        Raises:
            ServerProcessError: it does not.
        """

        def known() -> bool:
            with contextlib.suppress(ServerProcessError, OSError):  # it may still elect itself
                return len(self.call_rest("/taskmanagers")["taskmanagers"]) == number
            return False

        wait_until(known, f"{number} task managers", seconds, self.job_manager)

    def call_rest(self, path: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What Flink's REST interface answers, such as ``ask("/jobs/overview")``.

        With ``data`` it is a POST: ``ask(f"/jobs/{job}/savepoints", {"cancel-job": True})``.

        Raises:
            ServerProcessError: it refuses.
        """
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"http://{HOST}:{self._rest_port}{path}", data=body)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30.0) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            raise ServerProcessError(f"Flink refuses {path}: {error.code} {text}") from error
        return found

    def _start(self, name: str, heap: str, main: str, *arguments: str) -> ServerProcess:
        java = shutil.which("java")
        if java is None:
            raise ServerProcessError("there is no java on this machine")
        conf = ["--configDir", str(self._folder / "conf")] if main.startswith(_PACKAGE) else []
        classes = f"{self._jars}/*"
        command = [java, f"-Xmx{heap}", *_JAVA_FLAGS, "-cp", classes, main, *conf, *arguments]
        return self._stack.enter_context(ServerProcess(name, command, self._folder))
