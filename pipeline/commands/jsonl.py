"""``analyze`` and ``extract``: the same analysis and extraction on JSON lines, without feeds."""

import datetime as dt
import functools
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from schemas import Article, DeadLetter, content_hash
from schemas.ids import stable_id, story_id_of
from schemas.jsonable import format_time, json_line, to_json, to_line
from transforms.analyse_articles import BATCH_SIZE, AnalysisOptions, analyse
from transforms.core.clock import now
from transforms.core.counters import Progress
from transforms.core.elements import Run
from transforms.core.errors import ItemError, UsageError
from transforms.core.isolation import IsolatedWorker, LimitOptions
from transforms.core.options import require
from transforms.core.stage import dead_letter
from transforms.extraction.article import Extraction, extract_page
from transforms.extraction.document_worker import load_document_parsers
from transforms.language.entities.gazetteer import GazetteerError, chosen_gazetteer
from transforms.language.findings import Findings
from transforms.language.model_check import ModelError, check_model
from transforms.language.topics.taxonomy import TaxonomyError, load_taxonomy
from transforms.language.worker import load_analyser

Item = dict[str, Any]
Work = Callable[[list[Item]], list[Item | Exception]]


def analyze_lines(
    source: Path,
    target: Path,
    *,
    run_id: str,
    taxonomy: str | None,
    options: AnalysisOptions,
    limits: LimitOptions,
) -> float:
    """Analyse the texts of a file; returns the share of lines that became dead letters.

    Raises:
        UsageError: a file cannot be read or written, or the taxonomy, gazetteer or model is
            unusable.
    """
    run = Run(run_id, now())
    try:
        check_model(options.model)
        gazetteer = chosen_gazetteer(options.gazetteer)
        topics = load_taxonomy(taxonomy) if taxonomy is not None else None
        setup = functools.partial(load_analyser, options.model, topics, gazetteer)
    except (TaxonomyError, GazetteerError, ModelError) as error:
        raise UsageError(str(error)) from error

    with IsolatedWorker[Sequence[Article], list[Findings]](
        setup, limits, name="analysis"
    ) as isolated:

        def work(items: list[Item]) -> list[Item | Exception]:
            articles = {n: _article(item, run) for n, item in enumerate(items) if _is_text(item)}
            found = dict(zip(articles, analyse(isolated, [*articles.values()]), strict=True))
            no_text = ItemError("NoText", "the line has no text, or it is not a string")
            results = [found.get(number, no_text) for number in range(len(items))]
            return [
                result if isinstance(result, Exception) else _found_in(item, result)
                for item, result in zip(items, results, strict=True)
            ]

        empty = _found_in({"id": None}, Findings([], [], []))
        del empty["id"]
        return _each_line(source, target, run, "AnalyseArticles", work, empty)


def _is_text(item: Item) -> bool:
    return isinstance(item.get("text"), str)


def _found_in(item: Item, findings: Findings) -> Item:
    """A line of the result; the topics of the text are apart from those of its quotes."""
    topics: dict[bool, list[Item]] = {False: [], True: []}
    for tag in findings.topics:
        topics[tag.quote_id is not None].append({"id": tag.topic_id, **to_json(tag)})
    return {
        "id": item["id"],
        "entities": [to_json(entity) for entity in findings.entities],
        "quotes": [to_json(quote) for quote in findings.quotes],
        "topics": topics[False],
        "quote_topics": topics[True],
    }


def extract_lines(source: Path, target: Path, *, run_id: str, limits: LimitOptions) -> float:
    """Extract the pages of a file; returns the share of lines that became dead letters.

    Raises:
        UsageError: a file cannot be read or written.
    """
    fields = ("title", "authors", "text", "canonical_url", "language", "site_name")

    with IsolatedWorker[Any, tuple[Extraction, str]](
        load_document_parsers, limits, name="reading"
    ) as isolated:

        def work(items: list[Item]) -> list[Item | Exception]:
            results: list[Item | Exception] = []
            for item in items:
                try:
                    url = item.get("url")
                    page = functools.partial(
                        extract_page,
                        _page(item, source.parent),
                        url=url if isinstance(url, str) else None,
                    )
                    found, _ = isolated(page)
                    date = format_time(found.published_at) if found.published_at else None
                    data = {name: getattr(found, name) for name in fields}
                    results.append({"id": item["id"], **data, "date": date})
                except Exception as error:  # whatever it is, it costs this page and no other
                    results.append(error)
            return results

        empty: Item = dict.fromkeys((*fields, "date")) | {"authors": []}
        return _each_line(source, target, Run(run_id, now()), "ExtractArticles", work, empty)


def _page(item: Item, folder: Path) -> str | bytes:
    if isinstance(item.get("html"), str):
        return str(item["html"])
    if not isinstance(item.get("path"), str):
        raise ItemError("NoPage", "the line has neither html nor a path")
    path = Path(item["path"])
    data = (path if path.exists() else folder / path).read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _article(item: Item, run: Run) -> Article:
    text, title = item["text"], item.get("title")
    return Article(
        article_id=stable_id(str(item["id"])),
        run_id=run.run_id,
        day=_day(item.get("date")) or run.started_at.date(),
        url=str(item.get("url") or ""),
        canonical_url=str(item.get("url") or ""),
        lineage_id=stable_id(str(item["id"])),
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
        story_id=story_id_of(stable_id(str(item["id"]))),
    )


def _day(date: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(date)[:10])
    except ValueError:
        return None


def _each_line(source: Path, target: Path, run: Run, stage: str, work: Work, empty: Item) -> float:
    """One output line for every input line with an id; dead letters in a file beside it."""
    dead: list[DeadLetter] = []
    total = 0
    shown = Progress(stage)
    part = target.with_name(target.name + ".part")
    require(target.resolve() != source.resolve(), f"{target}: --output is the --input")
    try:
        with source.open("rb") as lines, part.open("w", encoding="utf-8") as out:
            parsed = _parse(lines, source, run, stage, dead)
            while batch := list(islice(parsed, BATCH_SIZE)):
                total += len(batch)
                shown.add(len(batch))
                items = [(n, i) for n, i in batch if i is not None]
                for (number, item), result in zip(items, work([i for _, i in items]), strict=True):
                    if isinstance(result, Exception):
                        dead.append(dead_letter(run, stage, f"{source}:{number}", result))
                        result = {"id": item["id"], **empty, "error": dead[-1].message}
                    out.write(json_line(result) + "\n")
        part.replace(target)
        _write_dead_letters(target, dead)
    except OSError as error:
        raise UsageError(f"{error.filename or target}: {error.strerror}") from error
    return len(dead) / total if total else 0.0


def _parse(
    lines: Any, source: Path, run: Run, stage: str, dead: list[DeadLetter]
) -> Iterator[tuple[int, Item | None]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            if not isinstance(item, dict) or "id" not in item:
                raise ItemError("BadLine", "the line is no JSON object with an id")
            yield number, item
        except (ValueError, RecursionError, ItemError) as error:
            dead.append(dead_letter(run, stage, f"{source}:{number}", error))
            yield number, None


def _write_dead_letters(target: Path, dead: list[DeadLetter]) -> None:
    path = target.with_name(target.name + ".dead_letters.jsonl")
    if dead:
        path.write_text("".join(to_line(d) + "\n" for d in dead), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
