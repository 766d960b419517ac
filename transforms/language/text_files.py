"""Reading the files that an editor may change: a clear error for what is no text at all."""

from pathlib import Path


def read_text(name: str, *, most: int, remedy: str, error: type[ValueError]) -> str:
    """The text of a file in UTF-8 of at most ``most`` bytes.

    Raises ``error``, with the file, the line and the remedy; ``remedy`` is that for a file that is
    too large.
    """
    try:
        raw = _read(name, most + 1)
    except (OSError, ValueError) as cause:
        raise error(f"{name}: cannot be read ({cause}); give a readable file") from cause
    if len(raw) > most:
        raise error(f"{name}:1: larger than {most} bytes; {remedy}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = raw.count(b"\n", 0, cause.start) + 1
        raise error(f"{name}:{line}: not UTF-8; save the file as UTF-8") from cause


def _read(name: str, most: int) -> bytes:
    if "://" in name:
        from transforms.storage.filesystems import (
            read_bytes,  # what is shipped is read without Beam
        )

        return read_bytes(name, most)
    with Path(name).open("rb") as file:
        return file.read(most)
