"""``taxonomy``: check a taxonomy, explain the topics of a text, suggest phrases for a topic."""

import argparse
import difflib
import functools
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Final, NamedTuple

from pipeline.commands.output import print_message, write_output
from pipeline.commands.taxonomy_report import (
    format_explanation,
    format_finding,
    format_suggestions,
    format_summary,
    format_usage,
)
from pipeline.errors import WarningsError
from schemas.jsonable import json_line
from transforms.core.errors import ItemError, UsageError
from transforms.core.isolated_process import IsolatedWorker, LimitOptions
from transforms.core.options import from_flags, require
from transforms.core.urls import UrlError
from transforms.extraction.article import Extraction, PageArticle, extract_page
from transforms.extraction.cleaning import clean_line, clean_text
from transforms.extraction.document_worker import load_document_parsers
from transforms.extraction.text_language import detect_language
from transforms.feeds.discovery import parse_site_url
from transforms.fetching.fetcher import Fetcher
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import FetchOptions, fetch_options
from transforms.fetching.page_check import check_page
from transforms.language.topics.article_files import (
    ArticleFileError,
    read_labelled_articles,
    read_titles_and_texts,
)
from transforms.language.topics.explanation import explain_topics
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy import Taxonomy
from transforms.language.topics.taxonomy_check import Finding, check_taxonomy
from transforms.language.topics.taxonomy_file import (
    SHIPPED_TAXONOMY,
    TaxonomyError,
    load_taxonomy,
)
from transforms.language.topics.taxonomy_suggest import suggest_phrases
from transforms.language.topics.taxonomy_usage import find_unused, measure_usage

_STDIN: Final = "-"


def _load_taxonomy(file: str | None) -> Taxonomy:
    try:
        return load_taxonomy(file)
    except TaxonomyError as error:
        raise UsageError(clean_line(str(error))) from error


def _check_topic_id(taxonomy: Taxonomy, topic_id: str) -> None:
    known = [topic.id for topic in taxonomy.topics]
    if topic_id not in known:
        similar = difflib.get_close_matches(topic_id, known) or known
        raise UsageError(f"--topic: there is no topic {topic_id!r}, but {', '.join(similar)}")


def check(args: argparse.Namespace) -> float:
    """Print the findings about a taxonomy, and return 0.

    Raises:
        UsageError: a file cannot be read, or the taxonomy has errors.
        WarningsError: it has warnings, and ``--strict`` is set.
    """
    name = args.file or str(SHIPPED_TAXONOMY)
    unusable = f"{clean_line(name)} cannot be used; correct it and check again"
    try:
        taxonomy = load_taxonomy(args.file)
    except TaxonomyError as error:
        write_output(f"{format_finding(name, _make_finding(name, error))}\n")
        raise UsageError(unusable) from error
    findings = check_taxonomy(taxonomy, overlaps=args.overlaps)
    levels = Counter(finding.level for finding in findings)
    table = ""
    if args.texts and not levels["error"]:
        try:
            usage = measure_usage(taxonomy, read_titles_and_texts(args.texts))
        except ArticleFileError as error:
            raise UsageError(clean_line(str(error))) from error
        findings += find_unused(taxonomy, usage)
        table = f"\n{format_usage(taxonomy, usage)}\n"
    lines = [format_finding(name, finding) for finding in findings]
    write_output(
        "".join(f"{line}\n" for line in lines) + f"{table}{format_summary(taxonomy, findings)}\n"
    )
    require(not levels["error"], unusable)
    if args.strict and levels["warning"]:
        raise WarningsError(f"{levels['warning']} warnings, and --strict allows none")
    return 0.0


def _make_finding(name: str, error: TaxonomyError) -> Finding:
    """Return an error as a finding. Its message begins with the file and, if known, the line."""
    message = str(error).removeprefix(f"{name}:")
    line = re.match(r"(\d+): ", message)
    return Finding(int(line[1]) if line else 0, "error", message[line.end() if line else 0 :])


class _ArticleText(NamedTuple):
    title: str
    text: str
    language: str | None


def explain(args: argparse.Namespace) -> float:
    """Print why a text has its topics, and return 0.

    Raises:
        UsageError: the taxonomy or the text cannot be read, or there is no such topic.
    """
    taxonomy = _load_taxonomy(args.taxonomy)
    if args.topic:
        _check_topic_id(taxonomy, args.topic)
    if args.url:
        page = _read_page(args.url, fetch_options(args), from_flags(LimitOptions, args))
        article = _ArticleText(page.title, page.text, page.language)
    else:
        text = clean_text(_read_text(args))
        article = _ArticleText("", text, detect_language(text))
    if article.language not in (None, "en"):
        print_message(
            f"the text seems to be {article.language} and not English; ingest gives it no topics"
        )
    title = article.title if args.title is None else clean_line(args.title)
    explanation = explain_topics(TopicTagger(taxonomy), article.text, title, topic_id=args.topic)
    if args.json:
        write_output(f"{json_line(asdict(explanation))}\n")
    else:
        write_output(format_explanation(explanation))
    return 0.0


def _read_text(args: argparse.Namespace) -> str:
    """Return the text of --text, --file or standard input.

    Raises:
        UsageError: it cannot be read, or it is not UTF-8.
    """
    try:
        if args.file:
            return str(args.file.read_bytes().decode("utf-8-sig"))
        if args.text == _STDIN:
            return sys.stdin.buffer.read().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--file: cannot read {args.file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the text is not UTF-8 ({error.reason} at {error.start})") from error
    return str(args.text)


def _read_page(url: str, fetching: FetchOptions, limits: LimitOptions) -> Extraction:
    """Return the article of a page, fetched and extracted as in a run.

    Raises:
        UsageError: it cannot be fetched, or it has no article.
    """
    try:
        request = Request(parse_site_url(url), is_page=True)
        with Fetcher(fetching) as fetcher:
            (response,) = fetcher.fetch([request])
        if isinstance(response, ItemError):
            raise response
        if problem := check_page(response):
            raise problem
        return _extract(response, limits)
    except (UrlError, ItemError) as error:
        kind = f"{error.error_type}: " if isinstance(error, ItemError) else ""
        raise UsageError(f"--url: {clean_line(url)}: {kind}{clean_line(str(error))}") from error


def _extract(response: Response, limits: LimitOptions) -> Extraction:
    with IsolatedWorker[Callable[[], object], PageArticle](
        load_document_parsers, limits, name="reading"
    ) as isolated:
        content_type = response.headers.get("content-type", "")
        article = isolated(
            functools.partial(
                extract_page, response.body, url=response.url, content_type=content_type
            )
        )
    return article.extraction


def suggest(args: argparse.Namespace) -> float:
    """Print phrases for a topic, and return 0.

    Raises:
        UsageError: the taxonomy or the articles cannot be read, or there is no such topic.
    """
    require(args.most > 0, "--most must be above 0")
    taxonomy = _load_taxonomy(args.taxonomy)
    _check_topic_id(taxonomy, args.topic)
    try:
        suggestions = suggest_phrases(
            taxonomy,
            args.topic,
            functools.partial(read_labelled_articles, args.folder),
            labels=args.label,
            max_phrases=args.most,
        )
    except ValueError as error:  # an ArticleFileError, or no article has the label
        raise UsageError(clean_line(str(error))) from error
    write_output(format_suggestions(suggestions, _list_rule_ids(taxonomy)))
    return 0.0


def _list_rule_ids(taxonomy: Taxonomy) -> set[str]:
    return {rule.id for topic in taxonomy.topics for rule in topic.rules}
