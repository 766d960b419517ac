import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import run_command

TEXT = (
    "The mayor closed the pier. “It is not safe,” Lena Maris said on Friday. "
    "Voters in the primary election will decide on the loan."
)


def write_lines(path: Path, *lines: object) -> Path:
    text = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(command: str, source: Path, *flags: str) -> tuple[int, list[dict[str, Any]]]:
    target = source.with_name("out.jsonl")
    code = run_command([command, "--input", str(source), "--output", str(target), *flags])
    return code, read_lines(target)


BAD_LINES = ("no json", "[1]", '{"text": "no id"}', "[" * 50_000)


def test_analyze_keeps_every_id_and_reports_every_bad_line(tmp_path: Path) -> None:
    good: list[dict[str, Any]] = [
        {"id": "a", "text": TEXT, "title": "Pier closed", "date": "2026-11-20", "url": "x"},
        {"id": 7, "text": ""},
        {"id": "same", "text": TEXT},
        {"id": "same", "text": "\ud800 “Lone” \x00 marks"},
        {"id": None, "text": "x\r\ny"},
    ]
    textless: list[dict[str, Any]] = [{"id": "no text"}, {"id": "number", "text": 3}]
    source = write_lines(tmp_path / "in.jsonl", *BAD_LINES, "", *textless, *good)
    code, lines = run("analyze", source, "--max_dead_letter_ratio", "0.6")
    assert code == 0
    assert sorted(str(line["id"]) for line in lines) == sorted(
        str(item["id"]) for item in [*textless, *good]
    )
    (first,) = [line for line in lines if line["id"] == "a"]
    (quote,) = first["quotes"]
    assert TEXT[quote["start"] : quote["end"]] == quote["text"] == "It is not safe,"
    assert quote["speaker_name"] == "Lena Maris"
    assert {"article_id", "run_id", "entity_id"} <= set(first["entities"][0])
    assert [t["id"] for t in first["topics"]] == ["elections", "primaries"]
    assert first["quote_topics"] == []

    dead = read_lines(source.with_name("out.jsonl.dead_letters.jsonl"))
    assert [str(d["source"]).rpartition(":")[2] for d in dead if d["error_type"] != "NoText"] == [
        "1",
        "2",
        "3",
        "4",
    ]
    assert sorted(str(d["error_type"]) for d in dead) == [
        "BadLine",
        "BadLine",
        "JSONDecodeError",
        "NoText",
        "NoText",
        "RecursionError",
    ]


def test_the_number_of_workers_changes_no_output(tmp_path: Path) -> None:
    """Texts of several batches, of which the first takes longest, with bad lines among them."""
    items: list[Any] = [{"id": i, "text": TEXT * (40 if i < 5 else i % 3)} for i in range(60)]
    items[7:7] = items[30:30] = [*BAD_LINES, {"id": "no text"}]
    source = write_lines(tmp_path / "in.jsonl", *items)
    results = []
    for workers in ("1", "3"):
        flags = ("--run_id", "r", "--workers", workers, "--max_dead_letter_ratio", "1")
        assert run("analyze", source, *flags)[0] == 0
        dead = read_lines(source.with_name("out.jsonl.dead_letters.jsonl"))
        letters = [(d["source"], d["error_type"]) for d in dead]
        results.append((source.with_name("out.jsonl").read_bytes(), letters))
    assert results[0] == results[1]
    assert len(results[0][1]) == 10


def test_analyze_is_the_same_every_time(tmp_path: Path) -> None:
    source = write_lines(
        tmp_path / "in.jsonl", *({"id": i, "text": TEXT * (i % 5)} for i in range(40))
    )
    flags = ("--run_id", "r")
    _, once = run("analyze", source, *flags)
    _, again = run("analyze", source, *flags)
    assert once == again
    assert not source.with_name("out.jsonl.dead_letters.jsonl").exists()


def test_extract_reads_pages_from_lines_and_files(tmp_path: Path) -> None:
    sentence = "The harbour authority said that the northern pier would stay closed until spring."
    html = f"<html><body><article><h1>Pier</h1><p>{sentence}</p></article></body></html>"
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    items = [
        {"id": "html", "html": html, "url": "https://a.example/1"},
        {"id": "path", "path": "page.html"},
        {"id": "missing", "path": "none.html"},
        {"id": "empty", "html": ""},
        {"id": "neither"},
    ]
    source = write_lines(tmp_path / "in.jsonl", *items, *BAD_LINES)
    code, lines = run("extract", source, "--max_dead_letter_ratio", "0.9")
    assert code == 0
    assert [line["id"] for line in lines] == [item["id"] for item in items]
    keys = ["id", "title", "authors", "text", "canonical_url", "language", "site_name", "date"]
    keys += ["modified_at", "summary", "image_url", "section", "tags", "truncated_or_paywalled"]
    assert all(set(keys) <= set(line) for line in lines)
    assert all(sentence in str(line["text"]) for line in lines[:2])
    assert all(line["text"] is None and line["authors"] == [] for line in lines[2:])
    dead = read_lines(source.with_name("out.jsonl.dead_letters.jsonl"))
    assert len(dead) == 7
    assert {d["error_type"] for d in dead} >= {"FileNotFoundError", "NoText", "NoPage", "BadLine"}


