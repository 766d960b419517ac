"""Texts put aside on disk, while what is decided about them goes through shuffles without them.

A runner holds what it shuffles in memory, several times over: texts would make a run's memory
grow with its articles. A text that is put aside is a place, which later stages read it from.
"""

import uuid
from collections import OrderedDict
from typing import Any, Final

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from transforms.core.elements import TextReference
from transforms.storage.filesystems import create_file, is_local, open_file

_FILE_BYTES: Final = 1 << 19
_FILES_KEPT: Final = 64


class TextStore:
    """A folder of texts, on any Beam file system. Every writer has files of its own.

    From another machine a file is read whole, and kept for the next texts: to open one there costs
    more than to analyse an article, and Beam reads it in pieces of 16 MiB.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": OrderedDict()}

    def writer(self) -> "TextWriter":
        """A writer, to be closed before what it wrote is read."""
        return TextWriter(self._folder)

    def read(self, place: TextReference) -> str:
        """The text at a place.

        Raises:
            OSError, BeamIOError: it cannot be read.
        """
        if is_local(place.file):
            with open_file(place.file) as file:
                file.seek(place.start)
                data = file.read(place.size)
        else:
            data = self._whole(place.file)[place.start : place.start + place.size]
        if len(data) != place.size:
            raise BeamIOError(f"{place.file} is cut off: {place.size} bytes at {place.start}")
        return str(data, "utf-8")

    def _whole(self, path: str) -> bytes:
        data = self._kept.pop(path, None)
        if data is None:
            with open_file(path) as file:
                data = bytes(file.read())
        self._kept[path] = data
        if len(self._kept) > _FILES_KEPT:
            self._kept.popitem(last=False)
        return data


class InlineTextStore(TextStore):
    """No shelf: a text is carried along in its place, as in a stream, where nothing waits long."""

    def __init__(self) -> None:
        super().__init__("")

    def writer(self) -> "TextWriter":
        """A writer that writes nothing."""
        return _InlineTextWriter("")

    def read(self, place: TextReference) -> str:
        """The text of a place."""
        return place.text


class TextWriter:
    """Puts texts into files, the first of which is begun with the first of them."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = ""
        self._file: Any = None
        self._end = 0

    def write(self, text: str) -> TextReference:
        """Put a text aside.

        Raises:
            OSError, BeamIOError: it cannot be written.
        """
        if self._file is None:
            self._path, self._end = str(FileSystems.join(self._folder, uuid.uuid4().hex)), 0
            self._file = create_file(self._path)
        data = text.encode("utf-8")
        self._file.write(data)
        place = TextReference(self._path, self._end, len(data))
        self._end += len(data)
        if self._end >= _FILE_BYTES:
            self.close()
        return place

    def close(self) -> None:
        """Have all on the disk."""
        if self._file is not None:
            self._file.close()
            self._file = None


class _InlineTextWriter(TextWriter):
    def write(self, text: str) -> TextReference:
        return TextReference("", 0, 0, text)
