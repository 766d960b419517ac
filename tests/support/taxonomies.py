"""Taxonomy files for tests, as an editor writes them."""

from pathlib import Path

HEAD = """\
version: "1"
iptc_release: "2026-07-02"
fields: {title: 8, lede: 2, body: 1}
topics:
"""


def format_topic(topic_id: str, *rules: str, threshold: float = 0.5, more: str = "") -> str:
    """Return the YAML of a topic: 7 lines, then one line per rule. The first begins in line 5.

    Args:
        topic_id: Id of the topic.
        rules: Each as `ID WEIGHT: PHRASES; KEYS`.
        threshold: Its threshold.
        more: One more line with keys of the topic.
    """
    lines = [
        f"  - id: {topic_id}",
        f"    label: The {topic_id}",
        "    description: Invented.",
        '    iptc: ["20000634"]',
        f"    threshold: {threshold}",
        f"    {more or '# nothing more'}",
        "    rules:",
    ]
    for rule in rules:
        name, _, rest = rule.partition(": ")
        phrases, _, keys = rest.partition("; ")
        rule_id, _, weight = name.partition(" ")
        keys = f", {keys}" if keys else ""
        lines.append(f"      - {{id: {rule_id}, weight: {weight}, phrases: [{phrases}]{keys}}}")
    return "\n".join(lines) + "\n"


def write_taxonomy(folder: Path, *topics: str, head: str = HEAD) -> Path:
    """Write a taxonomy file with these topics; return its path."""
    path = folder / "topics.yaml"
    path.write_text(head + "".join(topics), encoding="utf-8")
    return path
