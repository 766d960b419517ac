import signal

from pipeline.run_loop import run_repeatedly


def test_runs_repeat_past_failures_until_a_signal() -> None:
    runs: list[int] = []
    failures: list[str] = []

    def run() -> float:
        runs.append(len(runs))
        if len(runs) == 2:
            raise OSError("no disk")
        if len(runs) == 4:
            signal.raise_signal(signal.SIGTERM)
        return len(runs)

    before = signal.getsignal(signal.SIGTERM)
    assert run_repeatedly(run, 0.01, lambda error: failures.append(str(error))) == 4
    assert (runs, failures) == ([0, 1, 2, 3], ["no disk"])
    assert signal.getsignal(signal.SIGTERM) is before
