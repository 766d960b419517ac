"""The tagger: phrases, scores, tags of articles and quotes, and the shipped taxonomy."""

import datetime as dt
import math
import pickle
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import TopicTag
from schemas.ids import stable_id
from transforms.language.topics.matcher import Matcher, compile_rule
from transforms.language.topics.media_topics import load_media_topics
from transforms.language.topics.scoring import MIN_RULE_SCORE
from transforms.language.topics.tagger import (
    MAX_EVIDENCE,
    MAX_MODEL_EVIDENCE,
    MODEL_RULE,
    TopicAnalysis,
    TopicTagger,
)
from transforms.language.topics.taxonomy import FieldWeights, ModelSettings, Rule, Taxonomy, Topic
from transforms.language.topics.taxonomy_file import load_taxonomy

DAY = dt.date(2026, 11, 24)
SHIPPED = load_taxonomy()
TAGGER = TopicTagger(SHIPPED)
FIELDS = FieldWeights(title=3, lede=2, body=1)


def make_topic(*rules: Rule, threshold: float = 0.01, topic_id: str = "t") -> Topic:
    return Topic(topic_id, "T", "A topic.", None, ("20000634",), threshold, rules)


def make_tagger(*rules: Rule, threshold: float = 0.01) -> TopicTagger:
    return TopicTagger(
        Taxonomy("1", "2026-07-02", FIELDS, (make_topic(*rules, threshold=threshold),))
    )


def tag(tagger: TopicTagger, text: str, title: str = "") -> list[TopicTag]:
    return tagger.tag(text, title=title, article_id="a", run_id="r", day=DAY)


def tag_span(tagger: TopicTagger, analysis: TopicAnalysis, start: int, end: int) -> list[TopicTag]:
    return tagger.tag_span(analysis, start, end, quote_id="q", article_id="a", run_id="r", day=DAY)


def matches(text: str, *phrases: str, **rule: object) -> list[str]:
    """Return the evidence in a text for one rule with these phrases."""
    rule_of_phrases = Rule(id="r", weight=1, phrases=phrases, **rule)  # type: ignore[arg-type]
    return [e.text for found in tag(make_tagger(rule_of_phrases), text) for e in found.evidence]


def score(tagger: TopicTagger, text: str, title: str = "") -> float:
    return tagger.analyse(text, title).scores[0]


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("border", "The border, the Border; the BORDER.", ["border", "Border", "BORDER"]),
        ("border", "borders, crossborder, border2, border_line", ["border"]),
        ("deport*", "Deportations: deport; redeport", ["Deportations", "deport"]),
        ("border patrol", "border patrol, border-patrol", ["border patrol", "border-patrol"]),
        ("border-patrol", "border patrol, border\u2011patrol", None),
        ("border patrol", "border  patrol, border \u00a0patrol", None),
        ("asylum-seeker*", "an asylum seeker, asylum-seekers", ["asylum seeker", "asylum-seekers"]),
        ("border patrol", "the border. Patrol cars", []),
        ("border patrol", "the border\npatrol", []),
        ("border patrol", "the border, patrol", []),
        ("governor's race", "governor's race, governor’s race", None),
        ("workers rights", "workers' rights, workers’ rights", None),
        ("workers' rights", "workers' rights, workers rights", None),
        ("border patrol", "the Border Patrol’s agents", ["Border Patrol"]),
        ("don't", "We don't, we don’t", ["don't", "don’t"]),
        ("us border", "the U.S. border, the US border", ["U.S. border", "US border"]),
        ("covid-19", "Covid-19, COVID 19", ["Covid-19", "COVID 19"]),
        ("élection*", "Élections!", ["Élections"]),
    ],
)
def test_phrases(phrase: str, text: str, found: list[str] | None) -> None:
    """Check the matches; None stands for all parts between the commas."""
    assert matches(text, phrase) == (text.split(", ") if found is None else found)


def test_case() -> None:
    assert matches("ICE and ice, I.C.E. and Ice", "ICE", case=True) == ["ICE", "I.C.E."]
    assert matches("The Dreamers; dreamers", "Dream*", case=True) == ["Dreamers"]


def test_near_and_not_near() -> None:
    text = "An amnesty for immigrants. " + "word " * 20 + "Amnesty International."
    assert matches(text, "amnesty", near=("immigra*",)) == ["amnesty"]
    assert matches(text, "amnesty", not_near=("international",)) == ["amnesty"]
    assert matches("law one two amnesty", "amnesty", near=("law",), within=2) == []
    assert matches("law one amnesty", "amnesty", near=("law",), within=2) == ["amnesty"]
    assert matches("amnesty", "amnesty", near=("amnesty",)) == []


