"""Batch runs at regular intervals. The loop is outside Beam, as its local runner cannot stream."""

import time
from collections.abc import Callable

from pipeline.signals import stop_event_on_signals


def run_repeatedly(
    run: Callable[[], float], interval_seconds: float, report: Callable[[Exception], None]
) -> float:
    """Call ``run`` at regular intervals until SIGTERM or SIGINT, which let the current run end.

    Args:
        run: the run. An error of the first run is raised; errors of later ones are reported.
        interval_seconds: the seconds from the start of a run to the start of the next.
        report: prints the error of a run.

    Returns:
        The result of the last run that succeeded.
    """
    with stop_event_on_signals() as stop:
        started = time.monotonic()
        result = run()
        while not stop.wait(max(0.0, started + interval_seconds - time.monotonic())):
            started = time.monotonic()
            try:
                result = run()
            except Exception as error:  # the next run may succeed
                report(error)
        return result
