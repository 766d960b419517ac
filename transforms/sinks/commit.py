"""A run becomes visible as a whole: one rename of its folder.

Layout of an output folder::

    OUTPUT/runs/RUN/FORMAT/RECORD/day=DAY/part-00000.FORMAT   (topics: .../topic=TOPIC/...)
    OUTPUT/runs/RUN/ingested.tsv                              (entry keys and article ids)
    OUTPUT/runs/RUN/summary.json
    OUTPUT/newsbeam.duckdb                                    (a view a record type)
"""

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from transforms.options import UsageError
from transforms.sinks.files import WrittenFile

_INGESTED = "ingested.tsv"


def prepare(output: Path, run_id: str) -> Path:
    """Make the staging folder of a run.

    Raises:
        UsageError: the output folder cannot be written, or has a run of this id.
    """
    staging = output / ".staging" / run_id
    try:
        (output / "runs").mkdir(parents=True, exist_ok=True)
        if (output / "runs" / run_id).exists():
            raise UsageError(f"{output} already has a run {run_id}; choose another --run_id")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot write to the output folder {output}: {error.strerror}") from error
    return staging


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
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir(parents=True)
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


def known_entries(output: Path) -> dict[str, str]:
    """Entry keys that committed runs have ingested, with the article each led to."""
    known: dict[str, str] = {}
    for path in sorted((output / "runs").glob(f"*/{_INGESTED}")):
        with path.open(encoding="utf-8") as lines:
            known.update(line.rstrip("\n").split("\t", 1) for line in lines)  # type: ignore[misc]
    return known
