"""Servers that keep files as S3, Google Cloud Storage and HDFS do, each a process on loopback."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

BUCKET = "bucket"
_HADOOP = Path(__file__).parents[2] / ".engines" / "hdfs" / "jars"
_SECONDS = 60.0


@dataclass(frozen=True)
class Store:
    """Where outputs are kept: the address of a folder, and what it takes to reach it."""

    root: str
    url: str
    log: Path
    flags: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def s3(folder: Path) -> Iterator[Store]:
    """Moto's S3, with a bucket."""
    port, log = _free_port(), folder / "s3.log"
    url = f"http://127.0.0.1:{port}"
    flags = ["--s3_endpoint_url", url, "--s3_region_name", "us-east-1"]
    flags += ["--s3_access_key_id", "test", "--s3_secret_access_key", "test"]
    with _server([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], log):
        _until_it_answers(url)
        _ask("PUT", f"{url}/{BUCKET}")
        yield Store(f"s3://{BUCKET}", url, log, flags)


@contextmanager
def gcs(folder: Path) -> Iterator[Store]:
    """The emulator of Google Cloud Storage, with a bucket."""
    port, log = _free_port(), folder / "gcs.log"
    url = f"http://127.0.0.1:{port}"
    program = [sys.executable, "-m", "gcp_storage_emulator", "start", "--in-memory"]
    program += ["--host", "127.0.0.1", "--port", str(port), "--default-bucket", BUCKET]
    environment = {"STORAGE_EMULATOR_HOST": url, "NO_GCE_CHECK": "true"}
    with _server(program, log):
        _until_it_answers(f"{url}/storage/v1/b/{BUCKET}")
        yield Store(f"gs://{BUCKET}", url, log, ["--project", "test"], environment)


@contextmanager
def hdfs(folder: Path) -> Iterator[Store]:
    """A name node and a data node of HDFS, which `deploy/engines/fetch hdfs` fetches."""
    conf, log = folder / "conf", folder / "hdfs.log"
    ports = {name: _free_port() for name in ("name", "web", "data", "ipc", "data_web")}
    for name in ("hdfs", "datanode", "static"):  # the pages that people look at are not there
        (conf / "webapps" / name).mkdir(parents=True)
    at = "127.0.0.1"
    _configure(conf / "core-site.xml", {"fs.defaultFS": f"hdfs://{at}:{ports['name']}"})
    _configure(
        conf / "hdfs-site.xml",
        {
            "dfs.replication": "1",
            "dfs.permissions.enabled": "false",
            "dfs.namenode.name.dir": f"{folder}/name",
            "dfs.datanode.data.dir": f"{folder}/data",
            "dfs.namenode.http-address": f"{at}:{ports['web']}",
            "dfs.namenode.rpc-bind-host": at,
            "dfs.datanode.address": f"{at}:{ports['data']}",
            "dfs.datanode.ipc.address": f"{at}:{ports['ipc']}",
            "dfs.datanode.http.address": f"{at}:{ports['data_web']}",
            "dfs.datanode.hostname": at,
        },
    )
    java = ["java", "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-Xmx256m"]
    java += ["-cp", f"{conf}:{_HADOOP}/*"]
    server = "org.apache.hadoop.hdfs.server"
    name_node = [*java, f"{server}.namenode.NameNode"]
    with log.open("ab") as out:
        subprocess.run(
            [*name_node, "-format", "-nonInteractive"], stdout=out, stderr=out, check=True
        )
    url = f"http://{at}:{ports['web']}"
    with _server(name_node, log), _server([*java, f"{server}.datanode.DataNode"], log):
        _until(lambda: _has_a_data_node(url))
        flags = ["--hdfs_host", at, "--hdfs_port", str(ports["web"]), "--hdfs_user", "test"]
        yield Store("hdfs://files", url, log, flags)


def _has_a_data_node(url: str) -> bool:
    with urlopen(f"{url}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState") as answer:
        (state,) = json.loads(answer.read())["beans"]
    return bool(state["NumLiveDataNodes"] and state["FSState"] == "Operational")


def _configure(path: Path, values: Mapping[str, str]) -> None:
    properties = (
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in values.items()
    )
    path.write_text(f"<configuration>{''.join(properties)}</configuration>", encoding="utf-8")


@contextmanager
def _server(command: Sequence[str], log: Path) -> Iterator[None]:
    """A process that ends with the block, or with this process, however that ends."""
    setpriv = shutil.which("setpriv")
    kept = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    with (
        log.open("ab") as out,
        subprocess.Popen(
            [*kept, *command], stdout=out, stderr=out, env={**os.environ, "NO_COLOR": "1"}
        ) as process,
    ):
        try:
            yield
        finally:
            process.kill()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _ask(method: str, url: str, data: bytes | None = None) -> None:
    with urlopen(Request(url, data, method=method)):
        pass


def _until_it_answers(url: str) -> None:
    def answers() -> bool:
        _ask("GET", url)
        return True

    _until(answers)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        with contextlib.suppress(OSError, ValueError):
            if holds():
                return
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.1)
