"""The tokens of a parsed text, taken out of spaCy once: its own are made anew at every look.

A `Word` has the names of spaCy's `Token` for what it offers. Reading these is several times
faster, and the quotes of a text are found by looking at each token many times.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import Final

from spacy.tokens import Doc

_STRINGS: Final = ("ORTH", "TAG", "DEP", "ENT_TYPE")
_NUMBERS: Final = ("IDX", "IS_PUNCT", "IS_SPACE", "SENT_START", "HEAD")
_CODES: Final = 2**64
"""Codes of strings are unsigned numbers of 64 bits, heads are signed ones."""


class Word:
    """A token with its place in the parse."""

    __slots__ = (
        "_words", "dep_", "end", "ent_type_", "head", "i", "idx", "is_punct", "is_sent_start",
        "is_space", "lower_", "tag_", "text",
    )  # fmt: skip

    _words: "Words"
    i: int
    idx: int
    """Where it starts in the text, in code points."""
    end: int
    text: str
    lower_: str
    tag_: str
    dep_: str
    ent_type_: str
    is_punct: bool
    is_space: bool
    is_sent_start: bool
    head: "Word"
    """Itself at the root."""

    @property
    def left_edge(self) -> "Word":
        """The first word of those that hang on this one, directly or not."""
        return self._words[self._words.doc[self.i].left_edge.i]

    @property
    def right_edge(self) -> "Word":
        """The last one."""
        return self._words[self._words.doc[self.i].right_edge.i]


class Words(list[Word]):
    """The words of a parsed text, in order.

    Words know each other, so the memory of a text would be held until Python looks for cycles;
    used as a context manager, they are taken apart at its end.
    """

    def __init__(self, doc: Doc) -> None:
        super().__init__(map(Word.__new__, repeat(Word, len(doc))))
        self.doc = doc
        codes = doc.to_array([*_STRINGS, *_NUMBERS]).astype("int64").T.tolist()
        strings = [_names(doc, column) for column in codes[: len(_STRINGS)]]
        rows = zip(self, *strings, *codes[len(_STRINGS) :], strict=True)
        for i, (word, text, tag, dep, label, start, punct, space, first, head) in enumerate(rows):
            word._words = self
            word.i = i
            word.idx = start
            word.end = start + len(text)
            word.text = text
            word.lower_ = text.lower()
            word.tag_ = tag
            word.dep_ = dep
            word.ent_type_ = label
            word.is_punct = punct == 1
            word.is_space = space == 1
            word.is_sent_start = first == 1
            word.head = self[i + head]

    def __enter__(self) -> "Words":
        return self

    def __exit__(self, *_: object) -> None:
        for word in self:
            del word.head, word._words
        self.clear()


def _names(doc: Doc, codes: list[int]) -> Iterator[str]:
    """What the codes of a column stand for."""
    names = {code: doc.vocab.strings[code % _CODES] for code in set(codes)}
    return map(names.__getitem__, codes)
