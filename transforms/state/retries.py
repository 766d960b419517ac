"""Entries that failed: the state that is stored about them, and when they are tried again."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from schemas.ids import link_key
from schemas.jsonable import from_json, to_line
from transforms.core.clock import now
from transforms.core.elements import Entry, Outcome, OutcomeKind
from transforms.core.errors import ItemError
from transforms.feeds.parsed_feed import MAX_ENTRIES
from transforms.state.records import FailedEntry, StateChange

MAX_ATTEMPTS: Final = {True: 12, False: 3}
"""The number of attempts for an entry whose error is temporary (True) or not (False)."""

_RECHECKED: Final = frozenset({"NotTheArticle", "NoText", "Unconfirmed"})
"""The errors of pages that were fetched but were not the article: the article may come later."""

FIRST_BACKOFF: Final = dt.timedelta(minutes=5)
_LONGEST_BACKOFF: Final = dt.timedelta(days=1)


def retry_time(
    attempts: int,
    *,
    temporary: bool,
    not_before: dt.datetime | None,
    at: dt.datetime,
    first_backoff: dt.timedelta = FIRST_BACKOFF,
) -> dt.datetime | None:
    """Return when an entry is tried again after its last failure; None means never.

    Pages are often listed before they exist, so an error that is not temporary, such as a 404, is
    retried a few times too. The backoff doubles with each attempt.

    Args:
        attempts: the number of attempts so far.
        temporary: whether the error says that a later attempt may succeed.
        not_before: the earliest time that the server allows, UTC.
        at: the time of the last attempt, UTC.
        first_backoff: the time to wait after the first attempt.

    >>> at = dt.datetime(2026, 11, 20, tzinfo=dt.timezone.utc)
    >>> (retry_time(2, temporary=True, not_before=None, at=at) - at).total_seconds()
    600.0
    """
    if attempts >= MAX_ATTEMPTS[temporary]:
        return None
    due = at + min(first_backoff * 2 ** (attempts - 1), _LONGEST_BACKOFF) if attempts else at
    return max(due, not_before) if not_before else due


def fail_entry(
    entry: Entry, error: Exception, *, first_backoff: dt.timedelta = FIRST_BACKOFF
) -> Iterator[Outcome | StateChange]:
    """Yield the outcome of a failed entry, and the state change that says when to retry it."""
    yield Outcome(entry.feed_url, entry.key, OutcomeKind.DEAD_LETTER, None)
    yield _plan_retry(entry, ItemError.from_exception(error), first_backoff)


def recheck_entry(entry: Entry, lineage: str, rejection: ItemError | None) -> Iterator[StateChange]:
    """Yield the state change that has the page of a written article fetched once more, if due.

    Args:
        entry: the entry.
        lineage: the id that the versions of its article share.
        rejection: why the page was not used, so that the article is the feed's own text; None if
            the page was used, but has no word of the entry.
    """
    error = rejection or ItemError("Unconfirmed", "the page has no word of the entry")
    if error.error_type in _RECHECKED:
        yield _plan_retry(replace(entry, lineage=lineage, edited=True), error, FIRST_BACKOFF)


def _plan_retry(entry: Entry, failure: ItemError, first_backoff: dt.timedelta) -> StateChange:
    # If the host was closed, the entry was not tried, so this does not count as an attempt.
    attempts, at = entry.attempts + (failure.attempts > 0), now()
    # A wall may be gone by the next run.
    delays = attempts - 1 if failure.error_type in _RECHECKED and attempts else attempts
    not_before = retry_time(
        delays,
        temporary=failure.temporary,
        not_before=failure.not_before,
        at=at,
        first_backoff=first_backoff,
    )
    failed = FailedEntry(
        key=link_key(entry.key),
        at=at,
        feed_url=entry.feed_url,
        fingerprint=entry.fingerprint,
        attempts=attempts,
        error_type=failure.error_type,
        not_before=not_before,
        entry=to_line(entry),
    )
    return StateChange(failed=failed)


def entry_to_retry(failed: FailedEntry) -> Entry:
    """Return a failed entry as an input of the graph, with its number of attempts."""
    data = json.loads(failed.entry)
    data.setdefault("edited", data["lineage"] is not None)  # earlier state files lack the field
    entry = from_json(Entry, data)
    return replace(entry, attempts=failed.attempts, position=MAX_ENTRIES)
