from pathlib import Path

import pytest
from apache_beam.io.filesystem import BeamIOError

from tests.support.hdfs_like_filesystem import SCHEME, HdfsLikeFileSystem
from transforms.core.elements import TextReference
from transforms.storage.text_store import TextStore

assert HdfsLikeFileSystem.scheme() == SCHEME
TEXTS = ["One text.", "", "Zwei Äpfel, “drei” 🍎", "x" * 200_000, "two\nlines"]


@pytest.mark.parametrize("scheme", ["", f"{SCHEME}://"], ids=["local", "elsewhere"])
def test_texts_come_back(tmp_path: Path, scheme: str) -> None:
    text_store = TextStore(f"{scheme}{tmp_path}/texts")
    writers = [text_store.writer() for _ in range(2)]
    references = [(text, writer.write(text)) for text in TEXTS for writer in writers]
    for writer in writers:
        writer.close()
    assert [text_store.read(reference) for _, reference in reversed(references)] == [
        text for text, _ in reversed(references)
    ]
    assert len(list((tmp_path / "texts").iterdir())) == 2


def test_a_writer_without_texts_writes_no_file(tmp_path: Path) -> None:
    writer = TextStore(str(tmp_path / "texts")).writer()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_text_is_an_error(tmp_path: Path) -> None:
    text_store = TextStore(str(tmp_path))
    writer = text_store.writer()
    reference = writer.write("Some text.")
    writer.close()
    with pytest.raises(BeamIOError, match="is cut off: 100 bytes at 0"):
        text_store.read(TextReference(reference.file, 0, 100))
    with pytest.raises((OSError, BeamIOError)):
        text_store.read(TextReference(str(tmp_path / "none"), 0, 1))
