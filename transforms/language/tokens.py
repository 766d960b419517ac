"""The tokens of a parsed text as plain Python objects, and an index of them.

The attributes of a `Token` have the same names as in spaCy. spaCy creates a new object on every
access to a token. Plain objects are several times faster to read, and attribution reads each token
many times.
"""

from collections.abc import Sequence
from typing import Final

_PROPER_NOUN_TAGS: Final = ("NNP", "NNPS")


class Token:
    """A token with its position in the dependency tree.

    Attributes:
        i: the index of the token in the document.
        idx: the start of the token in the text, in code points.
        end: the end of the token, exclusive, in code points.
        text: the token as printed.
        lower_: ``text`` in lower case.
        tag_: the part-of-speech tag of the Penn Treebank.
        dep_: the label of the dependency on the head.
        ent_type_: the label of the named entity that the token is part of, or "".
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

    A token number counts these tokens from 0, so it differs from `Token.i`. Offsets are code
    points.

    Attributes:
        number_by_start: the number of the token that starts at an offset.
        number_by_end: the number of the token that ends at an offset, exclusive.
        tags: the part-of-speech tags by token number.
        abbreviation_dots: the offsets of dots that are part of an abbreviation.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.number_by_start: dict[int, int] = {}
        self.number_by_end: dict[int, int] = {}
        self.tags: list[str] = []
        self.abbreviation_dots: set[int] = set()
        for token in tokens:
            if not token.is_space:
                number = len(self.tags)
                self.number_by_start[token.idx] = self.number_by_end[token.end] = number
                self.tags.append(token.tag_)
                if token.text[-1] == "." and len(token.text) > 1:
                    self.abbreviation_dots.add(token.end - 1)

    def may_start_name(self, start: int) -> bool:
        """Return whether the tag of the token at an offset allows a name; True without a token."""
        number = self.number_by_start.get(start)
        return number is None or self.tags[number] in (*_PROPER_NOUN_TAGS, "FW", "CD", "")

    def may_be_proper_noun(self, number: int) -> bool:
        """Return whether a capitalised token may be a proper noun.

        It is one by its tag, or it is a noun, or it does not begin a sentence or quotation, where
        every word has a capital.
        """
        if self.is_proper_noun(number):
            return True
        begins_sentence = number == 0 or self.tags[number - 1] in (".", ":", "``", "''", '""')
        return self.tags[number][:2] == "NN" or not begins_sentence

    def is_noun_or_adjective(self, number: int) -> bool:
        """Return whether a token is a noun or adjective; False beyond the text."""
        return 0 <= number < len(self.tags) and self.tags[number][:2] in ("NN", "JJ")

    def is_proper_noun(self, number: int) -> bool:
        """Return whether a token is tagged as a proper noun; False beyond the text."""
        return 0 <= number < len(self.tags) and self.tags[number] in _PROPER_NOUN_TAGS
