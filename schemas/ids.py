"""The ids of records and the keys of the state. This is their only definition.

An id is a hash of the subject of a record, never of the time. So the same input gives the same id
on every machine, in every run and on every runner.
"""

import hashlib


def stable_id(*parts: str | int | None) -> str:
    """Return 32 hexadecimal digits (128 bits of BLAKE2b) over the parts.

    Each part is hashed with its length, so that ``("a", "bc")`` and ``("ab", "c")`` differ.

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
    """Return 32 hexadecimal digits (128 bits of BLAKE2b) over a text or a page."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def first_version_id(canonical_url: str) -> str:
    """Return the id of the first version of an article, which is also the id of its lineage."""
    return stable_id(canonical_url)


def apart_lineage_id(own_url: str, claimed_url: str) -> str:
    """Return the id of an article whose canonical link names another article.

    It differs from the id of any article that rightly has either address.
    """
    return stable_id("apart", own_url, claimed_url)


def version_id(lineage_id: str, version: int) -> str:
    """Return the id of a version of an article. The first version has the id of the lineage."""
    return lineage_id if version == 1 else stable_id(lineage_id, version)


def story_id_of(first_article_id: str) -> str:
    """Return the id of the story whose first member is this article."""
    return stable_id("story", first_article_id)


def entity_id_of(article_id: str, name: str, label: str) -> str:
    """Return the id of an entity of an article."""
    return stable_id(article_id, name, label)


def quote_id_of(article_id: str, start: int, end: int) -> str:
    """Return the id of the quote at these offsets of an article's text."""
    return stable_id(article_id, start, end)


def tag_id_of(article_id: str, quote_id: str | None, topic_id: str) -> str:
    """Return the id of the topic tag of an article (``quote_id`` is None) or of a quote."""
    return stable_id(article_id, quote_id, topic_id)


def dead_letter_id_of(stage: str, source: str, error_type: str, message: str) -> str:
    """Return the id of a dead letter. The same failure has the same id in every run."""
    return stable_id(stage, source, error_type, message)


def feed_health_id_of(feed_url: str, run_id: str) -> str:
    """Return the id of the health of a feed in a run."""
    return stable_id(feed_url, run_id)


def link_key(canonical_link: str) -> str:
    """Return the key under which state remembers an entry by its canonical link."""
    return stable_id("link", canonical_link)


def alias_key(feed_url: str, entry_id: str) -> str:
    """Return the key under which state remembers an entry by its own id within its feed."""
    return stable_id("id", feed_url, entry_id)


def text_key(feed_url: str, title: str, text_hash: str) -> str:
    """Return the key under which state remembers an entry without an id by its article's text."""
    return stable_id("text", feed_url, title, text_hash)
