"""File operations on the local disk and on every other file system that Beam reaches.

Beam's ``FileSystems`` does not hide all differences between file systems. This module deals with
these:

- S3 and Google Cloud Storage (GCS) are object stores. They have no folders, and a file becomes
  visible when it is closed.
- HDFS shows a file as soon as it is created, never overwrites one, and lists one folder per call.
- S3 accepts no empty files from Beam. Its copy returns errors that other file systems raise.

See :mod:`transforms.storage.s3` for the client of S3.
"""

import importlib
import logging
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileSystem
from apache_beam.io.filesystems import FileSystems

from transforms.core.errors import UsageError
from transforms.storage.paths import is_local
from transforms.storage.s3 import check_credentials, get_s3_io, is_s3

_REQUIREMENTS: Final = {
    "gs": ("apache_beam.io.gcp.gcsio", "gcp"),
    "s3": ("boto3", "aws"),
    "hdfs": ("hdfs", "hdfs"),
}
"""The module that a scheme needs, and the extra of Newsbeam that installs it."""
_MAX_COPIES_PER_REQUEST: Final = 100
_COPY_THREADS: Final = 8


def is_object_store(path: str) -> bool:
    """Tell whether a path is in an object store, such as S3 or GCS.

    An object store has no folders and shows a file when it is closed. Every other file system has
    folders and shows a file when it is created.
    """
    return not is_local(path) and not FileSystems.get_filesystem(path).has_dirs()


def check_filesystem(folder: str) -> None:
    """Check that Beam can reach the file system of a folder that the user named.

    Raises:
        UsageError: A package, an option or a credential is missing.
    """
    scheme = FileSystems.get_scheme(folder)
    if scheme in _REQUIREMENTS:
        module, extra = _REQUIREMENTS[scheme]
        try:
            importlib.import_module(module)
        except ImportError as error:
            message = f'{folder} needs the extra {extra}: pip install "newsbeam[{extra}]"'
            raise UsageError(message) from error
    elif scheme not in {kind.scheme() for kind in FileSystem.get_all_subclasses()}:
        known = "gs:// needs the extra gcp, s3:// the extra aws, hdfs:// the extra hdfs"
        raise UsageError(f"no file system for {folder}: {known}")
    with _usage_errors(f"cannot reach {folder}"):
        FileSystems.join(folder, "any")
    if is_s3(folder):
        check_credentials(folder)


def create_folder(folder: str, description: str) -> None:
    """Create a folder unless it exists. Do nothing on an object store.

    Args:
        folder: The path of the folder.
        description: How the error message names the folder, such as "the output folder out".

    Raises:
        UsageError: The folder cannot be created.
    """
    with _usage_errors(f"cannot write to {description}"):
        if not is_object_store(folder) and not FileSystems.exists(folder):
            try:
                FileSystems.mkdirs(folder)
            except OSError:
                if not FileSystems.exists(folder):  # else another process created it first
                    raise


def folder_exists(folder: str) -> bool:
    """Return whether a folder exists or, on an object store, whether any file is in it."""
    if not is_object_store(folder):
        return bool(FileSystems.exists(folder))
    (match,) = FileSystems.match([FileSystems.join(folder, "**")], [1])
    return bool(match.metadata_list)


@contextmanager
def quiet_usage_errors(message: str) -> Iterator[None]:
    """Turn any error of a file system in the block into a UsageError of one line.

    File systems also log their errors, with a traceback. The block suppresses those logs.

    Args:
        message: What could not be done. The error's own reason is appended.

    Raises:
        UsageError: The block raised an error.
    """
    root = logging.getLogger()
    root.addFilter(_drop_log_record)
    try:
        with _usage_errors(message):
            yield
    finally:
        root.removeFilter(_drop_log_record)


def _drop_log_record(_record: logging.LogRecord) -> bool:
    return False


@contextmanager
def _usage_errors(message: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # every file system has its own error classes
        raise UsageError(f"{message}: {_error_reason(error)}") from error


def _error_reason(error: BaseException) -> str:
    """Return the first line of the innermost error that Beam wrapped."""
    details = getattr(error, "exception_details", None)
    while isinstance(details, Mapping) and details:
        error = next(iter(details.values()))
        details = getattr(error, "exception_details", None)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).strip().partition("\n")[0].strip()  # HDFS appends a stack trace


def list_files(folder: str) -> list[str]:
    """Return the paths of all files in a folder and in its subfolders, sorted.

    Raises:
        OSError, BeamIOError: The files cannot be listed.
    """
    if is_local(folder) or is_object_store(folder):
        (match,) = FileSystems.match([FileSystems.join(folder, "**")])
        return sorted(str(metadata.path) for metadata in match.metadata_list)
    return sorted(_walk(folder)) if FileSystems.exists(folder) else []


