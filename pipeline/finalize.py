"""The end of a batch run: sum up its files and make its records visible."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import apache_beam as beam

from pipeline.errors import LoadError
from pipeline.summary import Summary, summarise
from schemas import DeadLetter, FeedHealth
from transforms.core.elements import Outcome, Run
from transforms.sinks.commit import commit
from transforms.sinks.write_records import WrittenFile, file_list_path, read_lines
from transforms.state.loaded_state import format_line
from transforms.state.records import StateChange
from transforms.storage.filesystems import remove_folder
from transforms.storage.locks import Lease
from transforms.storage.runs import is_committed

T = TypeVar("T")

LoadDatabases = Callable[[str], Iterable[str]]
"""A function that loads the runs of an output folder into databases and yields log messages."""

_LOG = logging.getLogger("newsbeam.run")


@dataclass(frozen=True)
class RunFinalizer:
    """Sums up a run and commits it. Its attributes are what the run's files do not contain.

    Attributes:
        run: the run.
        output: the output folder.
        staging: the run's staging folder.
        feeds: the number of listed feeds.
        skipped: the number of listed feeds that were not requested, by reason.
        retries: the number of entries of earlier runs that were tried again.
    """

    run: Run
    output: str
    staging: str
    feeds: int
    skipped: Mapping[str, int]
    retries: int

    def finalize(
        self, stages: dict[str, dict[str, int]], check: Callable[[], None] = lambda: None
    ) -> tuple[Summary, list[str]]:
        """Commit the run. May be repeated after a failure.

        Args:
            stages: the counters of each stage.
            check: raises an error if the run has lost the lock of a folder. It is called first, and
                again right before the run becomes visible.

        Returns:
            The summary, and the state changes as lines of a state file.

        Raises:
            OSError, BeamIOError: a file cannot be read or written.
        """
        check()
        files = list(read_lines(file_list_path(self.staging), WrittenFile))

        def read(element_type: type[T]) -> Iterator[T]:
            for file in files:
                if file.partition == element_type.__name__:
                    yield from read_lines(file.path, element_type)

        summary = summarise(
            run=self.run,
            skipped=self.skipped,
            retries=self.retries,
            feeds=self.feeds,
            stages=stages,
            files=[file for file in files if file.is_record],
            outcomes=read(Outcome),
            health=list(read(FeedHealth)),
            dead_letters=read(DeadLetter),
            output=self.output,
        )
        state_lines = sorted(format_line(change.record) for change in read(StateChange))
        commit(self.output, self.staging, files, state_lines, summary.to_json(), check)
        return summary, state_lines


class FinalizeOnWorker(beam.DoFn):
    """Finalizes a run on a worker, where the program that launched it does not wait for its end.

    It checks and releases the leases of the run's folders, and loads databases. The state changes
    reach the state folder with the next run, which reads them from the output.
    """

    def __init__(
        self, finalizer: RunFinalizer, leases: Sequence[Lease], load: LoadDatabases
    ) -> None:
        self.finalizer = finalizer
        self.leases = leases
        self.load = load

    def process(self, _file_list: str) -> None:
        finalizer = self.finalizer
        # An earlier attempt may have been cut off after the commit.
        if not is_committed(finalizer.output, finalizer.run.run_id):
            summary, _ = finalizer.finalize({}, self._check_leases)
            level = logging.INFO if summary.adds_up else logging.ERROR
            _LOG.log(level, "%s\nrecords in %s", summary.format_table(), finalizer.output)
        remove_folder(finalizer.staging)
        for lease in self.leases:
            lease.release()
        try:
            for line in self.load(finalizer.output):
                _LOG.info("%s", line)
        except LoadError as error:  # the records are safe; the next run tries again
            _LOG.error("%s", error, exc_info=error)

    def _check_leases(self) -> None:
        for lease in self.leases:
            lease.check()
