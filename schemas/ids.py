"""Deterministic ids: the same parts give the same id on every machine and in every run."""

import hashlib


def stable_id(*parts: str | int | None) -> str:
    """32 hexadecimal digits (128 bits of BLAKE2b) over the parts.

    Each part is written with its length, so that parts never run into one another.

    >>> stable_id("a", "bc") == stable_id("ab", "c")
    False
    >>> len(stable_id("https://example.org/story", 3, 17))
    32
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = b"" if part is None else str(part).encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % (-1 if part is None else len(data)))
        digest.update(data)
    return digest.hexdigest()


def content_hash(data: bytes | str) -> str:
    """32 hexadecimal digits over a text or a page as it was."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
