import os

import pytest

from benchmarks.process_cost import (
    BLAS_VARIABLE,
    MAIN,
    ProcessSamples,
    measure_command,
    measured_environment,
    print_environment_note,
)

SPIN = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(4 * 10**7))'])"


def test_cost_includes_child_processes() -> None:
    alone = measure_command("timeit", "-n", "1", "-r", "1", "pass")
    with_child = measure_command("timeit", "-n", "1", "-r", "1", SPIN)
    assert with_child.cpu > alone.cpu + 0.2
    assert with_child.wall > alone.wall and with_child.peak > 5
    assert sum(with_child.cpu_by_process.values()) == pytest.approx(with_child.cpu)


def test_processes_are_named_after_their_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {1: MAIN, 2: MAIN, 3: "reading"}
    seconds = {1: 5.0, 2: 1.0, 3: 2.0}
    monkeypatch.setattr("benchmarks.process_cost.list_process_tree", lambda _: list(names))
    monkeypatch.setattr("benchmarks.process_cost._process_name", names.__getitem__)
    monkeypatch.setattr("benchmarks.process_cost._cpu_seconds", seconds.__getitem__)
    samples = ProcessSamples()
    samples.add(1)
    names[2], seconds[2] = "analysis", 4.0
    samples.add(1)
    names[2], seconds[2] = MAIN, 0.0  # it has ended
    samples.add(1)
    assert samples.cpu_by_name() == {"analysis": 4.0, "reading": 2.0}


def test_measured_processes_choose_the_blas_themselves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(BLAS_VARIABLE, raising=False)
    print_environment_note()
    assert not capsys.readouterr().out
    monkeypatch.setenv(BLAS_VARIABLE, "Haswell")
    assert measured_environment().keys() == os.environ.keys() - {BLAS_VARIABLE}
    print_environment_note()
    assert "OPENBLAS_CORETYPE=Haswell is set" in capsys.readouterr().out
