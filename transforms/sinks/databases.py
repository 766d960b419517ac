"""Databases, which are filled from the files of runs that are there.

A run reaches a database whole or not at all, and only once it can be seen in the output folder:
a database that was away, or that is named for the first time, catches up with the next run.
"""

import logging
from collections.abc import Iterable
from typing import Protocol

from transforms.storage.runs import (
    CommittedRun,
    list_committed_runs,
    read_committed_run,
    read_start_time,
    run_folder,
)

_LOG = logging.getLogger("newsbeam.databases")


class Database(Protocol):
    """A database that holds the records of runs."""

    @property
    def name(self) -> str:
        """How messages name it: without any secret."""

    def list_loaded_runs(self) -> set[str]:
        """The ids of the runs that it holds; makes or migrates its tables where need be.

        Raises:
            UsageError: it cannot be reached, or its tables cannot be made to fit.
        """

    def load(self, run: CommittedRun) -> dict[str, int]:
        """Take in a run: all of it or nothing. Returns the rows by table, none if it had it.

        A record replaces an earlier one of the same key.

        Raises:
            UsageError: it cannot be reached, or does not take the records.
        """


def load_runs(output: str, databases: Iterable[Database]) -> dict[str, list[str]]:
    """Load into every database the runs of an output folder that it lacks, the oldest first.

    Returns the ids of the runs that were loaded, by database.

    Raises:
        UsageError: see :class:`Database`.
    """
    loaded: dict[str, list[str]] = {}
    for database in databases:
        lacking = list_committed_runs(output, exclude=database.list_loaded_runs())
        lacking.sort(key=lambda run_id: (read_start_time(run_folder(output, run_id)), run_id))
        for run_id in lacking:
            rows = database.load(read_committed_run(output, run_id))
            _LOG.info("%s: run %s, %d rows", database.name, run_id, sum(rows.values()))
        loaded[database.name] = lacking
    return loaded
