"""A Beam file system on the local disk, with addresses such as ``elsewhere:///folder/file``.

It behaves like HDFS: it lists one folder at a time, and never overwrites a file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

SCHEME = "elsewhere"
_PREFIX = f"{SCHEME}://"


def _local_path(path: str) -> str:
    return path.removeprefix(_PREFIX)


def _check_absent(path: str) -> None:
    if Path(_local_path(path)).exists():
        raise BeamIOError(f"there is a {path} already")


class HdfsLikeFileSystem(LocalFileSystem):
    """A file system that adds a scheme to the addresses of the local one."""

    @classmethod
    def scheme(cls) -> str:
        return SCHEME

    def join(self, basepath: str, *paths: str) -> str:
        return _PREFIX + str(super().join(_local_path(basepath), *paths))

    def split(self, path: str) -> tuple[str, str]:
        head, tail = super().split(_local_path(path))
        return _PREFIX + head, tail

    def mkdirs(self, path: str) -> None:
        super().mkdirs(_local_path(path))

    def create(self, path: str, *args: Any, **more: Any) -> Any:
        _check_absent(path)
        return super().create(_local_path(path), *args, **more)

    def open(self, path: str, *args: Any, **more: Any) -> Any:
        return super().open(_local_path(path), *args, **more)

    def exists(self, path: str) -> bool:
        return bool(super().exists(_local_path(path)))

    def copy(self, sources: list[str], destinations: list[str]) -> None:
        for destination in destinations:
            _check_absent(destination)
            Path(_local_path(destination)).parent.mkdir(parents=True, exist_ok=True)
        super().copy([*map(_local_path, sources)], [*map(_local_path, destinations)])

    def rename(self, sources: list[str], destinations: list[str]) -> None:
        for destination in destinations:
            _check_absent(destination)
        super().rename([*map(_local_path, sources)], [*map(_local_path, destinations)])

    def delete(self, paths: list[str]) -> None:
        super().delete([*map(_local_path, paths)])

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for path in Path(_local_path(dir_or_prefix)).iterdir():
            size = path.stat().st_size if path.is_file() else 0
            yield FileMetadata(f"{_PREFIX}{path}", size)
