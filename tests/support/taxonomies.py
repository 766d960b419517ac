"""Invented taxonomies, as the files that an editor writes."""

from pathlib import Path

HEAD = """\
version: "1"
iptc_release: "2026-07-02"
fields: {title: 8, lede: 2, body: 1}
topics:
"""
RULES_AT = 7
"""The number of lines before the first rule of a topic; the first topic begins in line 5."""


def topic(topic_id: str, *rules: str, threshold: float = 0.5, more: str = "") -> str:
    """Return a topic: `RULES_AT` lines, then one per rule, given as `ID WEIGHT: PHRASES; KEYS`."""
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


def write(folder: Path, *topics: str, head: str = HEAD) -> Path:
    path = folder / "topics.yaml"
    path.write_text(head + "".join(topics), encoding="utf-8")
    return path
