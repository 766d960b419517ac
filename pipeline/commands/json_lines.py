"""Commands over JSON lines: one output line for each input line that has an id.

Lines that fail become dead letters, in a file beside the output.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from schemas import DeadLetter
from schemas.jsonable import json_line, to_line
from transforms.core.dead_letters import dead_letter
from transforms.core.elements import Run
from transforms.core.errors import ItemError, UsageError
from transforms.core.options import require
from transforms.core.progress import Progress
from transforms.language.worker import BATCH_SIZE

JsonItem: TypeAlias = dict[str, Any]
"""The JSON object of a line."""

ProcessItems: TypeAlias = Callable[[list[JsonItem]], list[JsonItem | Exception]]
"""Returns the output object of each input object, in order, or the error in its place."""


def process_file(
    source: Path,
    target: Path,
    run: Run,
    stage: str,
    process_items: ProcessItems,
    empty_result: JsonItem,
    *,
    processes: int,
) -> float:
    """Process each line of a file and write the results to another, which appears as a whole.

    Args:
        source: the input file.
        target: the output file.
        run: the run that the dead letters name.
        stage: the stage that the dead letters and the progress name.
        process_items: processes a batch of lines. Several threads call it.
        empty_result: the fields of the output line of a failed item, apart from its id and error.
        processes: the number of batches that are processed at a time.

    Returns:
        The share of lines that became dead letters.

    Raises:
        UsageError: a file cannot be read or written.
    """
    dead_letters: list[DeadLetter] = []
    total = 0
    progress = Progress(stage)
    part = target.with_name(target.name + ".part")
    require(target.resolve() != source.resolve(), f"{target}: --output is the --input")
    try:
        with source.open("rb") as lines, part.open("w", encoding="utf-8") as output:
            batches = _read_batches(lines)
            for batch, results in _map_in_order(process_items, batches, processes):
                total += len(batch.items) + len(batch.errors)
                progress.add(len(batch.items) + len(batch.errors))
                for number, error in batch.errors.items():
                    dead_letters.append(dead_letter(run, stage, f"{source}:{number}", error))
                for (number, item), result in zip(batch.items.items(), results, strict=True):
                    if isinstance(result, Exception):
                        letter = dead_letter(run, stage, f"{source}:{number}", result)
                        dead_letters.append(letter)
                        result = {"id": item["id"], **empty_result, "error": letter.message}
                    output.write(json_line(result) + "\n")
        part.replace(target)
        _write_dead_letters(target, dead_letters)
    except OSError as error:
        raise UsageError(f"{error.filename or target}: {error.strerror}") from error
    return len(dead_letters) / total if total else 0.0


class _Batch(NamedTuple):
    """Lines by their numbers: the objects, and the errors of lines without a usable object."""

    items: dict[int, JsonItem]
    errors: dict[int, Exception]


def _read_batches(lines: Iterable[bytes]) -> Iterator[_Batch]:
    """Yield the lines that are not blank."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    while chunk := list(islice(numbered, BATCH_SIZE)):
        batch = _Batch({}, {})
        for number, line in chunk:
            try:
                item = json.loads(line)
                if not isinstance(item, dict) or "id" not in item:
                    raise ItemError("BadLine", "the line is no JSON object with an id")
                batch.items[number] = item
            except (ValueError, RecursionError, ItemError) as error:
                batch.errors[number] = error
        yield batch


def _map_in_order(
    process_items: ProcessItems, batches: Iterable[_Batch], processes: int
) -> Iterator[tuple[_Batch, list[JsonItem | Exception]]]:
    """Yield each batch and its results, in order. Batches ahead are processed meanwhile."""
    pending = deque[tuple[_Batch, Future[list[JsonItem | Exception]]]]()
    threads = ThreadPoolExecutor(processes)
    try:
        for batch in batches:
            pending.append((batch, threads.submit(process_items, [*batch.items.values()])))
            if len(pending) > 2 * processes:
                first, results = pending.popleft()
                yield first, results.result()
        for batch, results in pending:
            yield batch, results.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _write_dead_letters(target: Path, dead_letters: list[DeadLetter]) -> None:
    """Write the dead letters beside the output, or delete an earlier file if there are none."""
    path = target.with_name(target.name + ".dead_letters.jsonl")
    if dead_letters:
        text = "".join(to_line(letter) + "\n" for letter in dead_letters)
        path.write_text(text, encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
