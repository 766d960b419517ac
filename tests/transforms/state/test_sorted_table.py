import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.state.sorted_table import KEY_BYTES, SortedTable

WIDTH = 2
KEYS = st.integers(0, 40).map(lambda n: n.to_bytes(1, "big") * KEY_BYTES)
KEPT = st.tuples(KEYS, st.binary(min_size=WIDTH, max_size=WIDTH))


@given(st.lists(st.lists(KEPT, max_size=30), max_size=5))
def test_rows_are_a_dictionary_however_often_they_are_sorted(
    rounds: list[list[tuple[bytes, bytes]]],
) -> None:
    rows, expected = SortedTable(WIDTH), dict[bytes, bytes]()
    for kept in rounds:
        for key, value in kept:
            rows.put(key, value)
            expected[key] = max(value, expected.get(key, b""))
        assert len(rows) == len(expected)
        assert {key: rows.get(key) for key in expected} == expected
        assert rows.get(b"\xff" * KEY_BYTES) is None
        data = b"".join(rows.sorted_rows())
        assert data == b"".join(key + expected[key] for key in sorted(expected))
        rows = SortedTable(WIDTH)
        rows.use_sorted_rows(memoryview(data))


@pytest.mark.parametrize(
    ("key", "value"), [(b"k" * 15, b"vv"), (b"k" * 17, b"v"), (b"k" * 16, b"v"), (b"", b"")]
)
def test_rows_are_of_one_length(key: bytes, value: bytes) -> None:
    rows = SortedTable(WIDTH)
    with pytest.raises(ValueError, match="no row of 18 bytes"):
        rows.put(key, value)
    with pytest.raises(ValueError, match="19 bytes are no rows of 18"):
        rows.use_sorted_rows(memoryview(bytes(19)))
