"""Servers that store files as S3, Google Cloud Storage and HDFS do, each a process on loopback."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

from tests.support.paths import ENGINES
from tests.support.server_processes import (
    HOST,
    START_SECONDS,
    ServerProcess,
    free_ports,
    wait_until,
)

BUCKET: Final = "bucket"
_HADOOP_JARS: Final = ENGINES / "hdfs" / "jars"


@dataclass(frozen=True)
class StorageServer:
    """A running store.

    Args:
        root: the address of a folder in it, such as ``s3://bucket``.
        url: the server's own address.
        log: the server's log.
        flags: Beam's flags that lead to it.
        environment: variables that lead to it.
    """

    root: str
    url: str
    log: Path
    flags: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def serve_s3(folder: Path) -> Iterator[StorageServer]:
    """Run Moto's S3, with a bucket."""
    (port,) = free_ports(1)
    url = f"http://{HOST}:{port}"
    flags = ["--s3_endpoint_url", url, "--s3_region_name", "us-east-1"]
    flags += ["--s3_access_key_id", "test", "--s3_secret_access_key", "test"]
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with ServerProcess("s3", command, folder, {"NO_COLOR": "1"}) as server:
        server.wait_for_port(port)
        _send("PUT", f"{url}/{BUCKET}")
        yield StorageServer(f"s3://{BUCKET}", url, server.log, flags)


@contextmanager
def serve_gcs(folder: Path) -> Iterator[StorageServer]:
    """Run the emulator of Google Cloud Storage, with a bucket."""
    (port,) = free_ports(1)
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--in-memory"]
    command += ["--host", HOST, "--port", str(port), "--default-bucket", BUCKET]
    environment = {"STORAGE_EMULATOR_HOST": url, "NO_GCE_CHECK": "true"}

    def has_bucket() -> bool:
        _send("GET", f"{url}/storage/v1/b/{BUCKET}")
        return True

    with ServerProcess("gcs", command, folder, {"NO_COLOR": "1"}) as server:
        wait_until(has_bucket, "bucket", START_SECONDS, server)
        yield StorageServer(f"gs://{BUCKET}", url, server.log, ["--project", "test"], environment)


@contextmanager
def serve_hdfs(folder: Path) -> Iterator[StorageServer]:
    """Run a name node and a data node of HDFS, which `deploy/engines/fetch hdfs` fetches."""
    configuration = folder / "conf"
    names = ("name", "web", "data", "ipc", "data_web")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    for name in ("hdfs", "datanode", "static"):  # the web pages are not in the jars
        (configuration / "webapps" / name).mkdir(parents=True)
    core_site = {"fs.defaultFS": f"hdfs://{HOST}:{ports['name']}"}
    _write_configuration(configuration / "core-site.xml", core_site)
    _write_configuration(
        configuration / "hdfs-site.xml",
        {
            "dfs.replication": "1",
            "dfs.permissions.enabled": "false",
            "dfs.namenode.name.dir": f"{folder}/name",
            "dfs.datanode.data.dir": f"{folder}/data",
            "dfs.namenode.http-address": f"{HOST}:{ports['web']}",
            "dfs.namenode.rpc-bind-host": HOST,
            "dfs.datanode.address": f"{HOST}:{ports['data']}",
            "dfs.datanode.ipc.address": f"{HOST}:{ports['ipc']}",
            "dfs.datanode.http.address": f"{HOST}:{ports['data_web']}",
            "dfs.datanode.hostname": HOST,
        },
    )
    java = ["java", "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-Xmx256m"]
    java += ["-cp", f"{configuration}:{_HADOOP_JARS}/*"]
    package = "org.apache.hadoop.hdfs.server"
    name_node = [*java, f"{package}.namenode.NameNode"]
    data_node = [*java, f"{package}.datanode.DataNode"]
    with (folder / "format.log").open("wb") as log:
        subprocess.run(
            [*name_node, "-format", "-nonInteractive"], stdout=log, stderr=log, check=True
        )
    url = f"http://{HOST}:{ports['web']}"
    with (
        ServerProcess("name-node", name_node, folder) as names_server,
        ServerProcess("data-node", data_node, folder) as data_server,
    ):
        wait_until(
            lambda: _has_data_node(url), "data node", START_SECONDS, names_server, data_server
        )
        flags = ["--hdfs_host", HOST, "--hdfs_port", str(ports["web"]), "--hdfs_user", "test"]
        yield StorageServer("hdfs://files", url, names_server.log, flags)


def _has_data_node(url: str) -> bool:
    with urlopen(f"{url}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState") as response:
        (state,) = json.loads(response.read())["beans"]
    return bool(state["NumLiveDataNodes"] and state["FSState"] == "Operational")


def _write_configuration(path: Path, values: Mapping[str, str]) -> None:
    properties = (
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in values.items()
    )
    path.write_text(f"<configuration>{''.join(properties)}</configuration>", encoding="utf-8")


def _send(method: str, url: str) -> None:
    with urlopen(Request(url, method=method)):
        pass
