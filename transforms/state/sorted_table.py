"""A table of many small values by key: sorted rows in a mapped file, and new rows in memory.

A run looks up a few thousand rows out of millions. So the rows of a snapshot stay in its file,
which is memory-mapped: the system reads only the pages that are looked up, and all processes of a
machine share them. Keys are hashes, so nothing is gained by compressing neighbours.

SQLite and LMDB do the same in files of their own; a state folder must lie on any Beam file system,
be written in one pass, and be checked by one hash.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

KEY_BYTES: Final = 16


class SortedTable:
    """Values of ``value_bytes`` bytes by keys of 16 bytes. Per key, the greatest value wins.

    A value begins with its time, big-endian, so the greater value is the later one.

    >>> table = SortedTable(1)
    >>> table.put(b"k" * 16, b"1")
    >>> table.put(b"k" * 16, b"0")
    >>> table.get(b"k" * 16)
    b'1'
    """

    def __init__(self, value_bytes: int) -> None:
        self.width: Final = KEY_BYTES + value_bytes
        self._sorted = memoryview(b"")
        self._latest: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return self._row_count() + sum(self._find(key) is None for key in self._latest)

    def use_sorted_rows(self, rows: memoryview) -> None:
        """Take these sorted rows as the base of the table, in place of earlier ones.

        Raises:
            ValueError: their length is no multiple of the width of a row.
        """
        if len(rows) % self.width:
            raise ValueError(f"{len(rows)} bytes are no rows of {self.width}")
        self._sorted = rows

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        if key in self._latest:
            return self._latest[key]
        return self._find(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Store a value, unless a greater one is stored already.

        Raises:
            ValueError: the key or the value has the wrong length.
        """
        if len(key) != KEY_BYTES or len(key) + len(value) != self.width:
            raise ValueError(f"no row of {self.width} bytes: a key {key!r} and a value {value!r}")
        if (self.get(key) or b"") <= value:
            self._latest[key] = value

    def sorted_rows(self) -> Iterator[bytes | memoryview]:
        """Yield all rows in order, in large pieces. Joined, they fit :meth:`use_sorted_rows`."""
        done = 0
        for key in sorted(self._latest):
            index = self._index(key, done)
            yield self._rows(done, index)
            yield key + self._latest[key]
            done = index + (self._key(index) == key)
        yield self._rows(done, self._row_count())

    def _find(self, key: bytes) -> bytes | None:
        index = self._index(key)
        if self._key(index) != key:
            return None
        return bytes(self._rows(index, index + 1)[KEY_BYTES:])

    def _index(self, key: bytes, first: int = 0) -> int:
        return bisect_left(range(self._row_count()), key, lo=first, key=self._key)

    def _key(self, index: int) -> bytes:
        start = index * self.width
        return bytes(self._sorted[start : start + KEY_BYTES])

    def _rows(self, first: int, end: int) -> memoryview:
        return self._sorted[first * self.width : end * self.width]

    def _row_count(self) -> int:
        return len(self._sorted) // self.width