def test_pattern_matches_whole_words_at_every_place() -> None:
    rule = Rule(id="r", weight=1, pattern=r"\d{1,2} percent")
    found = tag(make_tagger(rule), "123 percent, 12 percents, 45 Percent and 6 percent")
    assert [e.text for e in found[0].evidence] == ["45 Percent", "6 percent"]
    with_case = Rule(id="r", weight=1, pattern="Act [IV]{1,3}", case=True)
    assert [e.text for e in tag(make_tagger(with_case), "act II, Act IV")[0].evidence] == ["Act IV"]
    beside = Rule(id="r", weight=1, pattern=r"\d{2} points", near=("poll*",))
    assert not tag(make_tagger(beside), "scored 12 points")


def test_the_longest_of_overlapping_matches_counts() -> None:
    short = Rule(id="short", weight=3, phrases=("border", "agents"))
    long = Rule(id="long", weight=1, phrases=("border patrol agents",))
    found = tag(make_tagger(short, long), "border patrol agents at the border")
    assert [(e.text, e.rule) for e in found[0].evidence] == [
        ("border patrol agents", "long"),
        ("border", "short"),
    ]


def test_the_heavier_of_equally_long_matches_counts() -> None:
    light = Rule(id="light", weight=1, phrases=("deport*",))
    heavy = Rule(id="heavy", weight=2, phrases=("deported",))
    assert [e.rule for e in tag(make_tagger(light, heavy), "deported")[0].evidence] == ["heavy"]


def test_score() -> None:
    tagger = make_tagger(Rule(id="r", weight=2, phrases=("alpha", "beta")))
    filler = " word" * 300
    once = score(tagger, "alpha" + filler)
    twice = score(tagger, "alpha alpha" + filler)
    thrice = score(tagger, "alpha alpha alpha" + filler)
    assert 0 < once < twice < thrice < score(tagger, "alpha beta beta" + filler) < 1
    assert thrice - twice < twice - once
    assert score(tagger, "alpha" + filler * 2) < once, "a longer text needs more"
    assert score(tagger, filler + "\nalpha") < once, "the lede counts for more"
    assert score(tagger, "word" + filler, title="alpha") > once, "and the title for most"
    assert score(tagger, "") == score(tagger, filler) == 0


def test_lede_ends_with_the_paragraph_or_at_twice_its_words() -> None:
    tagger = make_tagger(Rule(id="r", weight=1, phrases=("alpha",)))
    lede = score(tagger, "word " * 40 + "\n" + "word " * 40 + "alpha\n" + "word " * 40)
    body = score(tagger, "word " * 40 + "\n" + "word " * 40 + "\nalpha " + "word " * 40)
    late = score(tagger, "word " * 120 + "alpha")
    assert lede > body
    assert late < score(tagger, "word " * 119 + "alpha word")


def test_tags_are_ordered_and_complete() -> None:
    two = (
        make_topic(Rule(id="z", weight=2, phrases=("alpha",)), topic_id="zeta"),
        make_topic(Rule(id="e", weight=1, phrases=("alpha",)), topic_id="eta"),
        make_topic(Rule(id="b", weight=1, phrases=("alpha",)), topic_id="beta"),
        make_topic(Rule(id="n", weight=1, phrases=("gamma",)), topic_id="never"),
    )
    tagger = TopicTagger(Taxonomy("v", "2026-07-02", FIELDS, two))
    found = tag(tagger, "say alpha", title="Alpha")
    assert [t.topic_id for t in found] == ["zeta", "beta", "eta"]
    first = found[0]
    assert first.tag_id == stable_id("a", None, "zeta")
    assert (first.quote_id, first.taxonomy_version, first.iptc_codes) == (None, "v", ["20000634"])
    assert [(e.start, e.end, e.text, e.rule) for e in first.evidence] == [(4, 9, "alpha", "z")]
    assert [(e.start, e.end, e.text) for e in first.title_evidence] == [(0, 5, "Alpha")]


def test_threshold() -> None:
    rule = Rule(id="r", weight=1, phrases=("alpha",))
    reached = score(make_tagger(rule), "alpha")
    assert tag(make_tagger(rule, threshold=reached), "alpha")
    assert not tag(make_tagger(rule, threshold=reached + 0.0001), "alpha")


