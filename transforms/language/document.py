"""The document: an analysed text, in which entities and quotes are found.

`read_document` is the only function that reads the `Doc` that spaCy returned.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.language.tokens import Token, TokenIndex

if TYPE_CHECKING:  # so that the modules that take a document do not load spaCy
    from spacy.tokens import Doc

_STRING_ATTRIBUTES: Final = ("ORTH", "TAG", "DEP", "ENT_TYPE")
_NUMBER_ATTRIBUTES: Final = ("IDX", "IS_PUNCT", "IS_SPACE", "SENT_START", "HEAD")


class NamedSpan(NamedTuple):
    """A name that the model recognised: the tokens from index ``first`` to ``end``, exclusive."""

    first: int
    end: int
    label: str


@dataclass(frozen=True)
class Document:
    """A text with its tokens, sentences and names.

    Tokens refer to each other, so their memory stays in use until Python collects cycles. As a
    context manager, a document breaks these references at the end. It cannot be read afterwards.

    Attributes:
        text: the text of the article, unchanged.
        title: the title of the article.
        tokens: the tokens in order. Text beyond `model.MAX_CHARACTERS` has none.
        sentence_starts: the starts of the sentences, in code points.
        named_spans: the names that the model recognised, in order.
        analysed_end: the end of the last token, in code points; 0 without tokens.
    """

    text: str
    title: str
    tokens: list[Token]
    sentence_starts: list[int]
    named_spans: list[NamedSpan]
    analysed_end: int

    @cached_property
    def index(self) -> TokenIndex:
        """The index of the tokens by start and end."""
        return TokenIndex(self.tokens)

    @cached_property
    def token_starts(self) -> list[int]:
        """The starts of the tokens, in code points."""
        return [token.idx for token in self.tokens]

    def tokens_between(self, start: int, end: int) -> list[Token]:
        """Return the tokens that overlap a span of the text, given in code points."""
        first = max(0, bisect_right(self.token_starts, start) - 1)
        tokens = self.tokens[first : bisect_left(self.token_starts, end)]
        return [token for token in tokens if token.end > start]

    def __enter__(self) -> "Document":
        return self

    def __exit__(self, *_: object) -> None:
        for token in self.tokens:
            del token.head, token.left_edge, token.right_edge
        self.tokens.clear()


def read_document(doc: "Doc", text: str, title: str = "") -> Document:
    """Return the document of a text that spaCy has analysed.

    Args:
        doc: ``text`` as analysed by `analyse_texts`.
        text: the text of the article; names and quotes are copied from it.
        title: the title of the article.
    """
    tokens = _read_tokens(doc)
    return Document(
        text=text,
        title=title,
        tokens=tokens,
        sentence_starts=[token.idx for token in tokens if token.is_sent_start],
        named_spans=[NamedSpan(span.start, span.end, span.label_) for span in doc.ents],
        analysed_end=tokens[-1].end if tokens else 0,
    )


def _read_tokens(doc: "Doc") -> list[Token]:
    tokens = [*map(Token.__new__, repeat(Token, len(doc)))]
    strings = [_decode(doc, codes) for codes in doc.to_array([*_STRING_ATTRIBUTES]).T.tolist()]
    # spaCy returns unsigned numbers, but the offsets of heads have a sign.
    *numbers, offsets = doc.to_array([*_NUMBER_ATTRIBUTES]).astype("int64").T.tolist()
    heads = [i + offset for i, offset in enumerate(offsets)]
    rows = zip(tokens, *strings, *numbers, heads, *_find_edges(heads), strict=True)
    for i, row in enumerate(rows):
        token, text, tag, dep, label, idx, punct, space, first, head, left, right = row
        token.i = i
        token.idx = idx
        token.end = idx + len(text)
        token.text = text
        token.lower_ = text.lower()
        token.tag_ = tag
        token.dep_ = dep
        token.ent_type_ = label
        token.is_punct = punct == 1
        token.is_space = space == 1
        token.is_sent_start = first == 1
        token.head = tokens[head]
        token.left_edge = tokens[left]
        token.right_edge = tokens[right]
    return tokens


def _find_edges(heads: list[int]) -> tuple[list[int], list[int]]:
    """Return the first and the last token of each token's subtree, by index.

    This is done by hand, in two passes as in spaCy, because `Doc.to_array` does not offer the edges
    that spaCy computes. Moreover, they are wrong in an unparsed text in which the tokenizer applied
    a special case.
    """
    lefts, rights = list(range(len(heads))), list(range(len(heads)))
    for order in (range(len(heads)), reversed(range(len(heads)))):
        for i in order:
            head = heads[i]
            if lefts[i] < lefts[head]:
                lefts[head] = lefts[i]
            if rights[i] > rights[head]:
                rights[head] = rights[i]
    return lefts, rights


def _decode(doc: "Doc", codes: list[int]) -> Iterator[str]:
    """Return the strings that a column of string codes stands for."""
    store = doc.vocab.strings
    strings = {code: store[code] for code in set(codes)}
    return map(strings.__getitem__, codes)
