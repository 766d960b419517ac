"""Reading and checking of taxonomy files.

The head of `taxonomy.yaml`, the shipped taxonomy, describes the format. Imports neither Beam nor
spaCy.
"""

import datetime as dt
import os
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final, TypeAlias, cast

import yaml
from yaml.composer import Composer

from transforms.language.text_files import read_text
from transforms.language.topics.media_topics import load_media_topics
from transforms.language.topics.model import load_topic_model_labels
from transforms.language.topics.patterns import find_pattern_problem
from transforms.language.topics.symbols import parse_phrase
from transforms.language.topics.taxonomy import (
    DEFAULT_WITHIN_WORDS,
    FieldWeights,
    ModelSettings,
    Rule,
    Taxonomy,
    Topic,
)

SHIPPED_TAXONOMY: Final = Path(__file__).with_name("taxonomy.yaml")

_MAX_WITHIN_WORDS: Final = 50
_MAX_WEIGHT: Final = 10.0
_MAX_FILE_BYTES: Final = 4 << 20
_MAX_NESTING: Final = 20
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IPTC_CODE: Final = re.compile(r"\d{8}")
_NUMBER: Final = re.compile(r"\d{1,6}(?:\.\d{1,6})?")

_Lines: TypeAlias = dict[Hashable, int]
"""The line of each value that must be unique, by the value."""


class TaxonomyError(ValueError):
    """A taxonomy that cannot be used; the message names the file, the line and the remedy."""


def load_taxonomy(path: str | os.PathLike[str] | None = None) -> Taxonomy:
    """Read and check a taxonomy file.

    Args:
        path: The file, local or at a URL that Beam reads; None stands for the shipped one.

    Raises:
        TaxonomyError: the file cannot be used. It is unreadable, not UTF-8 or not YAML, or it has
            an unknown, missing or repeated key, a wrong type or a duplicate. The message has file,
            line and remedy.
    """
    name = os.fspath(SHIPPED_TAXONOMY if path is None else path)
    text = read_text(
        name, max_bytes=_MAX_FILE_BYTES, remedy="split the taxonomy", error=TaxonomyError
    )
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = error.problem or error.context
        raise TaxonomyError(f"{name}:{line}: {problem}; correct the YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise TaxonomyError(f"{name}:{line}: {error.reason}; remove the character") from error
    if root is None:
        raise TaxonomyError(f"{name}:1: empty; write version, iptc_release, fields and topics")
    return _TaxonomyReader(name).read_taxonomy(root)


class _Loader(Composer, yaml.CSafeLoader):
    """A YAML loader on libyaml that refuses aliases and deep nesting.

    With either, a small file could take a lot of memory or stack.
    """

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self._nesting = 0

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = Composer.get_single_node(self)  # not that of the C parser
        return node

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = cast(yaml.Mark, self.peek_event().start_mark)  # type: ignore[union-attr]
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="an alias (*name) is not allowed, write the value again", problem_mark=mark
            )
        if self._nesting >= _MAX_NESTING:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=mark)
        self._nesting += 1
        node: yaml.Node | None = Composer.compose_node(self, parent, index)
        self._nesting -= 1
        return node


