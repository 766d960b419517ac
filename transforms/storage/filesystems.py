"""Folders of this machine, and of the other file systems that Beam reaches.

What Beam's file systems have in common is less than their interface says; what differs is dealt
with here. S3 and Google Cloud Storage have no folders, and show a file when it is closed. HDFS
shows one when it is begun, never writes over one, and lists one folder at a time. S3 takes no empty
files, and gives back what it could not copy where the others raise it; see also
:mod:`transforms.storage.s3`.
"""

import importlib
import logging
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileSystem
from apache_beam.io.filesystems import FileSystems

from transforms.core.options import UsageError
from transforms.storage.s3 import check_credentials, get_s3_io, is_s3

_NEEDS: Final = {
    "gs": ("apache_beam.io.gcp.gcsio", "gcp"),
    "s3": ("boto3", "aws"),
    "hdfs": ("hdfs", "hdfs"),
}
_AT_ONCE: Final = 100
_THREADS: Final = 8


def is_local(folder: str) -> bool:
    """Whether a folder is one of this machine rather than of another Beam file system."""
    return "://" not in folder


def check_filesystem(folder: str) -> None:
    """See that Beam can reach the file system of a folder that the user named, as it is set up.

    Raises:
        UsageError: something is not installed for it, or an option is missing.
    """
    scheme = FileSystems.get_scheme(folder)
    if scheme in _NEEDS:
        module, extra = _NEEDS[scheme]
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise UsageError(f"{folder} needs the extra {extra}: newsbeam[{extra}]") from error
    elif scheme not in _schemes():
        known = "gs:// needs the extra gcp, s3:// the extra aws, hdfs:// the extra hdfs"
        raise UsageError(f"no file system for {folder}: {known}")
    with _errors_as_usage(f"cannot reach {folder}"):
        FileSystems.join(folder, "any")
    if is_s3(folder):
        check_credentials(folder)


def _schemes() -> set[str | None]:
    """The schemes of the file systems that are there; None is this machine's."""
    return {kind.scheme() for kind in FileSystem.get_all_subclasses()}


def create_folder(folder: str, what: str) -> None:
    """Make a folder if it is not there, where there are folders.

    Raises:
        UsageError: it cannot be made.
    """
    with _errors_as_usage(f"cannot write to {what}"):
        if has_folders(folder) and not FileSystems.exists(folder):
            try:
                FileSystems.mkdirs(folder)
            except OSError:
                if not FileSystems.exists(folder):  # else another process was quicker
                    raise


def has_folders(path: str) -> bool:
    """Whether a path is on a file system with folders, which shows files when they are begun."""
    return is_local(path) or bool(FileSystems.get_filesystem(path).has_dirs())


def folder_exists(folder: str) -> bool:
    """Whether there is such a folder, or, where there are none, any file in it."""
    if has_folders(folder):
        return bool(FileSystems.exists(folder))
    (match,) = FileSystems.match([FileSystems.join(folder, "**")], [1])
    return bool(match.metadata_list)


@contextmanager
def quiet_usage_errors(what: str) -> Iterator[None]:
    """Make one sentence of whatever a file system raises while the block runs.

    A file system logs its errors too, with a traceback; not so here.

    Raises:
        UsageError: what could not be done, and why.
    """
    root = logging.getLogger()
    root.addFilter(_say_nothing)
    try:
        with _errors_as_usage(what):
            yield
    finally:
        root.removeFilter(_say_nothing)


def _say_nothing(_record: logging.LogRecord) -> bool:
    return False


@contextmanager
def _errors_as_usage(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # every file system raises errors of its own
        raise UsageError(f"{what}: {_error_reason(error)}") from error


def _error_reason(error: BaseException) -> str:
    """What an error of a file system says, without what Beam wraps it in: its first line."""
    details = getattr(error, "exception_details", None)
    while isinstance(details, Mapping) and details:
        error = next(iter(details.values()))
        details = getattr(error, "exception_details", None)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).strip().partition("\n")[0].strip()  # HDFS goes on with a stack trace


