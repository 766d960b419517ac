"""The commands `taxonomy check`, `explain` and `suggest`."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.commands.taxonomy_report import format_suggestions
from tests.support.command_line import LOCAL, Command
from tests.support.taxonomies import HEAD, format_topic, write_taxonomy
from tests.support.web_server import WebReply, WebServer
from transforms.language.topics.phrase_candidates import PhraseCounts
from transforms.language.topics.taxonomy_file import SHIPPED_TAXONOMY, load_taxonomy
from transforms.language.topics.taxonomy_suggest import SuggestedPhrase, Suggestions

ROOT = Path(__file__).parents[3]
LAW = format_topic("law", "l-1 1: court*, judge", threshold=0.4)
CRIME = format_topic("crime", "c-1 2: murder*", threshold=0.3, more="parent: law")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys, "taxonomy")


@pytest.fixture
def taxonomy_file(tmp_path: Path) -> Path:
    return write_taxonomy(tmp_path, LAW, CRIME)


def write_json_lines(
    folder: Path, rows: Sequence[dict[str, Any]], name: str = "texts.jsonl"
) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_check_lists_findings(command: Command, tmp_path: Path) -> None:
    bad = write_taxonomy(
        tmp_path, format_topic("law", "a 2: deport*, deported"), LAW.replace("law", "bench")
    )
    done = command("check", bad)
    assert (done.code, done.err) == (0, "")
    first, last = done.lines
    assert first.startswith(f'{bad}:12: warning: law: "deported" (weight 2) never counts')
    assert last == (
        "topics: 2, rules: 2, phrases: 4, patterns: 0, errors: 0, warnings: 1, notes: 0"
    )
    strict = command("check", bad, "--strict")
    assert (strict.code, strict.out) == (1, done.out)
    assert strict.err == "newsbeam: 1 warnings, and --strict allows none\n"


def test_check_strict_passes_notes(command: Command, tmp_path: Path) -> None:
    fine = write_taxonomy(tmp_path, LAW, head=HEAD.replace("2026-07-02", "2026-01-01"))
    done = command("check", "--strict", fine)
    assert done.code == 0
    assert done.lines[0].startswith(f"{fine}:2: note: iptc_release is 2026-01-01")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (HEAD + LAW.replace("0.4", "4"), ":9: error: threshold must lie between 0 and 1"),
        (HEAD + LAW + "\t", ":13: error: found character that cannot start any token;"),
        ("", ":1: error: empty; write version, iptc_release, fields and topics"),
    ],
)
def test_a_file_that_cannot_be_used(
    command: Command, tmp_path: Path, text: str, finding: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    done = command("check", path)
    assert done.code == 2
    assert done.out.startswith(f"{path}{finding}") and done.out.count("\n") == 1
    assert done.err == f"newsbeam: {path} cannot be used; correct it and check again\n"
    for action in (("explain", "--text", "x"), ("suggest", tmp_path, "--topic", "law")):
        done = command(*action, "--taxonomy", path)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"newsbeam: {path}:{finding.split(':')[1]}: ")


def test_a_file_that_is_not_there(command: Command, tmp_path: Path) -> None:
    missing = tmp_path / "no\x1b[2J.yaml"
    done = command("check", missing)
    assert done.code == 2 and "\x1b" not in done.out + done.err
    assert done.out.startswith(f"{tmp_path}/no[2J.yaml: error: cannot be read (")


def test_check_overlaps(command: Command, tmp_path: Path) -> None:
    shared = (
        format_topic("a", "r 1: fire, smoke, flame, ash"),
        format_topic("b", "s 1: fire, smoke, flame, ash"),
    )
    path = write_taxonomy(tmp_path, *shared)
    assert len(command("check", path).lines) == 1
    assert "a: shares 4 phrases with b" in command("check", path, "--overlaps").lines[0]


def test_check_against_texts(command: Command, tmp_path: Path, taxonomy_file: Path) -> None:
    rows = [{"text": "A murder.", "title": "Murder"}, {"content_original": "A courtroom."}]
    done = command("check", taxonomy_file, "--texts", write_json_lines(tmp_path, rows))
    assert done.lines[0] == (
        f'{taxonomy_file}:12: note: law: rule l-1: 1 of 2 never counted in these texts: "judge"'
    )
    table = [line.split() for line in done.lines[2:5]]
    assert table == [
        ["topic", "given", "matched", "matches"],
        ["law", "1", "2", "3"],
        ["crime", "1", "1", "2"],
    ]
    assert "texts: 2" in done.lines
    bad = command(
        "check", taxonomy_file, "--texts", write_json_lines(tmp_path, [{"title": "x"}], "bad.jsonl")
    )
    assert bad.code == 2 and "bad.jsonl:1: content_original is missing" in bad.err
    missing = command("check", taxonomy_file, "--texts", tmp_path / "none.jsonl")
    assert missing.code == 2 and "none.jsonl: cannot be read" in missing.err


def test_the_shipped_taxonomy_has_no_errors_and_no_codes_unknown(command: Command) -> None:
    done = command("check")
    assert done.code == 0 and "errors: 0" in done.lines[-1]
    assert all(line.startswith(f"{SHIPPED_TAXONOMY}:") for line in done.lines[:-1])
    assert "no IPTC Media Topic" not in done.out and "stands in line" not in done.out


def test_explain_shows_numbers_that_add_up(command: Command, taxonomy_file: Path) -> None:
    text = "A murder in court. " + "They were all there again. " * 40 + "murders " * 40
    done = command("explain", "--taxonomy", taxonomy_file, "--text", text, "--title", "The judge")
    assert (done.code, done.err) == (0, "")
    assert all(len(line) <= 100 for line in done.lines)
    head, topics, _, law, score, *rest = done.lines
    assert head == "title of 2 words, text of 244, its lede 120; taxonomy 1"
    assert (topics, law) == ("topics: law, crime", "law (The law): given")
    part = rest[: rest.index("")]
    numbers = [float(line.split()[0]) for line in part[1:]]
    *worths, evidence, needed, by_rules = numbers
    worth = ("1", "x", "title", "8", "/", "1", "l-1")
    assert part[0] == "   worth = weight x field / rank"
    assert part[1].split() == ["8.000", "=", *worth, '"judge"', "judge"]
    assert part[26].split()[1:] == ["of", "18", "more", "matches"]
    assert len(worths) == 26
    assert sum(worths) == pytest.approx(evidence, abs=0.02)
    assert by_rules == pytest.approx(evidence / (evidence + needed), abs=1e-4)
    assert score == f"  score {by_rules:.4f} reaches the threshold 0.4"
    assert "  below law, which is given: " in done.out


def test_explain_one_topic_that_the_text_lacks(command: Command, taxonomy_file: Path) -> None:
    options = ("explain", "--taxonomy", taxonomy_file, "--text", "Nothing.", "--topic", "crime")
    done = command(*options)
    assert "crime (The crime): NOT given" in done.lines
    assert "  score 0.0000 is below the threshold 0.3" in done.lines
    assert any("law, which is NOT given, so this cannot be" in line for line in done.lines)
    assert "  no match" in done.lines and "law (The law)" not in done.out
    found = json.loads(command(*options, "--json").out)
    assert [t["topic"] for t in found["topics"]] == ["crime"] and found["given"] == []


def test_explain_as_json(command: Command, taxonomy_file: Path) -> None:
    done = command("explain", "--taxonomy", taxonomy_file, "--text", "A murder.", "--json")
    (line,) = done.lines
    law, crime = json.loads(line)["topics"]
    assert law["matches"] == crime["matches"]
    (match,) = law["matches"]
    assert match == {
        "start": 2, "end": 8, "text": "murder", "field": "lede", "topic": "crime", "rule": "c-1",
        "phrase": "murder*", "weight": 2.0, "field_weight": 2.0, "rank": 1, "worth": 4.0,
    }  # fmt: skip
    assert sum(m["worth"] for m in law["matches"]) == law["evidence"]
    assert law["score"] == round(law["evidence"] / (law["evidence"] + law["needed"]), 4)


def test_explain_reads_files_and_standard_input(
    command: Command, taxonomy_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Cou\x07rt.\r\n\r\nThe judge’s murderer."
    path = tmp_path / "article.txt"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    arguments = ("explain", "--taxonomy", taxonomy_file, "--title", "One")
    outs = {command(*arguments, "--file", path).out, command(*arguments, "--text", text).out}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    outs.add(command(*arguments, "--text", "-").out)
    (out,) = outs
    assert "title of 1 words, text of 4" in out and "murderer" in out and " Court" in out


def test_explain_warns_that_other_languages_have_no_topics(
    command: Command, taxonomy_file: Path
) -> None:
    text = "Der Richter sprach das Urteil am Montag, und niemand war darüber sehr verwundert. " * 3
    done = command("explain", "--taxonomy", taxonomy_file, "--text", text)
    assert done.code == 0 and "seems to be de and not English" in done.err


def test_hostile_texts(command: Command, tmp_path: Path) -> None:
    path = write_taxonomy(tmp_path, LAW.replace("The law", '"The \\e[2J law"'), CRIME)
    text = "A murder\x1b[31m and a court\u2028\x9bJ \ud800 judge's " + "x" * 200_000
    title = "\x1b]0;owned\x07 murder \u0085"
    for more in ([], ["--json"]):
        done = command("explain", "--taxonomy", path, "--text", text, "--title", title, *more)
        assert done.code == 0 and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out)
    assert '"given":["crime","law"]' in done.out or '"given":["law","crime"]' in done.out


PAGE = (
    "<html lang='en'><head><title>Murder trial opens</title></head><body><article>"
    "<h1>Murder trial opens</h1><p>The judge opened the trial for the murder of two people on "
    "Monday, and the court heard from several people who had been there on that night.</p><p>The "
    "lawyers of both sides are going to speak again on Tuesday, before the court rises.</p>"
    "</article></body></html>"
)


def test_explain_a_page(command: Command, taxonomy_file: Path, web: WebServer) -> None:
    url = web.html("/trial", PAGE)
    done = command("explain", "--taxonomy", taxonomy_file, "--url", url, *LOCAL)
    assert (done.code, done.err) == (0, "")
    assert done.lines[0].startswith("title of 3 words, text of 4")
    assert done.lines[1] == "topics: law, crime"
    assert web.requests == ["/robots.txt", "/trial"]
    named = command(
        "explain",
        "--taxonomy",
        taxonomy_file,
        "--url",
        url,
        "--title",
        "",
        "--topic",
        "law",
        *LOCAL,
    )
    assert named.lines[0].startswith("title of 0 words") and "title 8" not in named.out


def test_pages_that_cannot_be_explained(
    command: Command, taxonomy_file: Path, web: WebServer
) -> None:
    web.replies["/robots.txt"] = WebReply(b"User-agent: *\nDisallow: /private")
    web.replies["/slides"] = WebReply(b"%PDF-1.7", headers={"Content-Type": "text/html"})
    web.replies["/empty"] = WebReply(b" ")
    web.replies["/data"] = WebReply(b"{}", headers={"Content-Type": "application/json"})
    web.html("/private", PAGE)
    web.html("/blank", "<html><body></body></html>")
    web.replies["/away"] = WebReply(status=302, headers={"Location": "http://10.0.0.1/"})

    def error(url: str, flags: Sequence[str] = LOCAL) -> str:
        done = command("explain", "--taxonomy", taxonomy_file, "--url", url, *flags)
        assert (done.code, done.out) == (2, "")
        (line,) = done.err.splitlines()
        return line.removeprefix(f"newsbeam: --url: {url}: ")

    assert error(web.base + "/private").startswith("RobotsDenied: robots.txt of ")
    assert error(web.base + "/private", [*LOCAL, "--robots", "pages"]).startswith("RobotsDenied")
    assert error(web.base + "/none") == "Http404: the server answered 404"
    assert error(web.base + "/slides").startswith("NotHtml: the page is a PDF document")
    assert error(web.base + "/empty") == "EmptyPage: the page is empty"
    assert error(web.base + "/data") == "NotHtml: the page is application/json"
    assert error(web.base + "/blank").startswith("NoText: ")
    assert error(web.base + "/away").startswith("PrivateAddress: 10.0.0.1 is a private address")
    assert error(web.base + "/private", []).startswith("PrivateAddress: 127.0.0.1 is a private")
    assert error("ftp://example.org/x").startswith("not a web address: ")
    assert web.requests.count("/private") == 0


def write_articles(folder: Path) -> Path:
    rows = [
        {
            "topic": "crime" if n < 40 else "sea",
            "title": "",
            "source": f"Outlet {n % 4}",
            "text": "A burglar fled. No 2020 yes-vote."
            if n < 40
            else "The tide rose. A judge swam.",
        }
        for n in range(200)
    ]
    folder.mkdir()
    return write_json_lines(folder, rows).parent


def test_suggestions_can_be_pasted(command: Command, tmp_path: Path, taxonomy_file: Path) -> None:
    folder = write_articles(tmp_path / "articles")
    done = command("suggest", folder, "--topic", "crime", "--taxonomy", taxonomy_file)
    assert (done.code, done.err) == (0, "")
    assert all(len(line) <= 100 for line in done.lines)
    assert "      - id: crime-suggested-3" in done.lines
    counts = "40 with, 0 without, precision 1.00, 4 outlets"
    phrase = rf"          - burglar fled  # z \d+\.\d, {counts}"
    assert any(re.fullmatch(phrase, line) for line in done.lines)
    assert "          #   A burglar fled. No 2020 yes-vote." in done.lines
    taxonomy_file.write_text(taxonomy_file.read_text() + done.out)
    rules = load_taxonomy(taxonomy_file).topics[1].rules
    assert [rule.id for rule in rules] == ["c-1", "crime-suggested-3"]
    assert set(rules[1].phrases) == {"burglar fled", "2020 yes vote"}
    assert command("check", taxonomy_file, "--strict").code == 0
    again = command("suggest", folder, "--topic", "crime", "--taxonomy", taxonomy_file)
    assert again.out.startswith("# 0 phrases for crime")


def test_suggest_for_a_label(command: Command, tmp_path: Path, taxonomy_file: Path) -> None:
    folder = write_articles(tmp_path / "articles")
    arguments = ("suggest", folder, "--topic", "law", "--taxonomy", taxonomy_file, "--label")
    done = command(*arguments, "crime", "--most", "1")
    assert done.lines[0].startswith("# 1 phrases for law, from 200 articles, of which 40")
    assert done.lines[-2].startswith("# Doubtful: phrases of law")
    judge = r"#   z -\d\.\d, 0 with, 160 without: line 12, l-1: judge"
    assert re.fullmatch(judge, done.lines[-1])
    nothing = command(*arguments, "fog")
    assert (nothing.code, nothing.out) == (2, "")
    assert nothing.err == "newsbeam: no article is labelled fog; labels are crime, sea\n"


def test_suggested_rules_have_unique_ids_and_quoted_texts(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(write_taxonomy(tmp_path, LAW))
    some = [
        SuggestedPhrase(phrase, PhraseCounts(5.0, 9, 1), 3, 0.5, "x \u2028 # y: [")
        for phrase in ("2020", "no", "null", "don't")
    ]
    found = Suggestions(taxonomy.topics[0], ("law",), 20, 10, 3, some, [])
    text = format_suggestions(found, {"law-suggested-0-5"})
    (tmp_path / "topics.yaml").write_text((tmp_path / "topics.yaml").read_text() + text)
    rule = load_taxonomy(tmp_path / "topics.yaml").topics[0].rules[-1]
    assert rule.id == "law-suggested-0-5-2"
    assert rule.phrases == ("2020", "no", "null", "don't")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "arguments are required: ACTION"),
        (("guess",), "invalid choice: 'guess'"),
        (("check", "--stric"), "unknown flag or argument '--stric'"),
        (("explain",), "one of the arguments --text --file --url is required"),
        (("explain", "--text", "x", "--url", "y"), "not allowed with argument"),
        (("explain", "--text", "x", "--topic", "laws"), "there is no topic 'laws', but law"),
        (("explain", "--text", "x", "--topic", "zzz"), "no topic 'zzz', but law, crime"),
        (("explain", "--file", "missing.txt"), "--file: cannot read missing.txt: No such file"),
        (("explain", "--file", str(SHIPPED_TAXONOMY.parent)), "Is a directory"),
        (("explain", "--file", sys.executable), "the text is not UTF-8"),
        (("explain", "--url", "x", "--fetch_timeout_sec", "0"), "--fetch_timeout_sec must be"),
        (("suggest", "."), "required: --topic"),
        (("suggest", ".", "--topic", "sea"), "there is no topic 'sea'"),
        (("suggest", "nowhere", "--topic", "law"), "nowhere: has no *.jsonl"),
        (("suggest", ".", "--topic", "law", "--most", "0"), "--most must be above 0"),
    ],
)
def test_wrong_usage(
    command: Command, taxonomy_file: Path, arguments: tuple[str, ...], problem: str
) -> None:
    taxonomy = (
        ("--taxonomy", taxonomy_file) if arguments[:1] in (("explain",), ("suggest",)) else ()
    )
    done = command(*arguments, *taxonomy)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err and done.err.count("\n") == 1


def test_the_pure_modules_need_neither_beam_nor_spacy() -> None:
    names = "taxonomy_check taxonomy_usage taxonomy_suggest explanation article_files"
    code = "import sys\n" + "".join(
        f"import transforms.language.topics.{name}\n" for name in names.split()
    )
    code += "print([m for m in ('apache_beam', 'spacy', 'trafilatura') if m in sys.modules])"
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=ROOT, text=True) == "[]\n"