def test_evidence_keeps_the_strongest_in_the_order_of_the_text() -> None:
    weak = Rule(id="weak", weight=1, phrases=("alpha",))
    strong = Rule(id="strong", weight=2, phrases=("beta",))
    found = tag(make_tagger(weak, strong), "alpha " * 30 + "beta " * 5)[0].evidence
    assert len(found) == MAX_EVIDENCE
    assert [e.rule for e in found] == ["weak"] * 15 + ["strong"] * 5
    assert [e.start for e in found] == sorted(e.start for e in found)


def test_only_matches_in_a_span_are_its_evidence() -> None:
    text = "The minister spoke of schools. “We will deport them,” he said. “I like tea,” he added."
    analysis = TAGGER.analyse(text)
    start, end = text.index("We will"), text.index(",” he said")
    tags = tag_span(TAGGER, analysis, start, end)
    assert {t.topic_id for t in tags} == {"border-enforcement", "deportation", "immigration"}
    (found,) = (t for t in tags if t.topic_id == "deportation")
    assert found.tag_id == stable_id("a", "q", "deportation")
    assert (found.quote_id, found.title_evidence) == ("q", [])
    assert [(e.start, e.text) for e in found.evidence] == [(text.index("deport"), "deport")]
    start = text.index("I like")
    assert tag_span(TAGGER, analysis, start, start + 10) == []


def test_span_needs_less_where_the_article_has_the_topic() -> None:
    rules = (
        Rule(id="weak", weight=0.5, phrases=("gamma",)),
        Rule(id="some", weight=1, phrases=("alpha",)),
        Rule(id="strong", weight=2, phrases=("beta",)),
    )
    tagger = make_tagger(*rules, threshold=0.6)
    off_topic = tagger.analyse("alpha said the man and gamma")
    on_topic = tagger.analyse("alpha said the man and gamma", title="Beta and alpha")
    assert not tag_span(tagger, off_topic, 0, 5)
    assert tag_span(tagger, on_topic, 0, 5)
    assert not tag_span(tagger, on_topic, 6, 28), "gamma is too weak even so"
    assert tag_span(tagger, tagger.analyse("beta"), 0, 4)


def test_span_counts_only_whole_matches() -> None:
    tagger = make_tagger(Rule(id="r", weight=3, phrases=("border patrol",)))
    analysis = tagger.analyse("the border patrol came")
    assert tag_span(tagger, analysis, 4, 17)
    assert not tag_span(tagger, analysis, 5, 17)
    assert not tag_span(tagger, analysis, 4, 16)
    assert not tag_span(tagger, analysis, 7, 7)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (0, 9)])
def test_span_outside_the_text(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="is not in the text of 5 code points"):
        tag_span(TAGGER, TAGGER.analyse("alpha"), start, end)


def test_pickled_tagger_gives_the_same_tags() -> None:
    text = "Border Patrol agents deported 300 migrants on Monday."
    assert tag(pickle.loads(pickle.dumps(TAGGER)), text) == tag(TAGGER, text) != []


def test_a_full_token_cache_changes_no_match() -> None:
    rule = compile_rule(Rule(id="r", weight=1, phrases=("alpha",)), (0,))
    matcher = Matcher([rule], 1, max_cached_tokens=4)
    (matches,) = matcher.find_matches("a b c d e f alpha g h i j k alpha").by_topic
    assert [match.start for match in matches] == [12, 28]


