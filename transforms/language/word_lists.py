"""The parser of word lists that are written as plain text in the code."""


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, which white space separates.

    >>> sorted(word_set("said says say"))
    ['said', 'say', 'says']
    """
    return frozenset(text.split())
