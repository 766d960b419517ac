"""The taxonomy: what a topic is, and the reading and checking of the file that says so.

The format is described at the top of `taxonomy.yaml`, the file that is shipped. Imports neither
Beam nor spaCy.
"""

import datetime as dt
import os
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.composer import Composer

from transforms.language.text_files import read_text
from transforms.language.topics.media_topics import media_topics
from transforms.language.topics.model import topic_model_labels
from transforms.language.topics.patterns import pattern_problem
from transforms.language.topics.phrases import phrase_symbols

SHIPPED_TAXONOMY = Path(__file__).with_name("taxonomy.yaml")

NEAR_WORDS: Final = 10
"""Words in which `near` and `not_near` look unless a rule says otherwise."""

_MAX_NEAR_WORDS = 50
_MAX_WEIGHT = 10.0
_MAX_FILE_BYTES = 4 << 20
_MAX_DEPTH = 20
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IPTC = re.compile(r"\d{8}")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?")


class TaxonomyError(ValueError):
    """A taxonomy that cannot be used; the message names the file, the line and the remedy."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of evidence for a topic: any of some phrases, or a pattern."""

    id: str
    """Unique in the file; `Evidence.rule`."""
    weight: float
    phrases: tuple[str, ...] = ()
    """Phrases as written in the file; empty if the rule has a pattern."""
    pattern: str | None = None
    """Regular expression of the safe subset that `load_taxonomy` admits."""
    case: bool = False
    near: tuple[str, ...] = ()
    not_near: tuple[str, ...] = ()
    within: int = NEAR_WORDS
    """Words on each side of a match in which `near` and `not_near` look."""
    lines: tuple[int, ...] = field(default=(), compare=False)
    """Lines of the file at which the phrases, or else the pattern, stand."""


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """How much a match counts by where it stands."""

    title: float
    lede: float
    body: float


