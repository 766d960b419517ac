"""Commands over JSON lines: one output line for each input line that has an id.

Lines that fail become dead letters, in a file beside the output.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

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
) -> float:
    """Process each line of a file and write the results to another, which appears as a whole.

    Args:
        source: the input file.
        target: the output file.
        run: the run that the dead letters name.
        stage: the stage that the dead letters and the progress name.
        process_items: processes a batch of lines.
        empty_result: the fields of the output line of a failed item, apart from its id and error.

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
            parsed = _parse_lines(lines, source, run, stage, dead_letters)
            while batch := list(islice(parsed, BATCH_SIZE)):
                total += len(batch)
                progress.add(len(batch))
                numbered = [(number, item) for number, item in batch if item is not None]
                results = process_items([item for _, item in numbered])
                for (number, item), result in zip(numbered, results, strict=True):
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


def _parse_lines(
    lines: Iterable[bytes], source: Path, run: Run, stage: str, dead_letters: list[DeadLetter]
) -> Iterator[tuple[int, JsonItem | None]]:
    """Yield the number and the object of each line that is not blank.

    A line without a usable object yields None and adds a dead letter to ``dead_letters``.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            if not isinstance(item, dict) or "id" not in item:
                raise ItemError("BadLine", "the line is no JSON object with an id")
            yield number, item
        except (ValueError, RecursionError, ItemError) as error:
            dead_letters.append(dead_letter(run, stage, f"{source}:{number}", error))
            yield number, None


def _write_dead_letters(target: Path, dead_letters: list[DeadLetter]) -> None:
    """Write the dead letters beside the output, or delete an earlier file if there are none."""
    path = target.with_name(target.name + ".dead_letters.jsonl")
    if dead_letters:
        text = "".join(to_line(letter) + "\n" for letter in dead_letters)
        path.write_text(text, encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
