"""Folders of this machine, and of the other file systems that Beam reaches."""

from pathlib import Path

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.options import UsageError


def is_local(folder: str) -> bool:
    """Whether a folder is one of this machine rather than of another Beam file system."""
    return "://" not in folder


def make_folder(folder: str, what: str) -> None:
    """Make a folder if it is not there.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        if not FileSystems.exists(folder):
            FileSystems.mkdirs(folder)
    except (OSError, BeamIOError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot write to {what}: {reason}") from error


def folder_in(folder: str, name: str) -> str:
    """A folder in another one that the user named.

    Raises:
        UsageError: no file system is installed for it.
    """
    try:
        return str(FileSystems.join(folder, name))
    except ValueError as error:
        known = "gs:// needs the extra gcp, s3:// the extra aws, hdfs:// the package hdfs"
        raise UsageError(f"no file system for {folder}: {known}") from error


def read_bytes(path: str, most: int = -1) -> bytes:
    """What a file of any file system has, or its first bytes.

    Raises:
        OSError: it cannot be read, whatever its file system calls that.
    """
    if is_local(path):
        with Path(path).open("rb") as file:
            return file.read(most)
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return bytes(file.read(most))
    except OSError:
        raise
    except Exception as error:  # the clients of clouds have errors of their own
        raise OSError(str(error)) from error
