"""The tokens of a parsed text as plain Python objects.

A `Token` has the names of spaCy's `Token` for what it offers. spaCy makes a new object at every
look at a token, so reading these is several times faster, and the quotes of a text are found by
looking at each token many times.
"""

from collections.abc import Sequence
from typing import Final

_PROPER: Final = ("NNP", "NNPS")


class Token:
    """A token with its place in the parse."""

    __slots__ = (
        "dep_", "end", "ent_type_", "head", "i", "idx", "is_punct", "is_sent_start", "is_space",
        "left_edge", "lower_", "right_edge", "tag_", "text",
    )  # fmt: skip

    i: int
    idx: int
    """Where it starts in the text, in code points."""
    end: int
    """Where it ends in the text, in code points."""
    text: str
    lower_: str
    tag_: str
    dep_: str
    ent_type_: str
    is_punct: bool
    is_space: bool
    is_sent_start: bool
    head: "Token"
    """The token itself at the root."""
    left_edge: "Token"
    """The first token of the subtree of this one."""
    right_edge: "Token"
    """The last token of the subtree of this one."""


class TokenIndex:
    """The tokens that are no space, by where they start and end, with their tags.

    Tokens have their number among those that are no space.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.first: dict[int, int] = {}
        """Number of the token that starts at an offset."""
        self.last: dict[int, int] = {}
        """Number of the token that ends at an offset."""
        self.tags: list[str] = []
        self.dots: set[int] = set()
        """Offsets of the dots that are part of an abbreviation."""
        for token in tokens:
            if not token.is_space:
                self.first[token.idx] = self.last[token.end] = len(self.tags)
                self.tags.append(token.tag_)
                if token.text[-1] == "." and len(token.text) > 1:
                    self.dots.add(token.end - 1)

    def tag_at(self, start: int) -> str:
        """The tag of the token that starts at a place."""
        return self.tags[self.first[start]] if start in self.first else ""

    def is_named(self, start: int) -> bool:
        """Whether a token that starts at a place may be a name by its tag."""
        return self.tag_at(start) in (*_PROPER, "FW", "CD", "")

    def may_be_proper(self, number: int) -> bool:
        """Whether a token with a capital is a name to all appearance."""
        if self.is_proper(number):
            return True
        begins = number == 0 or self.tags[number - 1] in (".", ":", "``", "''", '""')
        return self.tags[number][:2] == "NN" or not begins

    def is_noun_or_adjective(self, number: int) -> bool:
        """Whether a token may be part of a name that goes on; one beyond the text is not."""
        return 0 <= number < len(self.tags) and self.tags[number][:2] in ("NN", "JJ")

    def is_proper(self, number: int) -> bool:
        """Whether a token is tagged as a name; one beyond the text is not."""
        return 0 <= number < len(self.tags) and self.tags[number] in _PROPER
