"""Many small values by key: most in sorted rows that need not be in memory, the latest above them.

Of millions of rows, a run asks for a few thousand. So those of a snapshot stay in its file, which
is mapped: the system reads what is asked for, and all processes of a machine share it. A row is a
key and a value, each of one length; keys are hashes, so rows that are near have nothing in common.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

KEY_BYTES: Final = 16


class SortedTable:
    """Values of ``value_bytes`` bytes by keys of 16. Of two for a key the greater one is kept.

    >>> rows = SortedTable(1)
    >>> rows.keep(b"k" * 16, b"1")
    >>> rows.keep(b"k" * 16, b"0")
    >>> rows.get(b"k" * 16)
    b'1'
    """

    def __init__(self, value_bytes: int) -> None:
        self.width: Final = KEY_BYTES + value_bytes
        self._sorted = memoryview(b"")
        self._latest: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return self._count() + sum(self._find(key) is None for key in self._latest)

    def use_sorted_rows(self, rows: memoryview) -> None:
        """Have these sorted rows below what is there, in place of earlier ones.

        Raises:
            ValueError: they are no rows.
        """
        if len(rows) % self.width:
            raise ValueError(f"{len(rows)} bytes are no rows of {self.width}")
        self._sorted = rows

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        if key in self._latest:
            return self._latest[key]
        return self._find(key)

    def keep(self, key: bytes, value: bytes) -> None:
        """Keep a value, unless a greater one is known.

        Raises:
            ValueError: the key or the value is of another length than all are.
        """
        if len(key) != KEY_BYTES or len(key) + len(value) != self.width:
            raise ValueError(f"no row of {self.width} bytes: a key {key!r} and a value {value!r}")
        if (self.get(key) or b"") <= value:
            self._latest[key] = value

    def sorted_rows(self) -> Iterator[bytes | memoryview]:
        """Yield all rows in order, in large pieces; :meth:`use_sorted_rows` takes them joined."""
        done = 0
        for key in sorted(self._latest):
            place = self._place(key, done)
            yield self._rows(done, place)
            yield key + self._latest[key]
            done = place + (self._key(place) == key)
        yield self._rows(done, self._count())

    def _find(self, key: bytes) -> bytes | None:
        place = self._place(key)
        if self._key(place) != key:
            return None
        return bytes(self._rows(place, place + 1)[KEY_BYTES:])

    def _place(self, key: bytes, first: int = 0) -> int:
        return bisect_left(range(self._count()), key, lo=first, key=self._key)

    def _key(self, place: int) -> bytes:
        start = place * self.width
        return bytes(self._sorted[start : start + KEY_BYTES])

    def _rows(self, first: int, end: int) -> memoryview:
        return self._sorted[first * self.width : end * self.width]

    def _count(self) -> int:
        return len(self._sorted) // self.width
