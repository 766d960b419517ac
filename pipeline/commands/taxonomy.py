"""``taxonomy``: check a taxonomy, explain the topics of a text, suggest phrases for a topic."""

import argparse
import difflib
import functools
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.commands.common_flags import add_taxonomy_flag
from pipeline.commands.output import print_message, write_output
from pipeline.commands.taxonomy_report import (
    format_explanation,
    format_finding,
    format_suggestions,
    format_summary,
    format_usage,
)
from schemas.jsonable import json_line
from transforms.core.errors import ItemError, UsageError
from transforms.core.isolated_process import IsolatedWorker, LimitOptions
from transforms.core.options import add_flags, from_flags, require
from transforms.core.urls import UrlError
from transforms.extraction.article import Extraction, detect_language, extract_page
from transforms.extraction.cleaning import clean_line, clean_text
from transforms.extraction.document_worker import load_document_parsers
from transforms.feeds.discovery import parse_site_url
from transforms.fetch_pages import check_page
from transforms.fetching.fetcher import Fetcher, FetchOptions, fetch_options
from transforms.fetching.http_messages import Request, Response
from transforms.fetching.options import HttpOptions, PolitenessOptions
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

_Action: TypeAlias = Callable[[argparse.Namespace, PipelineOptions], float]
"""A function that runs an action and returns the ratio of dead letters, which is 0."""


class WarningsError(Exception):
    """The error of ``taxonomy check --strict`` for a taxonomy with warnings."""


def add_taxonomy_actions(parser: argparse.ArgumentParser, *, epilog: str | None) -> None:
    """Add the actions and their flags to the parser of ``taxonomy``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def add_action(name: str, run: _Action, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(
            name, help=text, description=text, epilog=epilog, allow_abbrev=False
        )
        sub.set_defaults(command=run, max_dead_letter_ratio=1.0)
        return sub

    sub = add_action(
        "check", _run_check, "List the parts of a taxonomy that may not work as intended."
    )
    sub.add_argument("file", nargs="?", metavar="FILE", help="YAML taxonomy (default: shipped)")
    sub.add_argument("--strict", action="store_true", help="exit with 1 if there are warnings")
    sub.add_argument(
        "--overlaps",
        action="store_true",
        help="list topics of different families that have many phrases in common",
    )
    sub.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="JSON lines (.jsonl or .jsonl.gz) with text and optionally title: list the phrases "
        "that never count as evidence in them, and how often each topic occurs",
    )

    sub = add_action("explain", _run_explain, "Explain why a text has its topics and not others.")
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", metavar="TEXT", help="the text, or - for standard input")
    source.add_argument("--file", type=Path, metavar="FILE", help="file with the text, in UTF-8")
    source.add_argument("--url", metavar="URL", help="page to fetch and extract as ingest does")
    sub.add_argument("--title", metavar="TITLE", help="the title (default: none, or the page's)")
    sub.add_argument(
        "--topic", metavar="ID", help="explain only this topic, even if the text does not have it"
    )
    sub.add_argument("--json", action="store_true", help="one JSON object with every match")
    add_taxonomy_flag(sub)
    add_flags(HttpOptions, sub, "fetching")
    add_flags(PolitenessOptions, sub, "politeness")
    add_flags(LimitOptions, sub, "limits")

    sub = add_action("suggest", _run_suggest, "Suggest phrases for a topic from labelled articles.")
    sub.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="*.jsonl or *.jsonl.gz with topic (the label), title, text and source (the outlet)",
    )
    sub.add_argument("--topic", required=True, metavar="ID", help="topic to suggest phrases for")
    sub.add_argument(
        "--label",
        nargs="+",
        default=(),
        metavar="LABEL",
        help="labels that stand for the topic (default: its id)",
    )
    sub.add_argument(
        "--most", type=int, default=40, metavar="N", help="maximum number of phrases (default 40)"
    )
    add_taxonomy_flag(sub)


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


def _run_check(args: argparse.Namespace, _options: PipelineOptions) -> float:
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


def _run_explain(args: argparse.Namespace, _options: PipelineOptions) -> float:
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
    with IsolatedWorker[Callable[[], object], tuple[Extraction, str]](
        load_document_parsers, limits, name="reading"
    ) as isolated:
        content_type = response.headers.get("content-type", "")
        extraction, _ = isolated(
            functools.partial(
                extract_page, response.body, url=response.url, content_type=content_type
            )
        )
    return extraction


def _run_suggest(args: argparse.Namespace, _options: PipelineOptions) -> float:
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
