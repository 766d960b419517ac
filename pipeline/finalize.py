"""The end of a run: what its files say is summed up, and its records become visible."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import apache_beam as beam

from pipeline.databases import LoadError
from pipeline.summary import Summary, summarise
from schemas import DeadLetter, FeedHealth
from transforms.core.elements import Outcome, Run
from transforms.sinks.commit import commit
from transforms.sinks.write_records import WrittenFile, file_list_path, read_lines
from transforms.state.records import StateChange
from transforms.storage.filesystems import remove_folder
from transforms.storage.locks import Lease
from transforms.storage.runs import is_committed

T = TypeVar("T")

Fill = Callable[[str], Iterable[str]]

_LOG = logging.getLogger("newsbeam.run")


@dataclass(frozen=True)
class RunFinalizer:
    """What the end of a run has to know that its files do not say.

    ``feeds`` counts all that were listed, ``left`` those of them that were left alone, by reason;
    ``retries`` counts the entries of earlier runs that were taken up.
    """

    run: Run
    output: str
    staging: str
    feeds: int
    left: Mapping[str, int]
    retries: int

    def finalize(
        self, stages: dict[str, dict[str, int]], check: Callable[[], None] = lambda: None
    ) -> tuple[Summary, list[str]]:
        """Show the run; its summary, and what it learnt. May be tried again.

        ``check`` is called before, and again right before the run shows.

        Raises:
            OSError, BeamIOError: a file cannot be read or written.
        """
        check()
        files = list(read_lines(file_list_path(self.staging), WrittenFile))

        def listed(kind: type[T]) -> Iterator[T]:
            for file in files:
                if file.partition == kind.__name__:
                    yield from read_lines(file.path, kind)

        summary = summarise(
            run=self.run,
            left=self.left,
            retries=self.retries,
            feeds=self.feeds,
            stages=stages,
            files=[file for file in files if file.is_record],
            outcomes=listed(Outcome),
            health=list(listed(FeedHealth)),
            dead_letters=listed(DeadLetter),
            output=self.output,
        )
        learnt = sorted(change.line for change in listed(StateChange))
        commit(self.output, self.staging, files, learnt, summary.to_json(), check)
        return summary, learnt


class FinalizeOnWorker(beam.DoFn):
    """The end of a run that nobody waits for; its leases are checked and released.

    What it learnt reaches the state folder with the next run, which reads it off this one.
    ``fill`` has databases take in what they lack of an output.
    """

    def __init__(self, conclusion: RunFinalizer, leases: Sequence[Lease], fill: Fill) -> None:
        self.conclusion = conclusion
        self.leases = leases
        self.fill = fill

    def process(self, _list_of_files: str) -> None:
        this = self.conclusion
        # An earlier try may have been cut off after the commit.
        if not is_committed(this.output, this.run.run_id):
            summary, _ = this.finalize({}, self._check)
            level = logging.INFO if summary.adds_up else logging.ERROR
            _LOG.log(level, "%s\nrecords in %s", summary.table(), this.output)
        remove_folder(this.staging)
        for lease in self.leases:
            lease.release()
        try:
            for line in self.fill(this.output):
                _LOG.info("%s", line)
        except LoadError as error:  # the records are safe; tried again with the next run
            _LOG.error("%s", error, exc_info=error)

    def _check(self) -> None:
        for lease in self.leases:
            lease.check()
