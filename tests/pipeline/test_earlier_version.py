"""An output and a state folder of version 0.1.0 (of 2026-11-26) are continued by this version.

``data/version_0.1.0`` was written by ``newsbeam ingest --feeds feed.xml --output output`` of that
version, in the folder of ``feed.xml``. Its links lead to a private address, so each article has the
text of the feed, and no request leaves the machine.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from pipeline.cli import run_command

EARLIER: Final = Path(__file__).parent / "data" / "version_0.1.0"
NEW_ITEM: Final = """\
<item>
  <title>Pier opens again</title>
  <link>http://127.0.0.1:1/pier</link>
  <guid isPermaLink="false">pier</guid>
  <pubDate>Sat, 21 Nov 2026 08:00:00 GMT</pubDate>
  <content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/"><![CDATA[
    <p>The pier at Skerray opened again on Saturday after a storm had closed it for weeks.</p>
  ]]></content:encoded>
</item>
</channel>"""


@pytest.fixture(params=["state", "snapshot", None], ids=["run file", "snapshot", "output alone"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the feed, the output, and the state as a run file, as a snapshot, or lost."""
    shutil.copytree(EARLIER / "runs", tmp_path / "output" / "runs")
    if request.param:
        shutil.copytree(EARLIER / request.param, tmp_path / "output" / ".state")
    shutil.copy(EARLIER / "feed.xml", tmp_path)
    monkeypatch.chdir(tmp_path)  # the state names the feed by its relative path
    return tmp_path


def ingest(run_id: str) -> dict[str, Any]:
    command = ["ingest", "--feeds", "feed.xml", "--output", "output", "--run_id", run_id]
    assert run_command([*command, "--max_dead_letter_ratio", "1"]) == 0
    summary = Path("output", "runs", run_id, "summary.json").read_text(encoding="utf-8")
    outcomes: dict[str, Any] = json.loads(summary)["outcomes"]
    return outcomes


@pytest.mark.usefixtures("reused_workers")
def test_what_it_wrote_is_known_and_what_changed_is_a_new_version(folder: Path) -> None:
    feed = (folder / "feed.xml").read_text(encoding="utf-8")
    feed = feed.replace("ten percent", "twelve percent").replace("</channel>", NEW_ITEM)
    (folder / "feed.xml").write_text(feed, encoding="utf-8")
    # The entry without a text failed before: it comes from the state and from the feed.
    assert ingest("after") == {"article": 2, "known": 1, "duplicate": 1, "dead_letter": 1}
    assert ingest("again") == {"article": 0, "known": 4, "duplicate": 0, "dead_letter": 0}
    with duckdb.connect("output/newsbeam.duckdb") as db:
        rows = db.sql("SELECT title, version, run_id FROM articles ORDER BY ALL").fetchall()
        assert rows == [
            ("Council closes the harbor bridge", 1, "before"),
            ("Ferry fares rise", 1, "before"),
            ("Ferry fares rise", 2, "after"),
            ("Pier opens again", 1, "after"),
        ]
        (lineages,) = db.sql(
            "SELECT count(DISTINCT lineage_id) FROM articles WHERE title = 'Ferry fares rise'"
        ).fetchall()
        assert lineages == (1,)
        names = "SELECT DISTINCT speaker_name FROM quotes WHERE speaker_name IS NOT NULL ORDER BY 1"
        assert ("Tom Lowe",) in db.sql(names).fetchall()