def list_files(folder: str) -> list[str]:
    """All files in a folder and the folders in it, by name.

    Raises:
        OSError, BeamIOError: they cannot be listed.
    """
    if is_local(folder) or not has_folders(folder):
        (match,) = FileSystems.match([FileSystems.join(folder, "**")])
        return sorted(str(metadata.path) for metadata in match.metadata_list)
    return sorted(_walk(folder)) if FileSystems.exists(folder) else []


def _walk(folder: str) -> Iterator[str]:
    """Each folder is listed by itself. What is empty is a folder: no file is ever left so."""
    for path, size in _members(folder):
        if size:
            yield path
        else:
            yield from _walk(path)


def _members(folder: str) -> list[tuple[str, int]]:
    (match,) = FileSystems.match([FileSystems.join(folder, "*")])
    return [(str(each.path), int(each.size_in_bytes)) for each in match.metadata_list]


def list_names(folder: str) -> list[str]:
    """The names of the files and folders in a folder; none if it is not there.

    Where there are no folders, this lists all files that are anywhere in it.

    Raises:
        OSError, BeamIOError: they cannot be listed.
    """
    if is_local(folder):
        return sorted(path.name for path in Path(folder).iterdir()) if Path(folder).is_dir() else []
    if has_folders(folder):
        members = _members(folder) if FileSystems.exists(folder) else ()
        return sorted(str(FileSystems.split(path)[1]) for path, _ in members)
    start = len(str(FileSystems.join(folder, "")))
    return sorted({path[start:].partition("/")[0] for path in list_files(folder)})


def remove_folder(folder: str) -> None:
    """Remove a folder with all that is in it, if it is there.

    Raises:
        OSError, BeamIOError: something of it is still there.
    """
    if has_folders(folder):
        if FileSystems.exists(folder):
            FileSystems.delete([folder])
    elif list_files(folder):
        FileSystems.delete([f"{folder}/"])  # in few requests, but GCS only logs what is left
        if left := list_files(folder):
            raise BeamIOError(f"{left[0]} and {len(left) - 1} others cannot be removed")


def copy_files(targets: Mapping[str, str]) -> None:
    """Copy files, each to its target, several at a time.

    Raises:
        OSError, BeamIOError: one of them could not be copied.
    """
    sources = list(targets)
    step = max(1, min(_AT_ONCE, -(-len(sources) // _THREADS)))
    parts = [sources[start : start + step] for start in range(0, len(sources), step)]

    def copy(part: list[str]) -> None:
        results = FileSystems.copy(part, [targets[source] for source in part])
        for source, target, error in results or ():
            if error is not None:
                raise BeamIOError(f"cannot copy {source} to {target}", {source: error})

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(copy, parts))


def open_file(path: str) -> Any:
    """A file to be read, as it is.

    Raises:
        OSError, BeamIOError: it cannot be opened; a file system may raise errors of its own.
    """
    if is_s3(path):
        return get_s3_io(path).open(path, "rb")
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def read_bytes(path: str, most: int = -1) -> bytes:
    """What a file of any file system has, or its first bytes.

    Raises:
        OSError: it cannot be read, whatever its file system calls that.
    """
    if is_local(path):
        with Path(path).open("rb") as file:
            return file.read(most)
    try:
        with open_file(path) as file:
            return bytes(file.read(most))
    except OSError:
        raise
    except Exception as error:  # the clients of clouds have errors of their own
        raise OSError(str(error)) from error


def create_file(path: str) -> Any:
    """A file to be written, as it is, with the folders that it is in.

    Raises:
        OSError, BeamIOError: it cannot be written; a file system may raise errors of its own.
    """
    if is_s3(path):
        return get_s3_io(path).open(path, "wb")
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


@contextmanager
def atomic_file(path: str) -> Iterator[Any]:
    """A file to be written, which is there when all of it is; it may take the place of another.

    Where a file shows when it is begun, it is written under another name first. It must not be
    empty. An error in the block may leave half of it elsewhere, where closing is all there is.

    Raises:
        OSError, BeamIOError: it cannot be written.
    """
    shows_early = has_folders(path)
    part = f"{path}.{uuid.uuid4().hex}.part" if shows_early else path
    with create_file(part) as file:
        yield file
    if shows_early:
        if FileSystems.exists(path):
            FileSystems.delete([path])
        FileSystems.rename([part], [path])
