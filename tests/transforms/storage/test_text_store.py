from pathlib import Path

import pytest
from apache_beam.io.filesystem import BeamIOError

from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from transforms.core.elements import TextReference
from transforms.storage.text_store import TextStore

assert HdfsLikeFileSystem.scheme() == SCHEME
TEXTS = ["One text.", "", "Zwei Äpfel, “drei” 🍎", "x" * 200_000, "two\nlines"]


@pytest.mark.parametrize("scheme", ["", f"{SCHEME}://"], ids=["local", "elsewhere"])
def test_what_is_put_aside_is_found_again(tmp_path: Path, scheme: str) -> None:
    shelf = TextStore(f"{scheme}{tmp_path}/texts")
    writers = [shelf.writer() for _ in range(2)]
    places = [(text, writer.write(text)) for text in TEXTS for writer in writers]
    for writer in writers:
        writer.close()
    assert [shelf.read(place) for _, place in reversed(places)] == [
        text for text, _ in reversed(places)
    ]
    assert len(list((tmp_path / "texts").iterdir())) == 2


def test_nothing_put_aside_leaves_nothing(tmp_path: Path) -> None:
    writer = TextStore(str(tmp_path / "texts")).writer()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    shelf = TextStore(str(tmp_path))
    writer = shelf.writer()
    place = writer.write("Some text.")
    writer.close()
    with pytest.raises(BeamIOError, match="is cut off: 100 bytes at 0"):
        shelf.read(TextReference(place.file, 0, 100))
    with pytest.raises((OSError, BeamIOError)):
        shelf.read(TextReference(str(tmp_path / "none"), 0, 1))
