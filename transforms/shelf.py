"""Texts put aside on disk, while what is decided about them goes through shuffles without them.

A runner holds what it shuffles in memory, several times over: texts would make a run's memory
grow with its articles. A text that is put aside is a place, which later stages read it from.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from schemas.rows import row


@row
@dataclass(frozen=True, slots=True)
class Place:
    """Where a text lies: a file of the shelf, and bytes in it."""

    file: str
    start: int
    size: int


class Shelf:
    """A folder of texts, on any Beam file system. Every writer has a file of its own."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def writer(self) -> "ShelfWriter":
        """A writer, to be closed before what it wrote is read."""
        return ShelfWriter(str(FileSystems.join(self._folder, uuid.uuid4().hex)), self._folder)

    def read(self, place: Place) -> str:
        """The text at a place.

        Raises:
            OSError, BeamIOError: it cannot be read.
        """
        with FileSystems.open(place.file, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            file.seek(place.start)
            data = file.read(place.size)
        if len(data) != place.size:
            raise BeamIOError(f"{place.file} is cut off: {place.size} bytes at {place.start}")
        return str(data, "utf-8")


class ShelfWriter:
    """Puts texts into one file, which is begun with the first of them."""

    def __init__(self, path: str, folder: str) -> None:
        self._path = path
        self._folder = folder
        self._file: Any = None
        self._end = 0

    def put(self, text: str) -> Place:
        """Put a text aside.

        Raises:
            OSError, BeamIOError: it cannot be written.
        """
        if self._file is None:
            if not FileSystems.exists(self._folder):
                FileSystems.mkdirs(self._folder)
            self._file = FileSystems.create(
                self._path, compression_type=CompressionTypes.UNCOMPRESSED
            )
        data = text.encode("utf-8")
        self._file.write(data)
        place = Place(self._path, self._end, len(data))
        self._end += len(data)
        return place

    def close(self) -> None:
        """Have all on the disk."""
        if self._file is not None:
            self._file.close()
            self._file = None