@dataclass(frozen=True, slots=True)
class ModelShare:
    """What the topic model has to say in the score of a topic."""

    share: float
    """From 0, nothing, to 1, all."""
    chance: float
    """The chance by the model that is worth just the threshold, between 0 and 1."""
    sure: float
    """The score by rules from which the model cannot lower it, between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the rules by which it is recognised."""

    id: str
    label: str
    description: str
    parent: str | None
    """Id of the wider topic, for which all evidence for this one counts too."""
    iptc: tuple[str, ...]
    """IPTC Media Topic codes, 8 digits each."""
    threshold: float
    """Least score of a tag, between 0 and 1."""
    rules: tuple[Rule, ...]
    fields: FieldWeights | None = None
    """Weights in place of those of the taxonomy."""
    model: ModelShare | None = None
    """What the topic model has to say in the score, if anything."""
    line: int = field(default=0, compare=False)
    """Line of the file at which the topic begins."""
    iptc_lines: tuple[int, ...] = field(default=(), compare=False)
    """Lines of the file at which the codes stand."""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A checked taxonomy file."""

    version: str
    iptc_release: str
    """Date of the Media Topics release that the codes come from, YYYY-MM-DD."""
    fields: FieldWeights
    topics: tuple[Topic, ...]
    release_line: int = field(default=0, compare=False)
    """Line of the file at which the release stands."""

    def lineage(self, topic_id: str) -> Iterator[Topic]:
        """A topic and those above it, the widest last."""
        by_id = {topic.id: topic for topic in self.topics}
        above: str | None = topic_id
        while above is not None:
            yield by_id[above]
            above = by_id[above].parent


def load_taxonomy(path: str | os.PathLike[str] | None = None) -> Taxonomy:
    """Read and check a taxonomy file; None stands for the one that is shipped.

    Raises TaxonomyError, with file, line and remedy, for whatever is wrong with the file:
    unreadable, not UTF-8, not YAML, an unknown or missing key, a wrong type, a duplicate.
    """
    name = os.fspath(SHIPPED_TAXONOMY if path is None else path)
    text = read_text(name, most=_MAX_FILE_BYTES, remedy="split the taxonomy", error=TaxonomyError)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = error.problem or error.context
        raise TaxonomyError(f"{name}:{line}: {problem}; mend the YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise TaxonomyError(f"{name}:{line}: {error.reason}; remove the character") from error
    if root is None:
        raise TaxonomyError(f"{name}:1: empty; write version, iptc_release, fields and topics")
    return _Reader(name).taxonomy(root)


class _Loader(Composer, yaml.CSafeLoader):
    """Reads with libyaml, and refuses what a small file can grow by: aliases and deep nesting."""

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self._depth = 0

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = Composer.get_single_node(self)  # not the parser's own
        return node

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark: Any = self.peek_event().start_mark  # type: ignore[union-attr]
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="an alias (*name) is not allowed, write the value again", problem_mark=mark
            )
        if self._depth >= _MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=mark)
        self._depth += 1
        node: yaml.Node | None = Composer.compose_node(self, parent, index)
        self._depth -= 1
        return node


class _Reader:
    """Turns YAML nodes into a Taxonomy and says at which line one is wrong."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ids: dict[Hashable, int] = {}

    def fail(self, node: yaml.Node, problem: str) -> TaxonomyError:
        return TaxonomyError(f"{self._name}:{self._line(node)}: {problem}")

    @staticmethod
    def _line(node: yaml.Node) -> int:
        return int(node.start_mark.line) + 1

    def taxonomy(self, root: yaml.Node) -> Taxonomy:
        keys = self._mapping(root, "the file", {"version", "iptc_release", "fields", "topics"})
        nodes = self._items(keys["topics"], "topics")
        topics = tuple(self._topic(node) for node in nodes)
        self._check_parents(nodes, topics)
        release = self._text(keys["iptc_release"], "iptc_release")
        if not _is_date(release):
            raise self.fail(keys["iptc_release"], "iptc_release must be a date, YYYY-MM-DD")
        return Taxonomy(
            version=self._text(keys["version"], "version"),
            iptc_release=release,
            fields=self._fields(keys["fields"]),
            topics=topics,
            release_line=self._line(keys["iptc_release"]),
        )

    def _topic(self, node: yaml.Node) -> Topic:
        required = {"id", "label", "description", "iptc", "threshold", "rules"}
        keys = self._mapping(node, "a topic", required, {"parent", "fields", "model"})
        topic_id = self._id(keys["id"], "topic")
        seen: dict[Hashable, int] = {}
        rules = tuple(self._rule(item, seen) for item in self._items(keys["rules"], "rules"))
        return Topic(
            id=topic_id,
            label=self._text(keys["label"], "label"),
            description=self._text(keys["description"], "description"),
            parent=self._text(keys["parent"], "parent") if "parent" in keys else None,
            iptc=self._codes(keys["iptc"]),
            threshold=self._between(keys["threshold"], "threshold"),
            rules=rules,
            fields=self._fields(keys["fields"]) if "fields" in keys else None,
            model=self._model(keys["model"], topic_id) if "model" in keys else None,
            line=self._line(node),
            iptc_lines=tuple(map(self._line, self._items(keys["iptc"], "iptc"))),
        )

    def _codes(self, node: yaml.Node) -> tuple[str, ...]:
        codes = self._texts(node, "iptc")
        seen: dict[Hashable, int] = {}
        for code, item in zip(codes, self._items(node, "iptc"), strict=True):
            if not _IPTC.fullmatch(code):
                raise self.fail(item, f"{code!r} is no Media Topic code; write 8 digits in quotes")
            known = media_topics().get(code)
            if known and known.retired:
                raise self.fail(item, f"{code} ({known.label}) is retired; use another code")
            self._once(item, f"code {code}", code, seen)
        return codes

    def _fields(self, node: yaml.Node) -> FieldWeights:
        keys = self._mapping(node, "fields", {"title", "lede", "body"})
        return FieldWeights(**{name: self._weight(value, name) for name, value in keys.items()})

    def _rule(self, node: yaml.Node, seen: dict[Hashable, int]) -> Rule:
        optional = {"phrases", "pattern", "case", "near", "not_near", "within"}
        keys = self._mapping(node, "a rule", {"id", "weight"}, optional)
        if ("phrases" in keys) == ("pattern" in keys):
            raise self.fail(node, "a rule needs either phrases or a pattern, and not both")
        if "within" in keys and not keys.keys() & {"near", "not_near"}:
            raise self.fail(keys["within"], "within needs near or not_near; add one or remove it")
        case = "case" in keys and self._flag(keys["case"], "case")
        phrases: tuple[str, ...] = ()
        nodes = [keys.get("pattern", node)]
        if "phrases" in keys:
            phrases = self._phrases(keys["phrases"], "phrases", case, seen)
            nodes = self._items(keys["phrases"], "phrases")
        pattern = None
        if "pattern" in keys:
            pattern = self._text(keys["pattern"], "pattern")
            problem = pattern_problem(pattern)
            if problem:
                raise self.fail(keys["pattern"], f"pattern {pattern!r} {problem}")
            self._once(keys["pattern"], f"pattern {pattern!r}", (pattern, case), seen)
        within = self._number(keys["within"], "within") if "within" in keys else NEAR_WORDS
        if within != int(within) or not 1 <= within <= _MAX_NEAR_WORDS:
            raise self.fail(keys["within"], f"within must be a number from 1 to {_MAX_NEAR_WORDS}")
        return Rule(
            id=self._id(keys["id"], "rule"),
            weight=self._weight(keys["weight"], "weight"),
            phrases=phrases,
            pattern=pattern,
            case=case,
            near=self._context(keys["near"], "near") if "near" in keys else (),
            not_near=self._context(keys["not_near"], "not_near") if "not_near" in keys else (),
            within=int(within),
            lines=tuple(map(self._line, nodes)),
        )

    def _phrases(
        self, node: yaml.Node, what: str, case: bool, seen: dict[Hashable, int]
    ) -> tuple[str, ...]:
        phrases = self._texts(node, what)
        for phrase, item in zip(phrases, self._items(node, what), strict=True):
            try:
                symbols = phrase_symbols(phrase, case)
            except ValueError as error:
                raise self.fail(item, f"{what}: {phrase!r} {error}") from error
            self._once(item, f"phrase {phrase!r}", symbols, seen)
        return phrases

    def _context(self, node: yaml.Node, what: str) -> tuple[str, ...]:
        words = self._phrases(node, what, False, {})
        for word, item in zip(words, self._items(node, what), strict=True):
            if len(phrase_symbols(word, False)) > 1:
                raise self.fail(item, f"{what}: {word!r} must be a single word")
        return words

    def _check_parents(self, nodes: list[yaml.Node], topics: tuple[Topic, ...]) -> None:
        parents = {topic.id: topic.parent for topic in topics}
        for node, topic in zip(nodes, topics, strict=True):
            above, steps = topic.parent, 0
            while above is not None:
                if above not in parents:
                    raise self.fail(node, f"parent {above!r} of {topic.id!r} is no topic here")
                steps += 1
                if steps > len(topics):
                    raise self.fail(node, f"{topic.id!r} is its own ancestor; mend its parent")
                above = parents[above]

    def _mapping(
        self, node: yaml.Node, what: str, required: set[str], optional: Iterable[str] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.fail(node, f"{what} must be a mapping of keys to values")
        known = required | set(optional)
        keys: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key not in known:
                names = ", ".join(sorted(known))
                raise self.fail(key_node, f"unknown key {key!r} in {what}; known are {names}")
            if key in keys:
                raise self.fail(key_node, f"key {key!r} stands twice in {what}; remove one")
            keys[key] = value
        missing = ", ".join(sorted(required - keys.keys()))
        if missing:
            raise self.fail(node, f"{what} lacks {missing}; add it")
        return keys

    def _items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self.fail(node, f"{what} must be a list that is not empty")
        items: list[yaml.Node] = node.value
        return items

    def _texts(self, node: yaml.Node, what: str) -> tuple[str, ...]:
        return tuple(self._text(item, what) for item in self._items(node, what))

    def _text(self, node: yaml.Node, what: str) -> str:
        value = self._scalar(node, what, "str")
        if not value.strip():
            raise self.fail(node, f"{what} is empty; write a text or remove it")
        return value

    def _flag(self, node: yaml.Node, what: str) -> bool:
        return self._scalar(node, what, "bool").lower() in {"true", "yes", "on"}

    def _number(self, node: yaml.Node, what: str) -> float:
        value = self._scalar(node, what, "int", "float")
        if not _NUMBER.fullmatch(value):
            raise self.fail(node, f"{what} must be a plain number such as 1.5, not {value!r}")
        return float(value)

    def _model(self, node: yaml.Node, topic_id: str) -> ModelShare:
        keys = self._mapping(node, "model", {"share", "chance", "sure"})
        if topic_id not in topic_model_labels():
            raise self.fail(node, f"the topic model has no label {topic_id!r}; remove model")
        share = self._number(keys["share"], "share")
        if not 0 < share <= 1:
            raise self.fail(keys["share"], "share must be above 0 and at most 1")
        return ModelShare(
            share=share,
            chance=self._between(keys["chance"], "chance"),
            sure=self._between(keys["sure"], "sure"),
        )

    def _between(self, node: yaml.Node, what: str) -> float:
        number = self._number(node, what)
        if not 0 < number < 1:
            raise self.fail(node, f"{what} must lie between 0 and 1")
        return number

    def _weight(self, node: yaml.Node, what: str) -> float:
        weight = self._number(node, what)
        if not 0 < weight <= _MAX_WEIGHT:
            raise self.fail(node, f"{what} must be above 0 and at most {_MAX_WEIGHT:g}")
        return weight

    def _scalar(self, node: yaml.Node, what: str, *types: str) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag in {
            f"tag:yaml.org,2002:{name}" for name in types
        }:
            return str(node.value)
        shown = repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        wanted = {"str": "a text (put it in quotes)", "bool": "true or false"}
        raise self.fail(node, f"{what} must be {wanted.get(types[0], 'a number')}, not {shown}")

    def _id(self, node: yaml.Node, what: str) -> str:
        name = self._text(node, f"{what} id")
        if not _ID.fullmatch(name):
            raise self.fail(node, f"{what} id {name!r}: use a-z, 0-9 and single hyphens")
        self._once(node, f"{what} id {name!r}", f"{what} {name}", self._ids)
        return name

    def _once(self, node: yaml.Node, what: str, key: Hashable, seen: dict[Hashable, int]) -> None:
        if key in seen:
            raise self.fail(node, f"{what} stands in line {seen[key]} already; remove one")
        seen[key] = self._line(node)


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
