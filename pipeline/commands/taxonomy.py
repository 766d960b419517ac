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
from typing import NamedTuple

from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.commands.output import print_message, write_output
from pipeline.commands.taxonomy_report import (
    explanation_text,
    finding_line,
    suggestions_yaml,
    summary_line,
    usage_table,
)
from schemas.jsonable import json_line
from transforms.core.errors import ItemError, UsageError
from transforms.core.isolation import IsolatedWorker, LimitOptions
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
from transforms.language.topics.explanation import explain
from transforms.language.topics.labelled_texts import LinesError, read_labelled, read_texts
from transforms.language.topics.tagger import TopicTagger
from transforms.language.topics.taxonomy import (
    SHIPPED_TAXONOMY,
    Taxonomy,
    TaxonomyError,
    load_taxonomy,
)
from transforms.language.topics.taxonomy_check import Finding, check_taxonomy
from transforms.language.topics.taxonomy_suggest import suggest
from transforms.language.topics.taxonomy_usage import find_unused, measure_usage

_STDIN = "-"


class WarningsError(Exception):
    """There are warnings, and ``--strict`` asks for none."""


def add_taxonomy_actions(parser: argparse.ArgumentParser, *, epilog: str | None) -> None:
    """Add the actions and their flags to the parser of ``taxonomy``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run: Callable[..., float], text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(
            name, help=text, description=text, epilog=epilog, allow_abbrev=False
        )
        sub.set_defaults(command=run, max_dead_letter_ratio=1.0)
        return sub

    def takes_taxonomy(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--taxonomy", metavar="FILE", help="YAML taxonomy (default: the shipped one)"
        )

    sub = action("check", _check, "Say what in a taxonomy does not work as it may be meant.")
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
        help="JSON lines (.jsonl or .jsonl.gz) with text and perhaps title: list what never counts "
        "as evidence in them, overlaps settled, and how often each topic occurs",
    )

    sub = action("explain", _explain, "Say why a text has its topics, and why not others.")
    given = sub.add_mutually_exclusive_group(required=True)
    given.add_argument("--text", metavar="TEXT", help="the text, or - for standard input")
    given.add_argument("--file", type=Path, metavar="FILE", help="file with the text, in UTF-8")
    given.add_argument("--url", metavar="URL", help="page to fetch and extract as ingest does")
    sub.add_argument("--title", metavar="TITLE", help="the title (default: none, or the page's)")
    sub.add_argument("--topic", metavar="ID", help="explain this topic, given or not, and no other")
    sub.add_argument("--json", action="store_true", help="one JSON object with every match")
    takes_taxonomy(sub)
    add_flags(HttpOptions, sub, "fetching")
    add_flags(PolitenessOptions, sub, "politeness")
    add_flags(LimitOptions, sub, "limits")

    sub = action("suggest", _suggest, "Propose phrases for a topic from labelled articles.")
    sub.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="*.jsonl or *.jsonl.gz with topic (the label), title, text and source (the outlet)",
    )
    sub.add_argument("--topic", required=True, metavar="ID", help="topic to propose phrases for")
    sub.add_argument(
        "--label", nargs="+", default=(), metavar="LABEL", help="its labels (default: its id)"
    )
    sub.add_argument("--most", type=int, default=40, metavar="N", help="phrases (default 40)")
    takes_taxonomy(sub)


def _load(file: str | None) -> Taxonomy:
    try:
        return load_taxonomy(file)
    except TaxonomyError as error:
        raise UsageError(clean_line(str(error))) from error


def _known_topic(taxonomy: Taxonomy, topic_id: str) -> None:
    known = [topic.id for topic in taxonomy.topics]
    if topic_id not in known:
        near = difflib.get_close_matches(topic_id, known) or known
        raise UsageError(f"--topic: there is no topic {topic_id!r}, but {', '.join(near)}")


def _check(args: argparse.Namespace, _options: PipelineOptions) -> float:
    name = args.file or str(SHIPPED_TAXONOMY)
    try:
        taxonomy = load_taxonomy(args.file)
    except TaxonomyError as error:
        write_output(f"{finding_line(name, _finding_of(name, error))}\n")
        raise UsageError(f"{clean_line(name)} cannot be used; mend it and check again") from error
    findings = check_taxonomy(taxonomy, overlaps=args.overlaps)
    levels = Counter(finding.level for finding in findings)
    table = ""
    if args.texts and not levels["error"]:
        try:
            usage = measure_usage(taxonomy, read_texts(args.texts))
        except LinesError as error:
            raise UsageError(clean_line(str(error))) from error
        findings += find_unused(taxonomy, usage)
        table = f"\n{usage_table(taxonomy, usage)}\n"
    lines = [finding_line(name, finding) for finding in findings]
    write_output(
        "".join(f"{line}\n" for line in lines) + f"{table}{summary_line(taxonomy, findings)}\n"
    )
    require(not levels["error"], f"{clean_line(name)} cannot be used; mend it and check again")
    if args.strict and levels["warning"]:
        raise WarningsError(f"{levels['warning']} warnings, and --strict allows none")
    return 0.0


def _finding_of(name: str, error: TaxonomyError) -> Finding:
    """An error of a file as a finding: its message begins with the name and perhaps the line."""
    message = str(error).removeprefix(f"{name}:")
    line = re.match(r"(\d+): ", message)
    return Finding(int(line[1]) if line else 0, "error", message[line.end() if line else 0 :])


class _Given(NamedTuple):
    title: str
    text: str
    language: str | None


def _explain(args: argparse.Namespace, _options: PipelineOptions) -> float:
    taxonomy = _load(args.taxonomy)
    if args.topic:
        _known_topic(taxonomy, args.topic)
    if args.url:
        page = _read_page(args.url, fetch_options(args), from_flags(LimitOptions, args))
        given = _Given(page.title, page.text, page.language)
    else:
        text = clean_text(_read_text(args))
        given = _Given("", text, detect_language(text))
    if given.language not in (None, "en"):
        print_message(
            f"the text seems to be {given.language} and not English; ingest gives it no topics"
        )
    title = given.title if args.title is None else clean_line(args.title)
    found = explain(TopicTagger(taxonomy), given.text, title, topic_id=args.topic)
    write_output(f"{json_line(asdict(found))}\n" if args.json else explanation_text(found))
    return 0.0


def _read_text(args: argparse.Namespace) -> str:
    """The text that is given by itself.

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
    """The article of a page, asked for and extracted as in a run.

    Raises:
        UsageError: it cannot be had.
    """
    try:
        request = Request(parse_site_url(url), is_page=True)
        with Fetcher(fetching) as fetcher:
            (answer,) = fetcher.fetch([request])
        if isinstance(answer, ItemError):
            raise answer
        if problem := check_page(answer):
            raise problem
        return _extract(answer, limits)
    except (UrlError, ItemError) as error:
        kind = f"{error.error_type}: " if isinstance(error, ItemError) else ""
        raise UsageError(f"--url: {clean_line(url)}: {kind}{clean_line(str(error))}") from error


def _extract(answer: Response, limits: LimitOptions) -> Extraction:
    with IsolatedWorker[Callable[[], object], tuple[Extraction, str]](
        load_document_parsers, limits, name="reading"
    ) as isolated:
        content_type = answer.headers.get("content-type", "")
        found, _ = isolated(
            functools.partial(extract_page, answer.body, url=answer.url, content_type=content_type)
        )
    return found


def _suggest(args: argparse.Namespace, _options: PipelineOptions) -> float:
    require(args.most > 0, "--most must be above 0")
    taxonomy = _load(args.taxonomy)
    _known_topic(taxonomy, args.topic)
    try:
        found = suggest(
            taxonomy,
            args.topic,
            functools.partial(read_labelled, args.folder),
            labels=args.label,
            most=args.most,
        )
    except ValueError as error:  # a LinesError, or that no article has the label
        raise UsageError(clean_line(str(error))) from error
    write_output(suggestions_yaml(found, _rule_ids(taxonomy)))
    return 0.0


def _rule_ids(taxonomy: Taxonomy) -> set[str]:
    return {rule.id for topic in taxonomy.topics for rule in topic.rules}
