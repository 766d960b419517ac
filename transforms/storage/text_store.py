"""Article texts on disk, so that they do not go through shuffles (the claim check pattern).

A runner holds several copies of the data that it shuffles in memory, so that shuffled texts would
make a run's memory grow with its number of articles. An element carries a
:class:`~transforms.core.elements.TextReference` instead, and later stages read the text by it.
"""

import uuid
from collections import OrderedDict
from typing import IO, Any, Final

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from transforms.core.elements import TextReference
from transforms.storage.filesystems import create_file, open_file
from transforms.storage.paths import is_local

_MIN_FILE_BYTES: Final = 1 << 19
"""A writer begins a new file when the current one has reached this size."""
_MAX_CACHED_FILES: Final = 64


class TextStore:
    """A folder of texts on any Beam file system. Every writer writes its own files.

    A remote file is read whole and cached for the next texts: opening one costs more than the
    analysis of an article, and Beam reads in chunks of 16 MiB anyway.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._cache: OrderedDict[str, bytes] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": OrderedDict()}

    def writer(self) -> "TextWriter":
        """Return a new writer. Close it before anything reads its texts."""
        return TextWriter(self._folder)

    def read(self, reference: TextReference) -> str:
        """Return the text of a reference.

        Raises:
            OSError, BeamIOError: The text cannot be read.
        """
        start, size = reference.start, reference.size
        if is_local(reference.file):
            with open_file(reference.file) as file:
                file.seek(start)
                data = file.read(size)
        else:
            data = self._read_file(reference.file)[start : start + size]
        if len(data) != size:
            raise BeamIOError(f"{reference.file} is cut off: {size} bytes at {start}")
        return str(data, "utf-8")

    def _read_file(self, path: str) -> bytes:
        """Return a whole file from the cache, which drops the least recently used one."""
        data = self._cache.pop(path, None)
        if data is None:
            with open_file(path) as file:
                data = bytes(file.read())
        self._cache[path] = data
        if len(self._cache) > _MAX_CACHED_FILES:
            self._cache.popitem(last=False)
        return data


class InlineTextStore(TextStore):
    """A store without files: the reference carries its text.

    A streaming pipeline uses it, since no element waits there for long.
    """

    def __init__(self) -> None:
        super().__init__("")

    def writer(self) -> "TextWriter":
        """Return a writer that writes no file."""
        return _InlineTextWriter("")

    def read(self, reference: TextReference) -> str:
        """Return the text that the reference carries."""
        return reference.text


class TextWriter:
    """A writer that appends texts to files and creates the first file with the first text."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = ""
        self._file: IO[bytes] | None = None
        self._end = 0

    def write(self, text: str) -> TextReference:
        """Write a text and return the reference to it.

        Raises:
            OSError, BeamIOError: The text cannot be written.
        """
        if self._file is None:
            self._path, self._end = str(FileSystems.join(self._folder, uuid.uuid4().hex)), 0
            self._file = create_file(self._path)
        data = text.encode("utf-8")
        self._file.write(data)
        reference = TextReference(self._path, self._end, len(data))
        self._end += len(data)
        if self._end >= _MIN_FILE_BYTES:
            self.close()
        return reference

    def close(self) -> None:
        """Close the current file, which makes its texts readable."""
        if self._file is not None:
            self._file.close()
            self._file = None


class _InlineTextWriter(TextWriter):
    def write(self, text: str) -> TextReference:
        return TextReference("", 0, 0, text)
