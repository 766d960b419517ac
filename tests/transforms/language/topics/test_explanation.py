"""Explanations: their numbers add up to the scores of the tagger."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.taxonomies import format_topic, write_taxonomy
from transforms.language.topics import tagger as tagger_module
from transforms.language.topics import taxonomy_file
from transforms.language.topics.explanation import MAX_NEAR_MISSES, TopicExplanation, explain_topics
from transforms.language.topics.model import FeatureVocabulary, TopicModel
from transforms.language.topics.scoring import HALF_SCORE_EVIDENCE
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy_file import load_taxonomy

TOPICS = (
    format_topic("law", "l-1 1: court*, judge", threshold=0.4),
    format_topic("crime", "c-1 2: murder*, court case", threshold=0.3, more="parent: law"),
    format_topic("theft", "t-1 2: stolen; near: [car*]", threshold=0.3, more="parent: crime"),
    format_topic("sea", "s-1 2: ship", "s-2 3: SOS; case: true", threshold=0.9),
    format_topic("sky", "k-1 1: cloud", threshold=0.9),
    format_topic("ice", "i-1 1: frost", threshold=0.9),
    format_topic("sun", "u-1 0.5: glare", threshold=0.3),
)
FIELDS = {"title": 8, "lede": 2, "body": 1}
WORDS = ["court", "murder", "case", "ship", "SOS", "stolen", "car", "a", "b", ".", "\n"]


def make_tagger(folder: Path, *topics: str) -> TopicTagger:
    return TopicTagger(load_taxonomy(write_taxonomy(folder, *(topics or TOPICS))))


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> TopicTagger:
    return make_tagger(tmp_path_factory.mktemp("taxonomy"))


def check_sums(explanation: TopicExplanation, text: str, title: str) -> None:
    """Check every number of an explanation against the others."""
    ranks: dict[str, list[float]] = {}
    for match in explanation.matches:
        source = title if match.field == "title" else text
        assert source[match.start : match.end] == match.text
        assert match.field_weight == FIELDS[match.field]
        assert match.worth == match.weight * match.field_weight / match.rank
        ranks.setdefault(match.phrase, []).append(match.rank)
    for of_phrase in ranks.values():
        assert sorted(of_phrase) == list(range(1, len(of_phrase) + 1))
    assert explanation.evidence == pytest.approx(sum(match.worth for match in explanation.matches))
    assert explanation.rule_score == pytest.approx(
        explanation.evidence / (explanation.evidence + explanation.needed)
    )
    if explanation.model is None:
        assert explanation.score == round(explanation.rule_score, 4)


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=200), st.lists(st.sampled_from(WORDS), max_size=9))
def test_numbers_add_up(tagger: TopicTagger, words: list[str], title_words: list[str]) -> None:
    text, title = " ".join(words), " ".join(title_words)
    analysis = tagger.analyse(text, title)
    for number, topic in enumerate(tagger.taxonomy.topics):
        (explanation,) = explain_topics(tagger, text, title, topic_id=topic.id).topics
        check_sums(explanation, text, title)
        assert (explanation.score, explanation.given) == (
            analysis.scores[number],
            analysis.has_topic[number],
        )
        hits = len(analysis.text_matches.by_topic[number]) + len(
            analysis.title_matches.by_topic[number]
        )
        assert len(explanation.matches) == hits


def test_explanation_of_an_article(tagger: TopicTagger) -> None:
    text = "A murder in the court. " + "word " * 200 + "stolen car, murders, clouds and a cloud"
    explanation = explain_topics(tagger, text, "Murder")
    assert (explanation.title_words, explanation.words, explanation.lede_words) == (1, 212, 120)
    assert explanation.given == ["law", "crime"]
    assert [t.topic for t in explanation.topics] == ["law", "crime", "theft", "sky"]
    law, crime, theft, _ = explanation.topics
    assert [(m.field, m.topic, m.rule, m.phrase, m.text, m.rank) for m in law.matches] == [
        ("title", "crime", "c-1", "murder*", "Murder", 1),
        ("lede", "crime", "c-1", "murder*", "murder", 2),
        ("lede", "law", "l-1", "court*", "court", 1),
        ("body", "theft", "t-1", "stolen", "stolen", 1),
        ("body", "crime", "c-1", "murder*", "murders", 3),
    ]
    assert [m.worth for m in law.matches] == [16, 2, 2, 2, pytest.approx(2 / 3)]
    assert law.needed == pytest.approx(HALF_SCORE_EVIDENCE * math.sqrt(212 / 600))
    assert (law.given, law.above) == (True, [])
    assert [(a.topic, a.given, a.threshold) for a in theft.above] == [
        ("crime", True, 0.3),
        ("law", True, 0.4),
    ]
    assert (theft.given, theft.threshold, crime.label) == (False, 0.3, "The crime")
    assert theft.above[0].score == crime.score


def test_the_lede_ends_before_its_next_word(tagger: TopicTagger) -> None:
    for before, field in ((119, "lede"), (120, "body")):
        (match,) = explain_topics(tagger, "a " * before + "court", topic_id="law").topics[0].matches
        assert match.field == field


def test_the_nearest_misses(tagger: TopicTagger) -> None:
    text = "ship, cloud, frost, glare " + "word " * 300
    explanation = explain_topics(tagger, text)
    assert MAX_NEAR_MISSES == 3
    assert [(t.topic, t.given) for t in explanation.topics] == [
        ("sun", False),
        ("sea", False),
        ("sky", False),
    ]
    assert explain_topics(tagger, "").topics == []


def test_a_topic_without_its_parent(tmp_path: Path) -> None:
    parts = (
        format_topic("a", "r 1: x", threshold=0.9),
        format_topic("b", "s 2: y", more="parent: a"),
    )
    explanation = explain_topics(make_tagger(tmp_path, *parts), "y", topic_id="b")
    (only,) = explanation.topics
    assert only.score >= only.threshold and not only.given and not only.above[0].given


def test_unknown_topics(tagger: TopicTagger) -> None:
    with pytest.raises(KeyError):
        explain_topics(tagger, "text", topic_id="nothing")


def test_the_share_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = TopicModel(
        labels=["sky", "other"],
        vocabulary=FeatureVocabulary(["title:rain", "text:rain", "text:wet day"], [1.0, 1.0, 1.0]),
        weights=np.array([[30, 0], [20, 0], [90, 0]], np.int8),
        scales=np.array([0.1, 0.1]),
        bias=np.zeros(2),
        trained_on="",
    )
    monkeypatch.setattr(taxonomy_file, "load_topic_model_labels", lambda: model.labels.keys())
    monkeypatch.setattr(tagger_module, "load_topic_model", lambda: model)
    more = "model: {share: 0.6, chance: 0.4, sure: 0.9}"
    tagger = make_tagger(tmp_path, format_topic("sky", "k-1 2: cloud", more=more), TOPICS[3])
    text, title = "A wet day of rain, and one cloud." + " So it went." * 31, "Rain"
    assert len(tagger.analyse(text).text_matches.tokens) == 101
    (explanation,) = explain_topics(tagger, text, title, topic_id="sky").topics
    check_sums(explanation, text, title)
    assert explanation.model is not None
    assert explanation.model.words == ["Rain", "wet day", "rain"]
    assert explanation.model.share == pytest.approx(0.6 * 101 / 200)
    assert 0.5 < explanation.model.chance < 1
    odds = math.log(explanation.model.chance / (1 - explanation.model.chance)) - math.log(0.4 / 0.6)
    assert explanation.model.worth == pytest.approx(1 / (1 + math.exp(-odds))), (
        "the threshold is 0.5"
    )
    odds *= explanation.model.share
    odds += (1 - explanation.model.share) * math.log(
        explanation.rule_score / (1 - explanation.rule_score)
    )
    assert (
        explanation.score == round(1 / (1 + math.exp(-odds)), 4) != round(explanation.rule_score, 4)
    )
    assert explain_topics(tagger, text, title, topic_id="sea").topics[0].model is None
