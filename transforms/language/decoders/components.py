"""Components of a spaCy pipeline that use the faster decoders in place of spaCy's own.

`replace_components` puts them into a pipeline. They set the same annotations as the components that
they replace, and leave to them what the decoders are not made for.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, cast

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ints2d

from transforms.language.decoders.entities import FEATURES as ENTITY_FEATURES
from transforms.language.decoders.entities import EntityDecoder
from transforms.language.decoders.parses import FEATURES as PARSE_FEATURES
from transforms.language.decoders.parses import ParseDecoder
from transforms.language.decoders.scorer import Floats, StateScorer, UnsupportedModel, require_model
from transforms.language.decoders.token_vectors import TokenVectors

_LOG = logging.getLogger("newsbeam.model")

MAX_PARAGRAPH: Final = 400
"""The most tokens of a paragraph that is decoded here. Paragraphs are decoded side by side, so one
that is much longer than the others would take more time than spaCy does."""

_FACTORY: Final = "newsbeam_fast_component"
_LISTENER: Final = "tok2vec-listener"
_BEGIN, _INSIDE, _OUTSIDE = 3, 1, 2
_NON_PROJECTIVE: Final = "||"


def replace_components(nlp: Language) -> None:
    """Replace components of a pipeline by faster ones with the same results.

    A component of another architecture stays, and a log line says why.
    """
    for name in [*nlp.pipe_names]:
        if nlp.get_pipe_meta(name).factory in _COMPONENTS:
            try:
                nlp.add_pipe(_FACTORY, f"fast_{name}", after=name, config={"replaced": name})
            except UnsupportedModel as error:
                _LOG.warning("spaCy's own component %s runs, which is slower: %s", name, error)
            else:
                nlp.remove_pipe(name)


class _FastComponent(ABC):
    """A component that annotates batches of documents."""

    def __init__(self, replaced: Any) -> None:
        self._replaced = replaced

    def __call__(self, doc: Doc) -> Doc:
        (annotated,) = self.pipe([doc])
        return annotated

    def pipe(self, docs: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Yield the documents in order, annotated."""
        remaining = iter(docs)
        while batch := list(islice(remaining, batch_size)):
            supported: list[Doc] = []
            others: list[Doc] = []
            for doc in batch:
                if len(doc):
                    (supported if self._supports(doc) else others).append(doc)
            if supported:
                self._annotate(supported)
            if others:
                list(self._replaced.pipe(others, batch_size=len(others)))
            yield from batch

    def _supports(self, _doc: Doc) -> bool:
        """Return whether a document can be annotated here; spaCy annotates the others."""
        return True

    @abstractmethod
    def _annotate(self, docs: Sequence[Doc]) -> None:
        """Annotate documents that have tokens."""


class FastTok2Vec(_FastComponent):
    """Sets the tensors of documents, from which other components read the vectors of tokens."""

    def __init__(self, replaced: Any) -> None:
        super().__init__(replaced)
        self._vectors = TokenVectors(replaced.model)

    def _annotate(self, docs: Sequence[Doc]) -> None:
        ends = np.cumsum([len(doc) for doc in docs])
        tensors: list[Any] = np.split(self._vectors(docs), ends[:-1])
        for doc, tensor in zip(docs, tensors, strict=True):
            doc.tensor = tensor


class FastParser(_FastComponent):
    """Sets heads, dependency labels and sentence starts."""

    def __init__(self, replaced: Any) -> None:
        super().__init__(replaced)
        _require_greedy(replaced)
        self._scorer = StateScorer(replaced.model, PARSE_FEATURES)
        self._vectors = _make_vectors(replaced.model)
        self._decoder = ParseDecoder(self._scorer, _list_moves(replaced))
        labels = [replaced.vocab.strings.add(label) for label in self._decoder.labels]
        self._label_codes = np.array([*labels, replaced.moves.root_label], np.uint64)
        self._is_non_projective = np.array(
            [_NON_PROJECTIVE in label for label in [*self._decoder.labels, ""]]
        )

    def _supports(self, doc: Doc) -> bool:
        sentence_starts, labels = doc.to_array(["SENT_START", "DEP"]).astype(np.int64).T
        paragraphs = np.flatnonzero(sentence_starts == 1)
        lengths = np.diff(paragraphs, prepend=0, append=len(doc))
        return bool(
            lengths.max() <= MAX_PARAGRAPH and sentence_starts.min() >= 0 and not labels.any()
        )

    def _annotate(self, docs: Sequence[Doc]) -> None:
        lengths = np.array([len(doc) for doc in docs])
        text_starts = lengths.cumsum() - lengths
        starts = np.concatenate([doc.to_array("SENT_START") == 1 for doc in docs])
        starts[text_starts] = True
        self._scorer.read(self._vectors(docs))
        trees = self._decoder.decode(np.flatnonzero(starts), text_starts, len(starts))
        offsets = (trees.heads - np.arange(len(starts))).astype(np.uint64)
        rows = np.stack([offsets, self._label_codes[trees.labels]], axis=1)
        non_projective = self._is_non_projective[trees.labels]
        for doc, start in zip(docs, text_starts.tolist(), strict=True):
            own = slice(start, start + len(doc))
            doc.from_array(["HEAD", "DEP"], cast(Ints2d, rows[own]))
            if non_projective[own].any():
                for postprocess in self._replaced.postprocesses:
                    postprocess(doc)


