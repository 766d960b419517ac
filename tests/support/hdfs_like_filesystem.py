"""A Beam file system other than the local one: ``elsewhere:///folder/file``, kept on the disk.

It has the manners of HDFS: it lists one folder at a time, and writes over nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

SCHEME = "elsewhere"
_PREFIX = f"{SCHEME}://"


def _here(path: str) -> str:
    return path.removeprefix(_PREFIX)


def _see_that_none_is(path: str) -> None:
    if Path(_here(path)).exists():
        raise BeamIOError(f"there is a {path} already")


class ElsewhereFileSystem(LocalFileSystem):
    """Takes the prefix off whatever it is asked for, and puts it on what it finds."""

    @classmethod
    def scheme(cls) -> str:
        return SCHEME

    def join(self, basepath: str, *paths: str) -> str:
        return _PREFIX + str(super().join(_here(basepath), *paths))

    def split(self, path: str) -> tuple[str, str]:
        head, tail = super().split(_here(path))
        return _PREFIX + head, tail

    def mkdirs(self, path: str) -> None:
        super().mkdirs(_here(path))

    def create(self, path: str, *args: Any, **more: Any) -> Any:
        _see_that_none_is(path)
        return super().create(_here(path), *args, **more)

    def open(self, path: str, *args: Any, **more: Any) -> Any:
        return super().open(_here(path), *args, **more)

    def exists(self, path: str) -> bool:
        return bool(super().exists(_here(path)))

    def copy(self, sources: list[str], destinations: list[str]) -> None:
        for destination in destinations:
            _see_that_none_is(destination)
            Path(_here(destination)).parent.mkdir(parents=True, exist_ok=True)
        super().copy([*map(_here, sources)], [*map(_here, destinations)])

    def rename(self, sources: list[str], destinations: list[str]) -> None:
        for destination in destinations:
            _see_that_none_is(destination)
        super().rename([*map(_here, sources)], [*map(_here, destinations)])

    def delete(self, paths: list[str]) -> None:
        super().delete([*map(_here, paths)])

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for path in Path(_here(dir_or_prefix)).iterdir():
            size = path.stat().st_size if path.is_file() else 0
            yield FileMetadata(f"{_PREFIX}{path}", size)