def test_too_many_dead_letters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_lines(tmp_path / "in.jsonl", *BAD_LINES, {"id": 1, "html": ""})
    code, _ = run("extract", source)
    assert code == 3
    assert "100% of the inputs failed (over 50%)" in capsys.readouterr().err


INGEST = "ingest --feeds https://a.example/feed --output {tmp}/out "


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "required: COMMAND"),
        ("nonsense", "invalid choice: 'nonsense'"),
        ("ingest --output {tmp}/out", "required: --feeds"),
        ("ingest --feeds {tmp}/none.txt --output {tmp}/out", "none.txt: No such file"),
        ("ingest --feeds {tmp}/words.txt --output {tmp}/out", "no feed in "),
        ("ingest --feeds {tmp} --output {tmp}/out", "Is a directory"),
        ("ingest --feeds https://a.example/ --output {tmp}/list.txt/out", "cannot write to the"),
        (INGEST + "--no_such_flag 1", "'--no_such_flag'"),
        (INGEST + "--feed x", "'--feed'"),
        (INGEST + "stray", "'stray'"),
        (INGEST + "--formats csv", "'csv' is none of jsonl, parquet"),
        (INGEST + "--formats ,", "--formats: name at least one"),
        (INGEST + "--taxonomy {tmp}/list.txt", "list.txt:2: "),
        (INGEST + "--taxonomy {tmp}/none.yaml", "none.yaml: cannot be read"),
        (INGEST + "--gazetteer {tmp}/list.txt", "list.txt:1: no header; "),
        (INGEST + "--gazetteer {tmp}/none.tsv", "none.tsv: cannot be read"),
        (
            "analyze --input {tmp}/list.txt --output {tmp}/out --gazetteer {tmp}/list.txt",
            "list.txt:1: no header; ",
        ),
        (INGEST + "--model no_such_model", "'no_such_model' is not installed"),
        (INGEST + "--max_dead_letter_ratio 2", "--max_dead_letter_ratio"),
        (INGEST + "--fetch_timeout_sec soon", "--fetch_timeout_sec: invalid float"),
        (INGEST + "--poll_interval_sec 0", "--poll_interval_sec must be above 0"),
        (INGEST + "--poll_interval_sec 5 --run_id x", "--run_id is for one run"),
        (INGEST + "--state {tmp}/list.txt/state", "cannot write to the state folder"),
        (INGEST + "--run_id ../x", "--run_id: letters"),
        (INGEST + "--runner NoSuchRunner", "--runner: Unexpected pipeline runner"),
        (INGEST + "--runner PortableRunner", "needs --job_endpoint=HOST:PORT of a job server; see"),
        (INGEST + "--runner flink", "a job server, or --flink_job_server_jar to start one; see"),
        (INGEST + "--runner PrismRunner", "or --prism_location to start one; see"),
        (INGEST + "--direct_num_workers x", "--direct_num_workers: invalid int"),
        ("analyze --input {tmp}/none --output {tmp}/out", "none: No such file"),
        ("analyze --input {tmp}/list.txt --output {tmp}/list.txt", "--output is the --input"),
        ("extract --input {tmp}/list.txt --output {tmp}/no/out", "out.part: No such file"),
    ],
)
def test_bad_usage_is_reported_in_one_sentence(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.txt").write_text("https://a.example/\nno feed: [\n")
    (tmp_path / "words.txt").write_text("no feed: [\n")
    assert run_command(arguments.format(tmp=tmp_path).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err and err.startswith("newsbeam: ") and err.count("\n") == 1
    assert not (tmp_path / "out" / "runs").is_dir() or not any((tmp_path / "out/runs").iterdir())


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(["ingest", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(f"--{flag}" in text for flag in ("feeds", "output", "fetch_timeout_sec", "model"))
    assert "(default 30.0)" in text and "Exit codes" in text


def test_topics_of_quotes_are_separate_from_those_of_the_text(tmp_path: Path) -> None:
    text = "It rained. “We will deport them,” Lena Maris said. " + "The fair went on. " * 200
    (found,) = run("analyze", write_lines(tmp_path / "in.jsonl", {"id": 1, "text": text}))[1]
    (quote,) = found["quotes"]
    assert found["topics"] == []
    assert [t["id"] for t in found["quote_topics"]] == quote["topics"]
    assert "deportation" in quote["topics"]
    assert {t["quote_id"] for t in found["quote_topics"]} == {quote["quote_id"]}
