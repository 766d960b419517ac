"""Databases that are filled from the files of committed runs.

A run reaches a database as a whole or not at all, and only after it was committed to the output
folder. A database that was unreachable, or that is named for the first time, receives the missing
runs together with the next one.

Beam's own sinks (``WriteToBigQuery``, ``WriteToJdbc``) write each PCollection by itself, so that a
failed pipeline would leave parts of a run in the tables.
"""

import logging
from collections.abc import Iterable
from typing import Final, Protocol

from schemas import Entity, Quote, Record, TopicTag
from transforms.core.errors import UsageError
from transforms.storage.runs import (
    CommittedRun,
    list_committed_runs,
    read_committed_run,
    read_start_time,
    run_folder,
)

_LOG = logging.getLogger("newsbeam.databases")

ANNOTATIONS: Final[tuple[type[Record], ...]] = (Entity, Quote, TopicTag)
"""The record types that describe spans of an article's text. They are replaced with the article."""

FIRST_SEEN_COLUMNS: Final = ("day", "first_seen_at")
"""The columns of a dead letter that keep their earliest value when a later run repeats it."""


class Database(Protocol):
    """A database that holds the records of runs."""

    @property
    def name(self) -> str:
        """The name of the database in messages, without any secret."""

    def list_loaded_runs(self) -> set[str]:
        """Create or migrate the tables if needed, and return the ids of the runs in them.

        Raises:
            UsageError: The database cannot be reached, or its tables cannot be migrated.
        """

    def load(self, run: CommittedRun) -> dict[str, int]:
        """Load a run as a whole or not at all. A record replaces an earlier one of the same key.

        Returns:
            The number of rows by table; empty if the database already had the run.

        Raises:
            UsageError: The database cannot be reached, or rejects the records.
        """


def later_version_error(run: CommittedRun) -> UsageError:
    """Return the error for a run whose schema is later than that of this program."""
    return UsageError(f"run {run.run_id} was written by a later Newsbeam; update this one")


def load_runs(output: str, databases: Iterable[Database]) -> dict[str, list[str]]:
    """Load the runs of an output folder into every database that lacks them, oldest first.

    Returns:
        The ids of the loaded runs, by the name of the database.

    Raises:
        UsageError: See :class:`Database`.
    """
    loaded: dict[str, list[str]] = {}
    for database in databases:
        missing = list_committed_runs(output, exclude=database.list_loaded_runs())
        missing.sort(key=lambda run_id: (read_start_time(run_folder(output, run_id)), run_id))
        for run_id in missing:
            rows = database.load(read_committed_run(output, run_id))
            _LOG.info("%s: run %s, %d rows", database.name, run_id, sum(rows.values()))
        loaded[database.name] = missing
    return loaded