PIECES = st.sampled_from(
    ["deport", "Border", " ", "-", "patrol", "’s", "'", "U.S.", "\n", ".", "voters", "ICE", "52",
     " percent of the vote", "\ud800", "\0", "é", "İ", "ß", "\u2011", "…", "immigrants", "poll"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join)


@given(TEXTS, TEXTS, st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_evidence_quotes_the_text(text: str, title: str, data: st.DataObject) -> None:
    analysis = TAGGER.analyse(text, title)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    of_article = TAGGER.tag_article(analysis, article_id="a", run_id="r", day=DAY)
    of_span = tag_span(TAGGER, analysis, start, end)
    rules = {
        rule.id: {t.id for t in SHIPPED.lineage(topic.id)}
        for topic in SHIPPED.topics
        for rule in topic.rules
    }
    for found in of_article + of_span:
        assert 0 < found.score < 1
        assert found.evidence or found.title_evidence
        for source, evidence in ((text, found.evidence), (title, found.title_evidence)):
            assert all(source[e.start : e.end] == e.text != "" for e in evidence)
            assert all(e.rule == MODEL_RULE or found.topic_id in rules[e.rule] for e in evidence)
            assert all(a.end <= b.start for a, b in pairwise(evidence))
    assert all(start <= e.start and e.end <= end for t in of_span for e in t.evidence)
    assert all(t.evidence and not t.title_evidence for t in of_span)
    assert of_article == tag(TAGGER, text, title)
    assert [(-t.score, t.topic_id) for t in of_article] == sorted(
        (-t.score, t.topic_id) for t in of_article
    )


@given(st.lists(st.sampled_from(["deported", "migrant", "visa", "border", "word"]), max_size=60))
def test_replacing_a_word_by_evidence_never_lowers_the_score(words: list[str]) -> None:
    number = [t.id for t in SHIPPED.topics].index("border-enforcement")
    scores = [
        TAGGER.analyse("; ".join([*words, last])).scores[number] for last in ("word", "deport")
    ]
    assert scores[0] <= scores[1]


@pytest.mark.parametrize(
    "unit", ["deport ", "-", "a'", "a.", "\ud800", "\0", "x", "detained ", "1-1 "]
)
def test_long_texts(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert len(TAGGER.analyse(text).scores) == len(SHIPPED.topics)


def test_shipped_taxonomy() -> None:
    assert [t.id for t in SHIPPED.topics if t.parent is None] == [
        "politics", "elections", "immigration", "law", "conflict", "economy", "labour", "climate",
        "health", "education", "technology", "media", "disasters", "society", "sport",
    ]  # fmt: skip
    assert len(SHIPPED.topics) >= 60
    codes = {code for t in SHIPPED.topics for code in t.iptc}
    assert all(
        code in load_media_topics() and not load_media_topics()[code].retired for code in codes
    )
    assert "20001316" not in codes, "border disputes are no border enforcement"
    border = next(t for t in SHIPPED.topics if t.id == "border-enforcement")
    assert border.iptc == ("20000634", "20000129", "20000773")
    assert [t.id for t in SHIPPED.lineage("asylum")] == [
        "asylum", "border-enforcement", "immigration",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "text", "topic_ids"),
    [
        ("ICE raids leave town empty", "Agents deported 40 people.", "border-enforcement"),
        ("Asylum seekers moved to hotels", "Their asylum claims wait.", "immigration asylum"),
        ("Migrants cross the Darien Gap", "Smugglers lead them.", "migration-routes"),
        ("Frontex turns boats back", "Pushbacks are illegal, it was told.", "border-agencies"),
        ("Court halts border wall", "The barrier is to be 30 feet high.", "border-wall"),
        ("Family separations go on", "Migrant children in custody.", "immigration-detention"),
        ("Poll: challenger leads in swing states", "Likely voters.", "elections election-polls"),
        ("Super PACs spend millions", "Donors gave to the campaign.", "campaign-finance"),
        ("Voter ID law passes", "Absentee ballots are limited.", "elections voting-rules"),
        ("By-election in Northern town", "Turnout was low, results showed.", "elections"),
        ("Ministers resign over report", "The cabinet met in Downing Street.", "politics"),
        ("Central bank holds interest rates", "Inflation is falling.", "economy banking"),
        ("Nurses go on strike over wages", "Their trade union called a walkout.", "labour unions"),
        ("Emissions rise again", "Climate change goes on, scientists said.", "climate"),
        ("Measles outbreak spreads", "Hospitals are full of patients.", "health epidemics"),
        ("School district cuts classes", "Teachers and students protested.", "education schools"),
        ("Ransomware hits chipmaker", "Hackers took user data.", "technology cybersecurity"),
        ("Newsroom cuts at newspapers", "Journalists criticised the editorial board.", "media"),
        ("Supreme Court hears appeal", "The judge had ruled against it.", "law courts"),
        ("Ceasefire ends with airstrikes", "Soldiers and militants died.", "conflict wars"),
        ("Earthquake kills dozens", "Rescuers searched the rubble.", "disasters earthquakes"),
        ("Rents rise as evictions resume", "Tenants seek affordable housing.", "society housing"),
        ("Striker scores in World Cup semi-final", "The coach praised the team.", "sport football"),
    ],
)
def test_shipped_topics(title: str, text: str, topic_ids: str) -> None:
    assert set(topic_ids.split()) <= {found.topic_id for found in tag(TAGGER, text, title)}


def family(*topics: Topic, **fields: FieldWeights) -> TopicTagger:
    return TopicTagger(Taxonomy("1", "2026-07-02", fields.get("fields", FIELDS), topics))


WIDE = make_topic(Rule(id="w", weight=1, phrases=("alpha",)), topic_id="wide")
NARROW = replace(
    make_topic(Rule(id="n", weight=2, phrases=("beta", "alpha beta")), topic_id="narrow"),
    parent="wide",
)


def test_a_match_is_evidence_for_wider_topics() -> None:
    found = tag(family(WIDE, NARROW), "alpha; beta; alpha beta")
    assert {t.topic_id: [(e.text, e.rule) for e in t.evidence] for t in found} == {
        "wide": [("alpha", "w"), ("beta", "n"), ("alpha beta", "n")],
        "narrow": [("beta", "n"), ("alpha beta", "n")],
    }
    scores = {t.topic_id: t.score for t in found}
    assert scores["wide"] > scores["narrow"]


def test_an_article_gets_a_topic_only_with_its_parent() -> None:
    strict = replace(WIDE, threshold=0.99)
    assert [t.topic_id for t in tag(family(WIDE, NARROW), "beta")] == ["narrow", "wide"]
    assert tag(family(strict, NARROW), "beta") == []
    assert tag(family(NARROW, strict), "beta") == [], "whatever their order in the file"


def test_a_topic_may_have_its_own_weights() -> None:
    filler = " word" * 100 + "\n" + "word " * 100
    usual = make_tagger(Rule(id="r", weight=1, phrases=("alpha",)))
    own = family(replace(usual.taxonomy.topics[0], fields=FieldWeights(title=3, lede=2, body=4)))
    assert score(own, filler + "alpha") > score(usual, filler + "alpha")
    assert score(own, "alpha" + filler) == score(usual, "alpha" + filler)


def with_model(share: float, *rules: Rule, sure: float = 0.99) -> TopicTagger:
    model = ModelSettings(share, chance=0.3, sure=sure) if share else None
    return family(replace(make_topic(*rules, topic_id="immigration", threshold=0.6), model=model))


def test_the_model_has_its_share_in_the_score() -> None:
    text = "Lawmakers argue about amnesty for people who came without papers. " * 25
    rule = Rule(id="r", weight=9, phrases=("amnesty",))
    by_rules, by_model = score(with_model(0, rule), text), score(with_model(1, rule), text)
    mixed = score(with_model(0.4, rule), text)
    assert 0 < min(by_rules, by_model) < mixed < max(by_rules, by_model) < 1
    odds = [math.log(s / (1 - s)) for s in (by_rules, by_model, mixed)]
    assert odds[2] == pytest.approx(0.6 * odds[0] + 0.4 * odds[1], abs=0.01)


def test_the_model_cannot_lower_what_rules_are_sure_of() -> None:
    text = "The harbour council deported nobody. " * 50
    rule = Rule(id="r", weight=9, phrases=("deported", "nobody"))
    by_rules, mixed = score(with_model(0, rule), text), score(with_model(1, rule), text)
    assert mixed < by_rules
    assert score(with_model(1, rule, sure=by_rules - 0.01), text) == by_rules
    assert score(with_model(1, rule, sure=by_rules + 0.01), text) == mixed


def test_the_model_has_less_share_in_short_texts() -> None:
    rule = Rule(id="r", weight=3, phrases=("deported",))
    alone, mixed = with_model(0, rule), with_model(1, rule)
    assert score(mixed, "") == MIN_RULE_SCORE
    short = "They were deported."
    assert score(mixed, short) == pytest.approx(score(alone, short), abs=0.05)


def test_ngrams_of_the_model_are_evidence_beside_matches() -> None:
    text = "Undocumented immigrants may stay, and immigration rules change. Immigrants rejoiced."
    tagger = with_model(0.9, Rule(id="r", weight=9, phrases=("immigration rules",)))
    (found,) = tag(tagger, text, title="Immigrants may stay")
    assert [e.text for e in found.evidence if e.rule == "r"] == ["immigration rules"]
    words = [e for e in found.evidence if e.rule == MODEL_RULE]
    assert 1 <= len(words) <= MAX_MODEL_EVIDENCE
    assert all(text[e.start : e.end] == e.text for e in found.evidence)
    assert all(a.end <= b.start for a, b in pairwise(found.evidence))
    assert {e.rule for e in found.title_evidence} == {MODEL_RULE}


def test_border_disputes_are_not_border_enforcement() -> None:
    text = "Russia and Ukraine disagree about where the border runs. Soldiers stood on the border."
    assert "border-enforcement" not in [t.topic_id for t in tag(TAGGER, text)]
