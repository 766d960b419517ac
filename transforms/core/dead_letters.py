"""Dead letters: the records of inputs that failed. Imports no Beam."""

from typing import Final

from schemas import DeadLetter
from schemas.ids import dead_letter_id_of
from transforms.core.clock import now
from transforms.core.elements import Run
from transforms.core.errors import ItemError

_MAX_MESSAGE: Final = 1000


def dead_letter(run: Run, stage: str, source: str, error: Exception) -> DeadLetter:
    """Return the dead letter of an error. Its id is the same in every run.

    Args:
        run: the run in which it happened.
        stage: the name of the stage that failed.
        source: where the input came from: a URL, or a file and line.
        error: an :class:`ItemError`, or any other exception.
    """
    failure = ItemError.from_exception(error)
    message = " ".join(failure.message.split())[:_MAX_MESSAGE]
    return DeadLetter(
        dead_letter_id=dead_letter_id_of(stage, source, failure.error_type, message),
        run_id=run.run_id,
        day=run.time().date(),
        stage=stage,
        source=source,
        error_type=failure.error_type,
        message=message,
        attempts=failure.attempts,
        first_seen_at=now(),
        payload_reference=None,
    )
