"""Vectors of tokens equal those of spaCy, but for the rounding of sums in another order."""

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

from transforms.language.decoders.scorer import UnsupportedModel
from transforms.language.decoders.token_vectors import TokenVectors
from transforms.language.model_check import DEFAULT_MODEL

TEXTS = ["Ann Lee spoke on Monday.\nShe left.", "", "A", "The  pier isn't open." * 60]


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy.load(DEFAULT_MODEL)


@pytest.mark.parametrize("max_forms", [1000, 12, 2])
def test_vectors_for_any_size_of_the_cache(nlp: Language, max_forms: int) -> None:
    component: Any = nlp.get_pipe("tok2vec")
    vectors = TokenVectors(component.model, max_forms=max_forms)
    for texts in (TEXTS[:3], TEXTS, TEXTS[2:3], TEXTS):
        docs = [nlp.make_doc(text) for text in texts]
        expected = np.concatenate(component.model.predict(docs))
        np.testing.assert_allclose(vectors(docs), expected, rtol=0, atol=2e-5)


def test_other_architectures_are_refused() -> None:
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy.HashEmbedCNN.v2", "window_size": 2}
    sizes = {"width": 16, "depth": 1, "embed_size": 50, "maxout_pieces": 3}
    defaults = {"subword_features": True, "pretrained_vectors": None}
    component: Any = nlp.add_pipe("tok2vec", config={"model": {**model, **sizes, **defaults}})
    nlp.initialize()
    with pytest.raises(UnsupportedModel, match="the window is not 1"):
        TokenVectors(component.model)
