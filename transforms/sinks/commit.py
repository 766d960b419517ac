"""A run becomes visible as a whole: one rename of its folder.

Layout of an output folder::

    OUTPUT/runs/RUN/FORMAT/RECORD/day=DAY/part-00000.FORMAT   (topics: .../topic=TOPIC/...)
    OUTPUT/runs/RUN/ingested.tsv                              (entry keys and article ids)
    OUTPUT/runs/RUN/summary.json
    OUTPUT/newsbeam.duckdb                                    (a view a record type)

A state folder keeps ``STATE/ingested/RUN.tsv`` beside them, for outputs that are moved away.
"""

import fcntl
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from transforms.options import UsageError
from transforms.sinks.files import WrittenFile

_INGESTED = "ingested.tsv"


@contextmanager
def staging_of(output: Path, run_id: str, state: Path | None = None) -> Iterator[Path]:
    """The staging folder of a run, which holds the output folder to itself meanwhile.

    What runs that were killed left behind is removed, as is this run's at its end.

    Raises:
        UsageError: a folder cannot be written, another run writes to it, or it has a run of
            this id.
    """
    if state is not None:
        _make(state / "ingested", "state")
    _make(output / "runs", "output")
    _make(output / ".staging", "output")
    with (output / ".staging" / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another run is writing to {output}; wait for it, or name another --output"
            ) from error
        if (output / "runs" / run_id).exists():
            raise UsageError(f"{output} already has a run {run_id}; choose another --run_id")
        _empty(output / ".staging")
        staging = output / ".staging" / run_id
        staging.mkdir()
        try:
            yield staging
        finally:
            _empty(output / ".staging")


def _make(folder: Path, what: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot write to the {what} folder {folder.parent}: {error.strerror}"
        raise UsageError(message) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def commit(
    output: Path,
    staging: Path,
    files: Iterable[WrittenFile],
    ingested: Iterable[tuple[str, str]],
    summary: str,
) -> Path:
    """Name the files of a run, leave out those of bundles that failed, and show it.

    Returns the folder of the run.
    """
    ready = staging / "ready"
    ready.mkdir()
    folders: dict[Path, list[WrittenFile]] = defaultdict(list)
    for file in files:
        folders[ready / file.format / file.partition].append(file)
    for folder, members in folders.items():
        folder.mkdir(parents=True)
        for number, file in enumerate(sorted(members, key=lambda f: (f.first_key, f.rows))):
            Path(file.path).rename(folder / f"part-{number:05d}.{file.format}")
    lines = sorted(f"{key}\t{article_id}\n" for key, article_id in ingested)
    (ready / _INGESTED).write_text("".join(lines), encoding="utf-8")
    (ready / "summary.json").write_text(summary, encoding="utf-8")
    run = output / "runs" / staging.name
    ready.replace(run)
    return run


def remember(run: Path, state: Path) -> None:
    """Keep in the state folder what a committed run has ingested.

    A run that is cut off just before is not forgotten: its output says the same.
    """
    target = state / "ingested" / f"{run.name}.tsv"
    part = target.with_suffix(".part")
    shutil.copyfile(run / _INGESTED, part)
    part.replace(target)


def known_entries(output: Path, state: Path | None = None) -> dict[str, str]:
    """Entry keys that committed runs have ingested, with the article each led to."""
    paths = sorted((output / "runs").glob(f"*/{_INGESTED}"))
    if state is not None:
        paths += sorted((state / "ingested").glob("*.tsv"))
    known: dict[str, str] = {}
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                key, _, article_id = line.rstrip("\n").partition("\t")
                known[key] = article_id
    return known
