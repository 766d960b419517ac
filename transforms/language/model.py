"""The language model: loading it, shielding it from hostile text, running it over many texts.

The model is spaCy's small English pipeline without the components that nothing here reads:
the attribute ruler and the lemmatizer cost time, and parse, tags and names
are the same without them. So ``Token.tag_`` (Penn Treebank), ``dep_`` and ``ent_type_`` are
set; ``pos_`` and ``lemma_`` are not.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import NumpyOps, get_current_ops, set_current_ops
from threadpoolctl import ThreadpoolController

from transforms.language.model_check import DEFAULT_MODEL, ModelError, missing_model_message

PARAGRAPHS = "newsbeam_paragraphs"
EXCLUDED = ("senter", "attribute_ruler", "lemmatizer")

MAX_CHARACTERS = 200_000
"""A text is analysed up to here (about 35,000 words); what follows is kept but not analysed."""

BATCH_CHARACTERS = 50_000
"""Texts are run together up to here: memory grows with what runs at once."""

# More threads than one wait for each other at these sizes: they double the CPU time for nothing.
_BLAS = ThreadpoolController()

# The tokenizer peels affixes off a chunk (what stands between two spaces) one at a time and
# searches the rest anew each time: quadratic in the chunk. Both limits are far beyond words,
# and a cut URL does no harm.
_UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PUNCTUATION_RUN = re.compile(r"(?<=[^\w\s]{6})(?:[^\w\s]|_)+")
_LONG_CHUNK = re.compile(r"(\S{95})\S")


@Language.component(PARAGRAPHS)
def _mark_paragraphs(doc: Doc) -> Doc:
    """Start a sentence after every newline, so that none crosses a paragraph."""
    after_break = False
    for token in doc:
        if after_break:
            token.is_sent_start = True
        after_break = token.is_space and "\n" in token.text
    return doc


@contextlib.contextmanager
def _numpy_products() -> Iterator[None]:
    """Let layers made within multiply by numpy's BLAS.

    It is faster than the one spaCy brings on processors with wide vectors, and gives the same
    analyses.
    """
    before = get_current_ops()
    set_current_ops(NumpyOps(use_blis=False))
    try:
        yield
    finally:
        set_current_ops(before)


def load_model(name: str = DEFAULT_MODEL) -> Language:
    """The pipeline of the model package ``name``: tags, parse, entities, paragraph-safe sentences.

    Raises ModelError if the package is not installed or does not fit the installed spaCy.
    """
    try:
        with _numpy_products():
            nlp = spacy.load(name, exclude=list(EXCLUDED))
    except OSError as error:
        raise ModelError(missing_model_message(name)) from error
    nlp.add_pipe(PARAGRAPHS, before="parser")
    return nlp


def shield(text: str) -> str:
    """``text`` with what would harm the tokenizer replaced by spaces; the length is the same.

    Replaced are control characters but the newline, lone surrogates, all but the first few
    characters of a run of punctuation, and one character in 96 of a chunk without spaces.
    """
    text = _UNSAFE.sub(" ", text)
    text = _PUNCTUATION_RUN.sub(lambda match: " " * len(match[0]), text)
    return _LONG_CHUNK.sub(r"\1 ", text)


def analyse_texts(
    nlp: Language,
    texts: Iterable[str],
    *,
    max_characters: int = MAX_CHARACTERS,
    batch_characters: int = BATCH_CHARACTERS,
) -> Iterator[Doc]:
    """Yield the Doc of each text, in order; offsets are those of the text.

    Args:
        nlp: The pipeline, from :func:`load_model`.
        texts: The texts.
        max_characters: Only the first so many characters of a text are analysed.
        batch_characters: The number of characters to analyse at once, which bounds memory. Longer
            texts are split.
    """
    shielded = (shield(text[:max_characters]) for text in texts)
    for batch in _batches(shielded, batch_characters):
        pieces = [split_text(text, batch_characters) for text in batch]
        with _BLAS.limit(limits=1, user_api="blas"):
            flat = (piece for parts in pieces for piece in parts)
            docs = nlp.pipe(flat, batch_size=len(batch))
            together = [list(islice(docs, len(parts))) for parts in pieces]
        for parts in together:
            yield Doc.from_docs(parts, ensure_whitespace=False) if len(parts) > 1 else parts[0]


def split_text(text: str, max_characters: int) -> list[str]:
    """Split a text into pieces of limited length, after newlines, else spaces, else anywhere."""
    pieces = []
    start = 0
    while len(text) - start > max_characters:
        limit = start + max_characters
        ends = (text.rfind(space, start, limit) + 1 for space in "\n ")
        pieces.append(text[start : next(filter(None, ends), limit)])
        start += len(pieces[-1])
    return [*pieces, text[start:]]


def _batches(texts: Iterable[str], max_characters: int) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and size + len(text) > max_characters:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
