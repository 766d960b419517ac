"""The fast components give the same annotations as the components of spaCy that they replace."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed
from threadpoolctl import threadpool_limits

from sample.texts import read_texts
from transforms.language.decoders import parses
from transforms.language.decoders.components import MAX_PARAGRAPH, replace_components
from transforms.language.model import PARAGRAPHS, load_model

ANNOTATIONS: Final = ["TAG", "HEAD", "DEP", "SENT_START", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID"]
WORDS: Final = ("Mayor", "Lee", "of", "Ohio", "said", ",", "it", "rose", "\n", "\n\n", " ", ".")


def read_annotations(doc: Doc) -> list[list[int]]:
    annotations: list[list[int]] = doc.to_array([*ANNOTATIONS]).tolist()
    return annotations


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Multiply small matrices in one thread: more threads only wait for each other."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="module")
def spacys_own() -> Language:
    return load_model(use_decoders=False)


@pytest.fixture(scope="module")
def fast() -> Language:
    return load_model()


def test_sample_articles_are_annotated_as_by_spacy(fast: Language, spacys_own: Language) -> None:
    assert fast.pipe_names == ["fast_tok2vec", "tagger", PARAGRAPHS, "fast_parser", "fast_ner"]
    texts = read_texts()
    assert len(texts) > 40
    pairs = [*zip(fast.pipe(texts), spacys_own.pipe(texts), strict=True)]
    for doc, expected in pairs:
        assert read_annotations(doc) == read_annotations(expected)
        assert doc.to_json() == expected.to_json()
    assert sum(len(doc.ents) for doc, _ in pairs) > 500


def test_edge_cases_are_annotated_as_by_spacy(fast: Language, spacys_own: Language) -> None:
    texts = [
        "",
        "\n",
        "Yes",
        " ",
        "\n\nParis\n\n\nAnn Lee",
        "He said",
        "Ann Lee of Paris " * MAX_PARAGRAPH,  # left to spaCy
        "",
        "-\n-\n-\nA. B. C.\n\n",
    ]
    for doc, expected in zip(fast.pipe(texts), spacys_own.pipe(texts), strict=True):
        assert doc.to_json() == expected.to_json()
    assert fast("Ann Lee spoke.").to_json() == spacys_own("Ann Lee spoke.").to_json()


def test_preset_annotations_are_respected_as_by_spacy(fast: Language, spacys_own: Language) -> None:
    def preset(nlp: Language) -> Doc:
        doc = nlp.make_doc("Ann Lee went to Paris on Monday and she was glad.")
        doc.set_ents([Span(doc, 1, 4, label="ORG")], default="missing")
        doc[5].is_sent_start = False
        doc[6].is_sent_start = True
        return nlp(doc)

    assert preset(fast).to_json() == preset(spacys_own).to_json()


def make_random_model(seed: int) -> Callable[[], Language]:
    """Return a function that returns a new pipeline with the same random weights."""
    labels = ("nsubj", "dobj||prep", "punct")
    entities = (["B-ORG", "I-ORG", "L-ORG"], ["U-GPE", "O", "U-ORG"], ["B-GPE", "I-GPE", "L-GPE"])
    examples = [
        {"heads": [1, 1, 1], "deps": [label, "ROOT", label], "entities": tags}
        for label, tags in zip(labels, entities, strict=True)
    ]

    def make() -> Language:
        fix_random_seed(seed)
        nlp = spacy.blank("en")
        nlp.add_pipe(PARAGRAPHS)
        nlp.add_pipe("parser", config={"min_action_freq": 1})
        nlp.add_pipe("ner")
        nlp.initialize(
            lambda: [
                Example.from_dict(Doc(nlp.vocab, words=["a", "b", "c"]), example)
                for example in examples
            ]
        )
        rng = np.random.default_rng(seed)
        for name in ("parser", "ner"):
            component: Any = nlp.get_pipe(name)
            for node in component.model.walk():
                for parameter in node.param_names:
                    if node.has_param(parameter):
                        shape = node.get_param(parameter).shape
                        node.set_param(parameter, rng.normal(size=shape).astype(np.float32))
        return nlp

    return make


@pytest.fixture(scope="module", params=range(4))
def random_models(request: pytest.FixtureRequest) -> tuple[Language, Language]:
    make = make_random_model(request.param)
    own, fast = make(), make()
    replace_components(fast)
    assert fast.pipe_names == [PARAGRAPHS, "fast_parser", "fast_ner"]
    return own, fast


@settings(derandomize=True, deadline=None, max_examples=30)
@given(texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=60), max_size=6))
def test_random_models_annotate_random_texts_as_in_spacy(
    random_models: tuple[Language, Language], texts: list[list[str]]
) -> None:
    assert_equal_annotations(random_models, texts)


def assert_equal_annotations(models: tuple[Language, Language], texts: list[list[str]]) -> None:
    results: list[list[list[list[int]]]] = []
    for nlp in models:
        docs: Iterator[Doc] = (Doc(nlp.vocab, words=words) for words in texts)
        results.append([read_annotations(doc) for doc in nlp.pipe(docs)])
    assert results[0] == results[1]


@pytest.mark.parametrize("rounds", [1, 2])
def test_texts_that_take_many_rounds_are_decoded_as_one_row(
    random_models: tuple[Language, Language], monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    """Random models break sentences so often that paragraphs are decoded again and again."""
    monkeypatch.setattr(parses, "_MAX_ROUNDS", rounds)
    rng = np.random.default_rng(5)
    assert_equal_annotations(random_models, [rng.choice(WORDS, 90).tolist() for _ in range(8)])


@pytest.mark.parametrize(
    ("component", "config", "reason"),
    [
        ("parser", {"learn_tokens": True}, "the transitions are not those of the arc-eager system"),
        ("ner", {"model": {"use_upper": False}}, "the model has no upper layer"),
        ("ner", {"model": {"extra_state_tokens": True}}, "a state has 6 tokens"),
        ("ner", {"model": {"maxout_pieces": 3}}, "the lower layer has no two pieces"),
    ],
)
def test_other_architectures_are_left_to_spacy(
    component: str, config: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe(component, config=config)
    nlp.initialize(
        lambda: [
            Example.from_dict(
                nlp.make_doc("a b"),
                {"heads": [1, 1], "deps": ["det", "ROOT"], "entities": ["U-ORG", "O"]},
            )
        ]
    )
    with caplog.at_level(logging.INFO, "newsbeam.model"):
        replace_components(nlp)
    assert nlp.pipe_names == [component]
    assert caplog.messages == [f"spaCy's own component {component} runs, which is slower: {reason}"]


def test_beam_search_is_left_to_spacy(caplog: pytest.LogCaptureFixture) -> None:
    nlp = make_random_model(0)()
    component: Any = nlp.get_pipe("ner")
    component.cfg["beam_width"] = 4
    with caplog.at_level(logging.INFO, "newsbeam.model"):
        replace_components(nlp)
    assert nlp.pipe_names == [PARAGRAPHS, "fast_parser", "ner"]
    assert caplog.messages[0].endswith(
        "component ner runs, which is slower: it searches with a beam"
    )
