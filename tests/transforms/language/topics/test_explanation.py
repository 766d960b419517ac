"""Explanations of scores: all that is said adds up to what the tagger says."""

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


def tagger(folder: Path, *given: str) -> TopicTagger:
    return TopicTagger(load_taxonomy(write_taxonomy(folder, *(given or TOPICS))))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TopicTagger:
    return tagger(tmp_path_factory.mktemp("taxonomy"))


def add_up(found: TopicExplanation, text: str, title: str) -> None:
    """Check every number of an explanation against the others."""
    ranks: dict[str, list[float]] = {}
    for match in found.matches:
        source = title if match.field == "title" else text
        assert source[match.start : match.end] == match.text
        assert match.field_weight == FIELDS[match.field]
        assert match.worth == match.weight * match.field_weight / match.rank
        ranks.setdefault(match.phrase, []).append(match.rank)
    for of_phrase in ranks.values():
        assert sorted(of_phrase) == list(range(1, len(of_phrase) + 1))
    assert found.evidence == pytest.approx(sum(match.worth for match in found.matches))
    assert found.rule_score == pytest.approx(found.evidence / (found.evidence + found.needed))
    if found.model is None:
        assert found.score == round(found.rule_score, 4)


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=200), st.lists(st.sampled_from(WORDS), max_size=9))
def test_sums(made: TopicTagger, words: list[str], title_words: list[str]) -> None:
    text, title = " ".join(words), " ".join(title_words)
    analysis = made.analyse(text, title)
    for number, each in enumerate(made.taxonomy.topics):
        (found,) = explain_topics(made, text, title, topic_id=each.id).topics
        add_up(found, text, title)
        assert (found.score, found.given) == (analysis.scores[number], analysis.has_topic[number])
        hits = len(analysis.text_matches.by_topic[number]) + len(
            analysis.title_matches.by_topic[number]
        )
        assert len(found.matches) == hits


def test_what_is_explained(made: TopicTagger) -> None:
    text = "A murder in the court. " + "word " * 200 + "stolen car, murders, clouds and a cloud"
    found = explain_topics(made, text, "Murder")
    assert (found.title_words, found.words, found.lede_words) == (1, 212, 120)
    assert found.given == ["law", "crime"]
    assert [t.topic for t in found.topics] == ["law", "crime", "theft", "sky"]
    law, crime, theft, _ = found.topics
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


def test_the_lede_ends_before_its_next_word(made: TopicTagger) -> None:
    for before, field in ((119, "lede"), (120, "body")):
        (match,) = explain_topics(made, "a " * before + "court", topic_id="law").topics[0].matches
        assert match.field == field


def test_the_nearest_misses(made: TopicTagger) -> None:
    text = "ship, cloud, frost, glare " + "word " * 300
    found = explain_topics(made, text)
    assert MAX_NEAR_MISSES == 3
    assert [(t.topic, t.given) for t in found.topics] == [
        ("sun", False),
        ("sea", False),
        ("sky", False),
    ]
    assert explain_topics(made, "").topics == []


def test_a_topic_without_its_parent(tmp_path: Path) -> None:
    parts = (
        format_topic("a", "r 1: x", threshold=0.9),
        format_topic("b", "s 2: y", more="parent: a"),
    )
    found = explain_topics(tagger(tmp_path, *parts), "y", topic_id="b")
    (only,) = found.topics
    assert only.score >= only.threshold and not only.given and not only.above[0].given


def test_unknown_topics(made: TopicTagger) -> None:
    with pytest.raises(KeyError):
        explain_topics(made, "text", topic_id="nothing")


def test_the_models_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    made = tagger(tmp_path, format_topic("sky", "k-1 2: cloud", more=more), TOPICS[3])
    text, title = "A wet day of rain, and one cloud." + " So it went." * 31, "Rain"
    assert len(made.analyse(text).text_matches.tokens) == 101
    (found,) = explain_topics(made, text, title, topic_id="sky").topics
    add_up(found, text, title)
    assert found.model is not None
    assert found.model.words == ["Rain", "wet day", "rain"]
    assert found.model.share == pytest.approx(0.6 * 101 / 200)
    assert 0.5 < found.model.chance < 1
    odds = math.log(found.model.chance / (1 - found.model.chance)) - math.log(0.4 / 0.6)
    assert found.model.worth == pytest.approx(1 / (1 + math.exp(-odds))), "the threshold is 0.5"
    odds *= found.model.share
    odds += (1 - found.model.share) * math.log(found.rule_score / (1 - found.rule_score))
    assert found.score == round(1 / (1 + math.exp(-odds)), 4) != round(found.rule_score, 4)
    assert explain_topics(made, text, title, topic_id="sea").topics[0].model is None
