"""The tokens of a parsed text as plain Python objects.

The attributes of a `Token` have the names of spaCy's. spaCy creates a new object on every access to
a token, so these are several times faster to read, and attribution reads each token many times.
"""

from collections.abc import Sequence
from typing import Final

_PROPER: Final = ("NNP", "NNPS")


class Token:
    """A token with its position in the dependency tree.

    Attributes:
        i: the index of the token in the text.
        idx: the start of the token in the text, in code points.
        end: the end of the token, exclusive, in code points.
        head: the head in the dependency tree; the token itself at the root.
        left_edge: the first token of its subtree.
        right_edge: the last token of its subtree.
    """

    __slots__ = (
        "dep_", "end", "ent_type_", "head", "i", "idx", "is_punct", "is_sent_start", "is_space",
        "left_edge", "lower_", "right_edge", "tag_", "text",
    )  # fmt: skip

    i: int
    idx: int
    end: int
    text: str
    lower_: str
    tag_: str
    dep_: str
    ent_type_: str
    is_punct: bool
    is_space: bool
    is_sent_start: bool
    head: "Token"
    left_edge: "Token"
    right_edge: "Token"


class TokenIndex:
    """An index of the tokens other than white space, by start and end.

    Numbers count these tokens from 0.

    Attributes:
        first: the number of the token that starts at an offset.
        last: the number of the token that ends at an offset.
        tags: the part-of-speech tags by number.
        dots: the offsets of dots that are part of an abbreviation.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.tags: list[str] = []
        self.dots: set[int] = set()
        for token in tokens:
            if not token.is_space:
                self.first[token.idx] = self.last[token.end] = len(self.tags)
                self.tags.append(token.tag_)
                if token.text[-1] == "." and len(token.text) > 1:
                    self.dots.add(token.end - 1)

    def tag_at(self, start: int) -> str:
        """Return the tag of the token that starts at an offset, or "" if there is none."""
        return self.tags[self.first[start]] if start in self.first else ""

    def is_named(self, start: int) -> bool:
        """Return whether the tag of the token at an offset allows that it is a name."""
        return self.tag_at(start) in (*_PROPER, "FW", "CD", "")

    def may_be_proper(self, number: int) -> bool:
        """Return whether a capitalised token looks like a name, by its tag or its position."""
        if self.is_proper(number):
            return True
        begins = number == 0 or self.tags[number - 1] in (".", ":", "``", "''", '""')
        return self.tags[number][:2] == "NN" or not begins

    def is_noun_or_adjective(self, number: int) -> bool:
        """Return whether a token is a noun or adjective; False beyond the text."""
        return 0 <= number < len(self.tags) and self.tags[number][:2] in ("NN", "JJ")

    def is_proper(self, number: int) -> bool:
        """Return whether a token is tagged as a proper noun; False beyond the text."""
        return 0 <= number < len(self.tags) and self.tags[number] in _PROPER
