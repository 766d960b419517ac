"""Read the text files that editors may change, such as taxonomies, with clear errors."""

from pathlib import Path


def read_text(name: str, *, max_bytes: int, remedy: str, error: type[ValueError]) -> str:
    """Return the text of a UTF-8 file.

    Args:
        name: the path of the file, on any Beam file system.
        max_bytes: the maximum size of the file, in bytes.
        remedy: what to do about a file that is too large, for the message.
        error: the class of the error to raise.

    Raises:
        ValueError: the file cannot be read, is too large or is not UTF-8. The class is
            ``error``; the message names the file, the line and the remedy.
    """
    try:
        raw = _read(name, max_bytes + 1)
    except (OSError, ValueError) as cause:
        raise error(f"{name}: cannot be read ({cause}); give a readable file") from cause
    if len(raw) > max_bytes:
        raise error(f"{name}:1: larger than {max_bytes} bytes; {remedy}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = raw.count(b"\n", 0, cause.start) + 1
        raise error(f"{name}:{line}: not UTF-8; save the file as UTF-8") from cause


def _read(name: str, max_bytes: int) -> bytes:
    if "://" in name:
        # Imported only here, so that the shipped files are read without Beam.
        from transforms.storage.filesystems import read_bytes

        return read_bytes(name, max_bytes)
    with Path(name).open("rb") as file:
        return file.read(max_bytes)