class _TaxonomyReader:
    """Turns YAML nodes into a Taxonomy. Errors name the line of the node that is wrong."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ids: _Lines = {}

    def _error(self, node: yaml.Node, problem: str) -> TaxonomyError:
        return TaxonomyError(f"{self._name}:{self._line_of(node)}: {problem}")

    @staticmethod
    def _line_of(node: yaml.Node) -> int:
        return int(node.start_mark.line) + 1

    def read_taxonomy(self, root: yaml.Node) -> Taxonomy:
        """Return the taxonomy of the root node, or raise TaxonomyError."""
        keys = self._read_mapping(root, "the file", {"version", "iptc_release", "fields", "topics"})
        nodes = self._read_items(keys["topics"], "topics")
        topics = tuple(self._read_topic(node) for node in nodes)
        self._check_parents(nodes, topics)
        release = self._read_string(keys["iptc_release"], "iptc_release")
        if not _is_date(release):
            raise self._error(keys["iptc_release"], "iptc_release must be a date, YYYY-MM-DD")
        return Taxonomy(
            version=self._read_string(keys["version"], "version"),
            iptc_release=release,
            fields=self._read_field_weights(keys["fields"]),
            topics=topics,
            release_line=self._line_of(keys["iptc_release"]),
        )

    def _read_topic(self, node: yaml.Node) -> Topic:
        required = {"id", "label", "description", "iptc", "threshold", "rules"}
        keys = self._read_mapping(node, "a topic", required, {"parent", "fields", "model"})
        topic_id = self._read_id(keys["id"], "topic")
        seen: _Lines = {}
        rules = tuple(
            self._read_rule(item, seen) for item in self._read_items(keys["rules"], "rules")
        )
        return Topic(
            id=topic_id,
            label=self._read_string(keys["label"], "label"),
            description=self._read_string(keys["description"], "description"),
            parent=self._read_string(keys["parent"], "parent") if "parent" in keys else None,
            iptc=self._read_codes(keys["iptc"]),
            threshold=self._read_fraction(keys["threshold"], "threshold"),
            rules=rules,
            fields=self._read_field_weights(keys["fields"]) if "fields" in keys else None,
            model=self._read_model_settings(keys["model"], topic_id) if "model" in keys else None,
            line=self._line_of(node),
            iptc_lines=tuple(map(self._line_of, self._read_items(keys["iptc"], "iptc"))),
        )

    def _read_codes(self, node: yaml.Node) -> tuple[str, ...]:
        codes = self._read_strings(node, "iptc")
        seen: _Lines = {}
        for code, item in zip(codes, self._read_items(node, "iptc"), strict=True):
            if not _IPTC_CODE.fullmatch(code):
                raise self._error(
                    item, f"{code!r} is not a Media Topic code; write 8 digits in quotes"
                )
            concept = load_media_topics().get(code)
            if concept and concept.retired:
                raise self._error(item, f"{code} ({concept.label}) is retired; use another code")
            self._check_unique(item, f"code {code}", code, seen)
        return codes

    def _read_field_weights(self, node: yaml.Node) -> FieldWeights:
        keys = self._read_mapping(node, "fields", {"title", "lede", "body"})
        return FieldWeights(
            **{name: self._read_weight(value, name) for name, value in keys.items()}
        )

    def _read_rule(self, node: yaml.Node, seen: _Lines) -> Rule:
        optional = {"phrases", "pattern", "case", "near", "not_near", "within"}
        keys = self._read_mapping(node, "a rule", {"id", "weight"}, optional)
        if ("phrases" in keys) == ("pattern" in keys):
            raise self._error(node, "a rule needs either phrases or a pattern, and not both")
        if "within" in keys and not keys.keys() & {"near", "not_near"}:
            raise self._error(keys["within"], "within needs near or not_near; add one or remove it")
        case = "case" in keys and self._read_flag(keys["case"], "case")
        phrases: tuple[str, ...] = ()
        nodes = [keys.get("pattern", node)]
        if "phrases" in keys:
            phrases = self._read_phrases(keys["phrases"], "phrases", case, seen)
            nodes = self._read_items(keys["phrases"], "phrases")
        pattern = None
        if "pattern" in keys:
            pattern = self._read_string(keys["pattern"], "pattern")
            problem = find_pattern_problem(pattern)
            if problem:
                raise self._error(keys["pattern"], f"pattern {pattern!r} {problem}")
            self._check_unique(keys["pattern"], f"pattern {pattern!r}", (pattern, case), seen)
        within: float = DEFAULT_WITHIN_WORDS
        if "within" in keys:
            within = self._read_number(keys["within"], "within")
        if within != int(within) or not 1 <= within <= _MAX_WITHIN_WORDS:
            raise self._error(
                keys["within"], f"within must be a whole number from 1 to {_MAX_WITHIN_WORDS}"
            )
        return Rule(
            id=self._read_id(keys["id"], "rule"),
            weight=self._read_weight(keys["weight"], "weight"),
            phrases=phrases,
            pattern=pattern,
            case=case,
            near=self._read_context_words(keys, "near"),
            not_near=self._read_context_words(keys, "not_near"),
            within=int(within),
            lines=tuple(map(self._line_of, nodes)),
        )

    def _read_phrases(
        self, node: yaml.Node, what: str, case: bool, seen: _Lines
    ) -> tuple[str, ...]:
        phrases = self._read_strings(node, what)
        for phrase, item in zip(phrases, self._read_items(node, what), strict=True):
            try:
                symbols = parse_phrase(phrase, case=case)
            except ValueError as error:
                raise self._error(item, f"{what}: {phrase!r} {error}") from error
            self._check_unique(item, f"phrase {phrase!r}", symbols, seen)
        return phrases

    def _read_context_words(self, keys: dict[str, yaml.Node], what: str) -> tuple[str, ...]:
        if what not in keys:
            return ()
        node = keys[what]
        words = self._read_phrases(node, what, False, {})
        for word, item in zip(words, self._read_items(node, what), strict=True):
            if len(parse_phrase(word, case=False)) > 1:
                raise self._error(item, f"{what}: {word!r} must be a single word")
        return words

    def _check_parents(self, nodes: list[yaml.Node], topics: tuple[Topic, ...]) -> None:
        parents = {topic.id: topic.parent for topic in topics}
        for node, topic in zip(nodes, topics, strict=True):
            ancestor, steps = topic.parent, 0
            while ancestor is not None:
                if ancestor not in parents:
                    raise self._error(
                        node, f"parent {ancestor!r} of {topic.id!r} is not a topic of this file"
                    )
                steps += 1
                if steps > len(topics):
                    raise self._error(node, f"{topic.id!r} is its own ancestor; change its parent")
                ancestor = parents[ancestor]

    def _read_mapping(
        self, node: yaml.Node, what: str, required: set[str], optional: Iterable[str] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{what} must be a mapping of keys to values")
        known = required | set(optional)
        keys: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key not in known:
                names = ", ".join(sorted(known))
                raise self._error(key_node, f"unknown key {key!r} in {what}; known are {names}")
            if key in keys:
                raise self._error(key_node, f"key {key!r} is twice in {what}; remove one")
            keys[key] = value
        missing = ", ".join(sorted(required - keys.keys()))
        if missing:
            raise self._error(node, f"{what} lacks {missing}; add it")
        return keys

    def _read_items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self._error(node, f"{what} must be a list that is not empty")
        items: list[yaml.Node] = node.value
        return items

    def _read_strings(self, node: yaml.Node, what: str) -> tuple[str, ...]:
        return tuple(self._read_string(item, what) for item in self._read_items(node, what))

    def _read_string(self, node: yaml.Node, what: str) -> str:
        value = self._read_scalar(node, what, "str")
        if not value.strip():
            raise self._error(node, f"{what} is empty; write a text or remove it")
        return value

    def _read_flag(self, node: yaml.Node, what: str) -> bool:
        return self._read_scalar(node, what, "bool").lower() in {"true", "yes", "on"}

    def _read_number(self, node: yaml.Node, what: str) -> float:
        value = self._read_scalar(node, what, "int", "float")
        if not _NUMBER.fullmatch(value):
            raise self._error(node, f"{what} must be a plain number such as 1.5, not {value!r}")
        return float(value)

    def _read_model_settings(self, node: yaml.Node, topic_id: str) -> ModelSettings:
        keys = self._read_mapping(node, "model", {"share", "chance", "sure"})
        if topic_id not in load_topic_model_labels():
            raise self._error(node, f"the topic model has no label {topic_id!r}; remove model")
        share = self._read_number(keys["share"], "share")
        if not 0 < share <= 1:
            raise self._error(keys["share"], "share must be above 0 and at most 1")
        return ModelSettings(
            share=share,
            chance=self._read_fraction(keys["chance"], "chance"),
            sure=self._read_fraction(keys["sure"], "sure"),
        )

    def _read_fraction(self, node: yaml.Node, what: str) -> float:
        number = self._read_number(node, what)
        if not 0 < number < 1:
            raise self._error(node, f"{what} must lie between 0 and 1")
        return number

    def _read_weight(self, node: yaml.Node, what: str) -> float:
        weight = self._read_number(node, what)
        if not 0 < weight <= _MAX_WEIGHT:
            raise self._error(node, f"{what} must be above 0 and at most {_MAX_WEIGHT:g}")
        return weight

    def _read_scalar(self, node: yaml.Node, what: str, *types: str) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag in {
            f"tag:yaml.org,2002:{name}" for name in types
        }:
            return str(node.value)
        shown = repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        expected = {"str": "a text (put it in quotes)", "bool": "true or false"}
        raise self._error(node, f"{what} must be {expected.get(types[0], 'a number')}, not {shown}")

    def _read_id(self, node: yaml.Node, what: str) -> str:
        name = self._read_string(node, f"{what} id")
        if not _ID.fullmatch(name):
            raise self._error(node, f"{what} id {name!r}: use a-z, 0-9 and single hyphens")
        self._check_unique(node, f"{what} id {name!r}", f"{what} {name}", self._ids)
        return name

    def _check_unique(self, node: yaml.Node, what: str, key: Hashable, seen: _Lines) -> None:
        if key in seen:
            raise self._error(node, f"{what} is already in line {seen[key]}; remove one")
        seen[key] = self._line_of(node)


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