def _walk(folder: str) -> Iterator[str]:
    """Yield the files below a folder, with one request per folder.

    Listings do not mark folders. A member of size 0 is a folder, since Newsbeam never writes an
    empty file.
    """
    for path, size in _list_members(folder):
        if size:
            yield path
        else:
            yield from _walk(path)


def _list_members(folder: str) -> list[tuple[str, int]]:
    """Return the path and the size in bytes of each file and folder in a folder."""
    (match,) = FileSystems.match([FileSystems.join(folder, "*")])
    return [(str(item.path), int(item.size_in_bytes)) for item in match.metadata_list]


def list_names(folder: str) -> list[str]:
    """Return the names of the files and folders in a folder; an empty list if it does not exist.

    An object store lists all files below the folder for this.

    Raises:
        OSError, BeamIOError: The folder cannot be listed.
    """
    if is_local(folder):
        return sorted(path.name for path in Path(folder).iterdir()) if Path(folder).is_dir() else []
    if not is_object_store(folder):
        members = _list_members(folder) if FileSystems.exists(folder) else ()
        return sorted(str(FileSystems.split(path)[1]) for path, _ in members)
    start = len(str(FileSystems.join(folder, "")))
    return sorted({path[start:].partition("/")[0] for path in list_files(folder)})


def remove_folder(folder: str) -> None:
    """Remove a folder and all that is in it, if it exists.

    Raises:
        OSError, BeamIOError: Something in the folder could not be removed.
    """
    if not is_object_store(folder):
        if FileSystems.exists(folder):
            FileSystems.delete([folder])
    elif list_files(folder):
        FileSystems.delete([f"{folder}/"])  # few requests, but GCS only logs what it cannot delete
        if remaining := list_files(folder):
            others = len(remaining) - 1
            raise BeamIOError(f"{remaining[0]} and {others} others cannot be removed")


def copy_files(targets: Mapping[str, str]) -> None:
    """Copy files in parallel.

    Args:
        targets: The target path of each source path.

    Raises:
        OSError, BeamIOError: A file could not be copied.
    """
    sources = list(targets)
    step = max(1, min(_MAX_COPIES_PER_REQUEST, -(-len(sources) // _COPY_THREADS)))
    batches = [sources[start : start + step] for start in range(0, len(sources), step)]

    def copy(batch: list[str]) -> None:
        results = FileSystems.copy(batch, [targets[source] for source in batch])
        for source, target, error in results or ():
            if error is not None:
                raise BeamIOError(f"cannot copy {source} to {target}", {source: error})

    with ThreadPoolExecutor(_COPY_THREADS) as pool:
        list(pool.map(copy, batches))


def open_file(path: str) -> IO[bytes]:
    """Open a file for reading, without decompression.

    Raises:
        OSError, BeamIOError: The file cannot be opened. A file system may raise its own errors.
    """
    file: IO[bytes]
    if is_s3(path):
        file = get_s3_io(path).open(path, "rb")
    else:
        file = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return file


def read_bytes(path: str, max_bytes: int = -1) -> bytes:
    """Return the content of a file, or its first ``max_bytes`` bytes.

    Raises:
        OSError: The file cannot be read, whatever error its file system raises.
    """
    if is_local(path):
        with Path(path).open("rb") as file:
            return file.read(max_bytes)
    try:
        with open_file(path) as file:
            return bytes(file.read(max_bytes))
    except OSError:
        raise
    except Exception as error:  # the clients of clouds have their own error classes
        raise OSError(str(error)) from error


def create_file(path: str) -> IO[bytes]:
    """Open a file for writing, without compression. Create the folders that it is in.

    Raises:
        OSError, BeamIOError: The file cannot be written. A file system may raise its own errors.
    """
    file: IO[bytes]
    if is_s3(path):
        file = get_s3_io(path).open(path, "wb")
    else:
        file = FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return file


@contextmanager
def atomic_file(path: str) -> Iterator[IO[bytes]]:
    """Open a file for writing that readers see only when it is complete. Replace an existing file.

    Outside of object stores the file is written under another name and renamed at the end. If
    the block raises an error, an incomplete file may remain: under the other name, or on an object
    store under ``path``, where closing a file publishes it. The file must not be empty.

    Raises:
        OSError, BeamIOError: The file cannot be written.
    """
    needs_rename = not is_object_store(path)
    written = f"{path}.{uuid.uuid4().hex}.part" if needs_rename else path
    with create_file(written) as file:
        yield file
    if needs_rename:
        if FileSystems.exists(path):
            FileSystems.delete([path])
        FileSystems.rename([written], [path])