class FastEntityRecognizer(_FastComponent):
    """Sets entities."""

    def __init__(self, replaced: Any) -> None:
        super().__init__(replaced)
        _require_greedy(replaced)
        self._scorer = StateScorer(replaced.model, ENTITY_FEATURES)
        self._vectors = _make_vectors(replaced.model)
        self._decoder = EntityDecoder(self._scorer, _list_moves(replaced))
        labels = [replaced.vocab.strings.add(label) for label in self._decoder.labels]
        self._label_codes = np.array(labels, np.uint64)

    def _supports(self, doc: Doc) -> bool:
        return not doc.to_array("ENT_IOB").any()

    def _annotate(self, docs: Sequence[Doc]) -> None:
        lengths = np.array([len(doc) for doc in docs])
        text_starts = lengths.cumsum() - lengths
        flags = np.concatenate([doc.to_array(["SENT_START", "IS_SPACE"]) for doc in docs]) == 1
        first_of_sentence, is_space = flags.T
        first_of_sentence[text_starts] = True
        self._scorer.read(self._vectors(docs))
        spans = self._decoder.decode(first_of_sentence, is_space)
        rows = np.zeros((len(flags), 2), np.uint64)
        rows[:, 0] = _OUTSIDE
        for first, end, label in zip(*(array.tolist() for array in spans), strict=True):
            rows[first:end] = _INSIDE, self._label_codes[label]
            rows[first, 0] = _BEGIN
        for doc, start in zip(docs, text_starts.tolist(), strict=True):
            own = cast(Ints2d, rows[start : start + len(doc)])
            doc.from_array(["ENT_IOB", "ENT_TYPE"], own)


def _require_greedy(component: Any) -> None:
    """Check that a component takes the best transition at each step.

    Raises:
        UnsupportedModel: it searches with a beam.
    """
    require_model(component.cfg["beam_width"] == 1, "it searches with a beam")


def _list_moves(component: Any) -> list[str]:
    """Return the names of the transitions of a parser or entity recogniser, in their order."""
    return [component.moves.get_class_name(number) for number in range(component.moves.n_moves)]


def _make_vectors(model: Model[Any, Any]) -> Callable[[Sequence[Doc]], Floats]:
    """Return the function from documents to the vectors of their tokens, tokens x width.

    Raises:
        UnsupportedModel: the model does not end with a linear layer over the vectors.
    """
    layers = model.get_ref("tok2vec").layers
    names = [layer.name for layer in layers]
    require_model(names[1:] == ["list2array", "linear"], f"the vectors come from {names}")
    project: Callable[[Floats], Floats] = layers[2].predict
    if names[0] == _LISTENER:
        return lambda docs: project(np.concatenate([doc.tensor for doc in docs]))
    vectors = TokenVectors(layers[0])
    return lambda docs: project(vectors(docs))


_COMPONENTS: Final[Mapping[str, Callable[[Any], _FastComponent]]] = {
    "tok2vec": FastTok2Vec,
    "parser": FastParser,
    "ner": FastEntityRecognizer,
}
"""The component that replaces those of a factory of spaCy."""


@Language.factory(_FACTORY)
def _create_component(nlp: Language, name: str, replaced: str) -> _FastComponent:
    """Return the component that replaces another one of a pipeline."""
    del name  # spaCy passes it to every factory
    return _COMPONENTS[nlp.get_pipe_meta(replaced).factory](nlp.get_pipe(replaced))
