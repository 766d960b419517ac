import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems

from schemas import content_hash
from schemas.ids import first_version_id, link_key
from tests.support.example_records import TIME, article, state_lines
from tests.support.hdfs_like_filesystem import HdfsLikeFileSystem
from transforms.core.errors import UsageError
from transforms.sinks.write_records import write_file
from transforms.state.file_format import DamagedStateError, read_state_file, write_state_file
from transforms.state.loaded_state import State, format_line
from transforms.state.records import FailedEntry, KnownArticle, KnownEntry
from transforms.state.store import RUN_STATE_FILE, StateStore
from transforms.storage.runs import SUMMARY


def known(number: int) -> list[str]:
    """The lines of one article and its entry."""
    url = f"https://a.example/{number}"
    lineage = first_version_id(url)
    return [
        format_line(KnownArticle(lineage, TIME, 1, content_hash("Some text."), from_page=True)),
        format_line(KnownEntry(link_key(url), TIME, "ab" * 8, lineage)),
    ]


def knows(state: State, number: int) -> bool:
    return state.entry(link_key(f"https://a.example/{number}")) is not None


@pytest.fixture(params=["", HdfsLikeFileSystem.scheme() + "://"], ids=["local", "elsewhere"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A state folder, here and on another file system."""
    (tmp_path / "state").mkdir()
    return f"{request.param}{tmp_path}/state"


def files(folder: str) -> list[str]:
    path = Path(folder.rpartition("://")[2])
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def damage(folder: str, name: str) -> None:
    path = Path(folder.rpartition("://")[2], name)
    path.write_bytes(path.read_bytes()[:-20])


def test_what_runs_learnt_is_there_for_the_next(folder: str) -> None:
    store = StateStore(folder)
    with store.locked():
        assert len(store.load()) == 0
        store.add("one", known(1))
        store.add("two", known(2))
        state = store.load()
    assert knows(state, 1) and knows(state, 2) and not knows(state, 3)
    assert [name for name in files(folder) if name.endswith(".state")] == [
        "run-one.state",
        "run-two.state",
    ]


def test_a_file_cut_off_anywhere_is_known_for_it(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    write_state_file(str(whole), ["one"], known(1))
    data = whole.read_bytes()
    found = read_state_file(str(whole))
    assert found.runs == ["one"] and list(found.lines) == known(1)
    for length in range(len(data) - 1):
        cut.write_bytes(data[:length])
        with pytest.raises(DamagedStateError):
            read_state_file(str(cut))
    for place in range(0, len(data), 7):
        altered = bytearray(data)
        altered[place] ^= 1
        cut.write_bytes(altered)
        with pytest.raises((DamagedStateError, UnicodeDecodeError)):
            runs = read_state_file(str(cut)).runs
            raise DamagedStateError if runs != ["one"] else AssertionError(place)


def test_a_file_of_a_later_format_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "run-one.state"
    write_state_file(str(path), ["one"], known(1))
    path.write_bytes(path.read_bytes().replace(b'"newsbeam_state":1', b'"newsbeam_state":9', 1))
    with pytest.raises(DamagedStateError, match="format 9; this program reads 1 and 2"):
        read_state_file(str(path))


def test_nothing_shows_while_a_file_is_written(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield from known(1)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_state_file(str(tmp_path / "run-one.state"), ["one"], lines())
    assert not list(tmp_path.glob("*.state"))


def test_many_runs_become_a_snapshot(folder: str) -> None:
    store = StateStore(folder, runs_before_snapshot=3)
    for number in range(1, 11):
        state = store.load()
        assert all(knows(state, n) for n in range(1, number))
        store.add(f"{number:02}", known(number))
        for line in known(number):
            state.apply(line)
        store.compact(state)
        snapshots = [n for n in files(folder) if n.startswith("snapshot-")]
        assert len(files(folder)) <= 8 and len(snapshots) <= 2
    (last,) = snapshots[-1:]
    damage(folder, last)
    state = StateStore(folder, runs_before_snapshot=3).load()
    assert all(knows(state, n) for n in range(1, 11))  # from the one before, and the runs since


def state_of(*numbers: int) -> State:
    state = State()
    for line in (line for number in numbers for line in known(number)):
        state.apply(line)
    return state


def test_many_runs_of_an_output_become_a_snapshot_at_once(folder: str, tmp_path: Path) -> None:
    output = tmp_path / "output"
    for number in range(7):
        run = output / "runs" / f"r{number}"
        run.mkdir(parents=True)
        (run / SUMMARY).touch()
        write_state_file(str(run / RUN_STATE_FILE), [run.name], known(number))
    scheme = "".join(folder.rpartition("://")[:2])
    StateStore(folder, runs_before_snapshot=3).add("r0", known(0))
    state = StateStore(folder, f"{scheme}{output}", runs_before_snapshot=3).load()
    assert all(knows(state, n) for n in range(7))
    assert state.changes == 0
    assert [name.partition("-")[0] for name in files(folder)] == ["run", "snapshot"]
    assert state_lines(StateStore(folder, runs_before_snapshot=3).load()) == state_lines(
        state
    )  # as workers have it
    snapshot = read_state_file(FileSystems.join(folder, files(folder)[1]))
    assert snapshot.runs == [f"r{number}" for number in range(7)]


def test_what_is_in_a_snapshot_is_no_change(folder: str) -> None:
    store = StateStore(folder, changes_before_snapshot=10)
    store.add("one", [line for number in range(4) for line in known(number)])
    state = store.load()
    store.compact(state)
    assert state.changes == 8 and files(folder) == ["run-one.state"]
    store.add("two", known(4))
    store.compact(store.load())
    assert len(files(folder)) == 3
    store.add("three", known(5))
    state = StateStore(folder, changes_before_snapshot=10).load()
    assert state.changes == 2 and len(state) == 6
    assert state_lines(state) == state_lines(state_of(*range(6)))


def test_a_snapshot_of_an_earlier_version_is_read_and_written_anew(folder: str) -> None:
    old = state_of(*range(5))
    path = FileSystems.join(folder, "snapshot-20260101T000000000000.state")
    write_state_file(path, ["one"], state_lines(old))
    state = StateStore(folder, changes_before_snapshot=10).load()
    assert state_lines(state) == state_lines(old)
    StateStore(folder, changes_before_snapshot=10).compact(state)
    assert len(files(folder)) == 2
    state = StateStore(folder, changes_before_snapshot=10).load()
    assert state.changes == 0 and state_lines(state) == state_lines(old)


def test_a_snapshot_cut_off_or_altered_anywhere_is_known_for_it(tmp_path: Path) -> None:
    path, cut = tmp_path / "snapshot-1.state", tmp_path / "cut"
    state = state_of(*range(3))
    state.apply(
        format_line(FailedEntry("ab" * 16, TIME, "https://a.example", "", 1, "E", None, "{}"))
    )
    write_state_file(str(path), ["one"], state.object_lines(), state.tables)
    data = path.read_bytes()
    for length in range(len(data) - 1):
        cut.write_bytes(data[:length])
        with pytest.raises(DamagedStateError):
            read_state_file(str(cut))
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1
        cut.write_bytes(altered)
        with pytest.raises((DamagedStateError, UnicodeDecodeError)):
            read_state_file(str(cut))


def output_with(folder: Path, *, learnt: bool, kind: str) -> Path:
    """An output folder of two runs, the first of one article, the second of two."""
    for run, numbers in (("one", [1]), ("two", [2, 3])):
        articles = [article(f"https://a.example/{n}", fetched_at=TIME) for n in numbers]
        part = folder / "runs" / run / kind / "articles" / "day=2026-11-20" / f"part-0.{kind}"
        part.parent.mkdir(parents=True)
        write_file(str(part), articles, kind)
        (folder / "runs" / run / SUMMARY).touch()
        if learnt:
            path = folder / "runs" / run / RUN_STATE_FILE
            write_state_file(str(path), [run], [line for n in numbers for line in known(n)])
    return folder


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("learnt", [True, False], ids=["learnt", "articles alone"])
@pytest.mark.parametrize("lost", ["all", "one file", "cut", "header"])
def test_a_state_that_is_lost_or_damaged_comes_back_from_the_outputs(
    folder: str,
    tmp_path: Path,
    kind: str,
    learnt: bool,
    lost: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scheme = "".join(folder.rpartition("://")[:2])
    output = scheme + str(output_with(tmp_path / "output", learnt=learnt, kind=kind))
    before = StateStore(folder, output).load()
    assert len(before) == 3
    here = Path(folder.rpartition("://")[2])
    if lost == "all":
        shutil.rmtree(here)
        here.mkdir()
    elif lost == "one file":
        (here / "run-two.state").unlink()
    elif lost == "cut":
        damage(folder, "run-two.state")
    else:
        (here / "run-two.state").write_bytes(b"\0" * 100)
    after = StateStore(folder, output).load()
    assert state_lines(after) == state_lines(before)
    assert files(folder)[-2:] == ["run-one.state", "run-two.state"]
    aside = [name for name in files(folder) if name.startswith("damaged/")]
    warnings = [r.getMessage() for r in caplog.records if r.name == "newsbeam.state"]
    if lost in ("cut", "header"):
        assert [name.endswith("-run-two.state") for name in aside] == [True]
        assert ["run-two.state is damaged" in warning for warning in warnings] == [True]
    else:
        assert not aside and not warnings


def test_what_a_run_says_it_learnt_may_be_damaged_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = output_with(tmp_path / "output", learnt=True, kind="jsonl")
    learnt = output / "runs" / "two" / RUN_STATE_FILE
    learnt.write_bytes(learnt.read_bytes()[:50])
    (tmp_path / "state").mkdir()
    assert len(StateStore(str(tmp_path / "state"), str(output)).load()) == 3
    assert "learnt.state is damaged (it is cut off); its articles are read" in caplog.text


def test_a_line_that_is_none_makes_a_file_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_state_file(str(tmp_path / "run-one.state"), ["one"], ['["entry", 1]'])
    assert len(StateStore(str(tmp_path)).load()) == 0
    assert "run-one.state is damaged" in caplog.text


def test_a_folder_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    holding = StateStore(str(tmp_path / "file" / "state")).locked()
    with pytest.raises(UsageError, match="cannot write to the state folder"), holding:
        pass
