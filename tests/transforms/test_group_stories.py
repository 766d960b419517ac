import datetime as dt
import random
from dataclasses import replace

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from schemas import Article, Story
from schemas.ids import story_id_of
from tests.support.example_records import TIME, article, extracted
from transforms.core.elements import AcceptedArticle, Run
from transforms.group_stories import GroupStories
from transforms.story_similarity import group_copies, sketch_article, sketch_text

WORDS = ("ferry", "crew", "island", "strike", "port", "wage", "union", "talks", "bread", "nurse")


def words(seed: int, count: int) -> str:
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) + str(chance.randrange(50)) for _ in range(count))


WIRE = words(1, 300)
FIRST = article("https://wire.example/1", WIRE, published_at=TIME, site_name="Wire")
COPY = article(
    "https://b.example/1",
    "By our staff. " + WIRE + " Additional reporting by Kim Roe.",
    published_at=TIME + dt.timedelta(hours=1),
    site_name=None,
)
CUT = article("https://c.example/1", WIRE[:1500], published_at=None, site_name="C")
OTHER = article("https://d.example/1", words(2, 300), site_name="D")


def stories(run: Run, *articles: Article) -> list[Story]:
    return list(group_copies((sketch_article(a, sketch_text(a.text)) for a in articles), run))


def test_copies_share_a_story_whatever_their_order(run: Run) -> None:
    expected = stories(run, FIRST, COPY, CUT, OTHER)
    story = next(s for s in expected if len(s.members) > 1)
    assert story.members == [a.article_id for a in (FIRST, COPY, CUT)]
    assert story.outlets == ["Wire", "b.example", "C"]
    assert story.first_seen_article == FIRST.article_id
    assert story.story_id == story_id_of(FIRST.article_id)
    assert len(expected) == 2
    assert stories(run, OTHER, CUT, COPY, FIRST) == expected


def test_stories_do_not_grow_through_a_chain(run: Run) -> None:
    pieces = WIRE.split()
    texts = [" ".join(pieces[i * 60 : i * 60 + 180]) for i in range(3)]
    chain = [
        article(f"https://a.example/{i}", text, published_at=TIME + dt.timedelta(hours=i))
        for i, text in enumerate(texts)
    ]
    assert [s.members for s in stories(run, *chain)] == [
        [chain[0].article_id, chain[1].article_id],
        [chain[2].article_id],
    ]


def test_short_texts_are_no_ones_copy(run: Run) -> None:
    notice = "Subscribe now to read on."
    pair = [article(f"https://a.example/{i}", notice) for i in range(2)]
    assert len(stories(run, *pair)) == 2


def test_articles_learn_their_story(pipeline: beam.Pipeline, run: Run) -> None:
    with pipeline:
        out = pipeline | beam.Create(map(extracted, [COPY, OTHER, FIRST])) | GroupStories(run)
        articles = [FIRST, replace(COPY, story_id=FIRST.story_id), OTHER]
        expected = [AcceptedArticle(e.article, e.text_reference) for e in map(extracted, articles)]
        assert_that(out.articles, equal_to(expected), "articles")
        assert_that(out.stories | beam.Map(lambda s: len(s.members)), equal_to([1, 2]), "stories")


def test_no_articles_no_stories(pipeline: beam.Pipeline, run: Run) -> None:
    with pipeline:
        out = pipeline | beam.Create([]) | GroupStories(run)
        assert_that(out.articles, equal_to([]), "articles")
        assert_that(out.stories, equal_to([]), "stories")
