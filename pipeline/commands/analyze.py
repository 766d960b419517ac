"""``analyze``: the analysis of ``ingest`` for the texts of a file of JSON lines."""

import argparse
import datetime as dt
import functools
from collections.abc import Sequence
from pathlib import Path

from pipeline.commands.json_lines import JsonItem, process_file
from pipeline.commands.progress import show_progress
from pipeline.flags.common import make_run_id
from schemas import Article, content_hash
from schemas.ids import stable_id, story_id_of
from schemas.jsonable import to_json
from transforms.core.clock import now
from transforms.core.elements import Run
from transforms.core.errors import ItemError, UsageError
from transforms.core.isolated_process import IsolatedWorker, LimitOptions, WorkerOptions
from transforms.core.options import from_flags
from transforms.language.entities.gazetteer import GazetteerError, choose_gazetteer
from transforms.language.findings import Findings
from transforms.language.model_check import ModelError, check_model
from transforms.language.options import AnalysisOptions
from transforms.language.topics.taxonomy_file import TaxonomyError, load_taxonomy
from transforms.language.worker import analyse, load_analyser


def analyze(args: argparse.Namespace) -> float:
    """Run the command; see :func:`analyze_file`."""
    with show_progress():
        return analyze_file(
            args.input,
            args.output,
            run_id=make_run_id(args),
            taxonomy=args.taxonomy,
            options=from_flags(AnalysisOptions, args),
            limits=from_flags(LimitOptions, args),
            workers=from_flags(WorkerOptions, args),
        )


def analyze_file(
    source: Path,
    target: Path,
    *,
    run_id: str,
    taxonomy: str | None,
    options: AnalysisOptions,
    limits: LimitOptions,
    workers: WorkerOptions,
) -> float:
    """Analyse the texts of a file.

    Args:
        source: the input, JSON lines with id and text, and optionally title, date and url.
        target: the output, JSON lines with entities, quotes and topics.
        run_id: the id of the run.
        taxonomy: the file of the taxonomy; None for the shipped one.
        options: the model and the gazetteer.
        limits: the limits of time and memory per text.
        workers: the number of child processes.

    Returns:
        The share of lines that became dead letters.

    Raises:
        UsageError: a file cannot be read or written, or the taxonomy, gazetteer or model is
            unusable.
    """
    run = Run(run_id, now())
    try:
        check_model(options.model)
        gazetteer = choose_gazetteer(options.gazetteer)
        topics = load_taxonomy(taxonomy) if taxonomy is not None else None
        setup = functools.partial(load_analyser, options.model, topics, gazetteer)
    except (TaxonomyError, GazetteerError, ModelError) as error:
        raise UsageError(str(error)) from error

    with IsolatedWorker[Sequence[Article], list[Findings]](
        setup, limits, name="analysis", processes=workers.count()
    ) as analyser:

        def analyse_items(items: list[JsonItem]) -> list[JsonItem | Exception]:
            articles = {
                number: _make_article(item, run)
                for number, item in enumerate(items)
                if isinstance(item.get("text"), str)
            }
            findings = dict(zip(articles, analyse(analyser, [*articles.values()]), strict=True))
            no_text = ItemError("NoText", "the line has no text, or it is not a string")
            results = [findings.get(number, no_text) for number in range(len(items))]
            return [
                result
                if isinstance(result, Exception)
                else {"id": item["id"], **_format_findings(result)}
                for item, result in zip(items, results, strict=True)
            ]

        empty_result = _format_findings(Findings([], [], []))
        return process_file(
            source,
            target,
            run,
            "AnalyseArticles",
            analyse_items,
            empty_result,
            processes=workers.count(),
        )


def _format_findings(findings: Findings) -> JsonItem:
    """Return the fields of an output line. Topics of quotes have a separate field."""
    topics: dict[bool, list[JsonItem]] = {False: [], True: []}
    for tag in findings.topics:
        topics[tag.quote_id is not None].append({"id": tag.topic_id, **to_json(tag)})
    return {
        "entities": [to_json(entity) for entity in findings.entities],
        "quotes": [to_json(quote) for quote in findings.quotes],
        "topics": topics[False],
        "quote_topics": topics[True],
    }


def _make_article(item: JsonItem, run: Run) -> Article:
    text, title, url = item["text"], item.get("title"), str(item.get("url") or "")
    article_id = stable_id(str(item["id"]))
    return Article(
        article_id=article_id,
        run_id=run.run_id,
        day=_parse_day(item.get("date")) or run.started_at.date(),
        url=url,
        canonical_url=url,
        lineage_id=article_id,
        version=1,
        feed_url="",
        feed_title=None,
        entry_id=str(item["id"]),
        title=title if isinstance(title, str) else "",
        authors=[],
        published_at=None,
        date_source="none",
        fetched_at=run.started_at,
        language=None,
        site_name=None,
        text=text,
        text_hash=content_hash(text),
        html_hash=None,
        word_count=len(text.split()),
        extraction_method="given",
        truncated_or_paywalled=False,
        noindex=False,
        tdm_reserved=False,
        story_id=story_id_of(article_id),
    )


def _parse_day(date: object) -> dt.date | None:
    """Return the day of a date or time in ISO 8601; None for any other value."""
    try:
        return dt.date.fromisoformat(str(date)[:10])
    except ValueError:
        return None
