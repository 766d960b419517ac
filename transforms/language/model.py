"""The language model: load it, shield it from hostile text, and run it over batches of texts.

The model is spaCy's small English pipeline without the attribute ruler and the lemmatizer. These
cost time and do not change the parse, the tags or the names. So ``Token.tag_`` (Penn Treebank),
``dep_`` and ``ent_type_`` are set; ``pos_`` and ``lemma_`` are not.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import cast

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import NumpyOps, get_current_ops, set_current_ops
from thinc.types import Ints2d
from threadpoolctl import ThreadpoolController

from transforms.language.decoders.components import replace_components
from transforms.language.model_check import DEFAULT_MODEL, ModelError, missing_model_message

PARAGRAPHS = "newsbeam_paragraphs"
"""The name of the component that ends sentences at paragraphs."""
EXCLUDED_COMPONENTS = ("senter", "attribute_ruler", "lemmatizer")

MAX_CHARACTERS = 200_000
"""The code points of a text that are analysed, about 35,000 words. The rest stays unanalysed."""

BATCH_CHARACTERS = 50_000
"""The code points that are analysed at once, some 8 articles. Memory grows with this number."""

# At these sizes several BLAS threads only wait for each other: twice the CPU time, no gain.
_BLAS = ThreadpoolController()

# The tokenizer removes the affixes of a chunk (the characters between two spaces) one by one and
# searches the rest again each time. Its time is quadratic in the length of the chunk, so chunks and
# runs of punctuation are limited. No word reaches the limits, and a cut URL does no harm.
_UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PUNCTUATION_RUN = re.compile(r"(?<=[^\w\s]{6})(?:[^\w\s]|_)+")
_LONG_CHUNK = re.compile(r"(\S{95})\S")


@Language.component(PARAGRAPHS)
def _mark_paragraphs(doc: Doc) -> Doc:
    """Start a sentence after every newline, so that no sentence crosses a paragraph."""
    spaces = doc.to_array("IS_SPACE")[:-1].nonzero()[0].tolist()
    starts = [i + 1 for i in spaces if "\n" in doc[i].text]
    if starts:  # all at once, since spaCy looks at the whole text for each one that is set
        values = doc.to_array("SENT_START")
        values[starts] = 1
        doc.from_array("SENT_START", cast(Ints2d, values))
    return doc


@contextlib.contextmanager
def _use_numpy_blas() -> Iterator[None]:
    """Let layers that are created in this context multiply matrices with numpy's BLAS.

    On processors with wide vectors it is faster than the BLAS of spaCy. The analyses are the same.
    """
    previous = get_current_ops()
    set_current_ops(NumpyOps(use_blis=False))
    try:
        yield
    finally:
        set_current_ops(previous)


def load_model(name: str = DEFAULT_MODEL, *, use_decoders: bool = True) -> Language:
    """Return the spaCy pipeline of a model: tags, parse, names, sentences that end at paragraphs.

    Args:
        name: an installed model package or the folder of a model.
        use_decoders: whether to replace components of spaCy by faster ones with the same results.

    Raises:
        ModelError: the model is not installed or does not fit the installed spaCy.
    """
    try:
        with _use_numpy_blas():
            nlp = spacy.load(name, exclude=list(EXCLUDED_COMPONENTS))
    except OSError as error:
        raise ModelError(missing_model_message(name)) from error
    nlp.add_pipe(PARAGRAPHS, before="parser")
    if use_decoders:
        replace_components(nlp)
    return nlp


def shield(text: str) -> str:
    """Return a text with characters that harm the tokenizer replaced by spaces.

    These are control characters other than the newline, lone surrogates, the characters of a run of
    punctuation after the sixth, and every 96th character of a chunk without spaces. The length
    stays the same, so offsets in the result are offsets in ``text``.
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
    """Yield the `Doc` of each text, in order. Its offsets are those of the text, in code points.

    Args:
        nlp: the pipeline that `load_model` returned.
        texts: the texts.
        max_characters: the number of code points of a text to analyse; the rest is left out.
        batch_characters: the number of code points to analyse at once, which bounds memory. Longer
            texts are split.
    """
    shielded = (shield(text[:max_characters]) for text in texts)
    for batch in _batch_texts(shielded, batch_characters):
        pieces = [split_text(text, batch_characters) for text in batch]
        with _BLAS.limit(limits=1, user_api="blas"):
            flat = (piece for of_text in pieces for piece in of_text)
            docs = nlp.pipe(flat, batch_size=len(batch))
            docs_by_text = [list(islice(docs, len(of_text))) for of_text in pieces]
        for parts in docs_by_text:
            yield Doc.from_docs(parts, ensure_whitespace=False) if len(parts) > 1 else parts[0]


def split_text(text: str, max_characters: int) -> list[str]:
    """Split a text into pieces of limited length: after a newline, else a space, else anywhere."""
    pieces = []
    start = 0
    while len(text) - start > max_characters:
        limit = start + max_characters
        ends = (text.rfind(space, start, limit) + 1 for space in "\n ")
        pieces.append(text[start : next(filter(None, ends), limit)])
        start += len(pieces[-1])
    return [*pieces, text[start:]]


def _batch_texts(texts: Iterable[str], max_characters: int) -> Iterator[list[str]]:
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
