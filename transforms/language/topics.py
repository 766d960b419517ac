"""Topic tags by rules, with their evidence: a taxonomy file, and the tagger made from it.

The taxonomy is the only place that says what a topic is; its format is described at the top of
`taxonomy.yaml`. Imports neither Beam nor spaCy.
"""

import datetime as dt
import heapq
import math
import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from schemas import Evidence, TopicTag, stable_id

SHIPPED_TAXONOMY = Path(__file__).with_name("taxonomy.yaml")

MAX_EVIDENCE = 20
"""Matches that a tag quotes at most, for the text and for the title each."""

LEDE_WORDS = 60
"""The lede is the first paragraphs until they have this many words, and never more than twice
as many."""

SATURATION = 10.0
"""Evidence with which a text of `USUAL_WORDS` words scores 0.5."""

USUAL_WORDS = 600

LEAST_WORDS = 60
"""Shorter texts and spans are scored as if they had this many words."""

SPAN_SCORE = 0.38
"""Least score of a span on its own: one strong match (weight 2) in up to `LEAST_WORDS` words."""

SPAN_SCORE_IN_TOPIC = 0.24
"""Least score of a span whose article has the topic: one supporting match (weight 1) does."""

_NEAR_WORDS = 10
_MAX_NEAR_WORDS = 50
_MAX_PHRASE_WORDS = 8
_MAX_WEIGHT = 10.0
_MAX_FILE_BYTES = 4 << 20
_MAX_PATTERN_WIDTH = 200
_MAX_PATTERN_WAYS = 1000
_MIN_PREFIX = 3
_WORD_CACHE = 1 << 16

# Group 1 is the word without a possessive 's. "U.S." and "I.C.E." are one word each.
_WORD = re.compile(
    r"((?:[^\W\d_]\.){2,}|[^\W_]+(?:['’ʼ](?![sS]\b)[^\W_]+)*)(?:['’ʼ][sS]\b)?",
)
# What may stand between two words of a phrase: never the end of a sentence or a paragraph.
_GAP = re.compile(r"(?:['’ʼ][sS]?)?[ \t\u00a0\u2007-\u200a\u202f\u2010-\u2013-]{1,3}")
_PHRASE = re.compile(rf"(?:{_WORD.pattern})(\*?)")
# The safe subset of regular expressions, part by part.
_PATTERN_PART = re.compile(
    r"(?P<boundary>\\b)"
    r"|(?P<char>\\[dwsDWSnt]|\\[^\w\s]|[^\\\[\](){}|?*+^$]"
    r"|\[\^?(?:\\[dwsDWSnt]|\\[^\w\s]|[^\[\]\\&|~-]|-(?!-))+\])"
    r"|(?P<open>\(\?:)|(?P<close>\))|(?P<or>\|)"
    r"|(?P<repeat>\?|\{\d{1,3}(?:,\d{1,3})?\})"
    r"|(?P<other>.)",
    re.DOTALL,
)
_WORD_START = r"(?<![^\W_])"
_WORD_END = r"(?![^\W_])"
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IPTC = re.compile(r"\d{8}")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?")
_RELEASE = re.compile(r"\d{4}-\d{2}-\d{2}")


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
    within: int = _NEAR_WORDS
    """Words on each side of a match in which `near` and `not_near` look."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the rules by which it is recognised."""

    id: str
    label: str
    description: str
    parent: str | None
    """Id of the wider topic. It groups topics; tags are not passed on to it."""
    iptc: tuple[str, ...]
    """IPTC Media Topic codes, 8 digits each."""
    threshold: float
    """Least score of a tag, between 0 and 1."""
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """How much a match counts by where it stands."""

    title: float
    lede: float
    body: float


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A checked taxonomy file."""

    version: str
    iptc_release: str
    """Date of the Media Topics release that the codes come from, YYYY-MM-DD."""
    fields: FieldWeights
    topics: tuple[Topic, ...]


def load_taxonomy(path: str | os.PathLike[str] | None = None) -> Taxonomy:
    """Read and check a taxonomy file; None stands for the one that is shipped.

    Raises TaxonomyError, with file, line and remedy, for whatever is wrong with the file:
    unreadable, not UTF-8, not YAML, an unknown or missing key, a wrong type, a duplicate.
    """
    name = os.fspath(SHIPPED_TAXONOMY if path is None else path)
    try:
        raw = Path(name).read_bytes()
    except (OSError, ValueError) as error:
        raise TaxonomyError(f"{name}: cannot be read ({error}); give a readable file") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise TaxonomyError(f"{name}: larger than {_MAX_FILE_BYTES} bytes; split the taxonomy")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TaxonomyError(f"{name}:{line}: not UTF-8; save the file as UTF-8") from error
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise TaxonomyError(f"{where}: {error.problem or error}; mend the YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise TaxonomyError(f"{name}:{line}: {error.reason}; remove the character") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise TaxonomyError(f"{name}: {error}; mend the YAML") from error
    if root is None:
        raise TaxonomyError(f"{name}:1: empty; write version, iptc_release, fields and topics")
    return _Reader(name).taxonomy(root)


class _Loader(yaml.SafeLoader):
    """Refuses aliases: a few of them can stand for a file of any size."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="an alias (*name) is not allowed, write the value again", problem_mark=mark
            )
        return super().compose_node(parent, index)


class _Reader:
    """Turns YAML nodes into a Taxonomy and says at which line one is wrong."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ids: dict[Hashable, int] = {}

    def fail(self, node: yaml.Node, problem: str) -> TaxonomyError:
        return TaxonomyError(f"{self._name}:{node.start_mark.line + 1}: {problem}")

    def taxonomy(self, root: yaml.Node) -> Taxonomy:
        keys = self._mapping(root, "the file", {"version", "iptc_release", "fields", "topics"})
        weights = self._mapping(keys["fields"], "fields", {"title", "lede", "body"})
        nodes = self._items(keys["topics"], "topics")
        topics = tuple(self._topic(node) for node in nodes)
        self._check_parents(nodes, topics)
        release = self._text(keys["iptc_release"], "iptc_release")
        if not _RELEASE.fullmatch(release):
            raise self.fail(keys["iptc_release"], "iptc_release must be a date, YYYY-MM-DD")
        return Taxonomy(
            version=self._text(keys["version"], "version"),
            iptc_release=release,
            fields=FieldWeights(**{k: self._weight(v, k) for k, v in weights.items()}),
            topics=topics,
        )

    def _topic(self, node: yaml.Node) -> Topic:
        required = {"id", "label", "description", "iptc", "threshold", "rules"}
        keys = self._mapping(node, "a topic", required, {"parent"})
        codes = self._texts(keys["iptc"], "iptc")
        for code, item in zip(codes, self._items(keys["iptc"], "iptc"), strict=True):
            if not _IPTC.fullmatch(code):
                raise self.fail(item, f"{code!r} is no Media Topic code; write 8 digits in quotes")
        threshold = self._number(keys["threshold"], "threshold")
        if not 0 < threshold < 1:
            raise self.fail(keys["threshold"], "threshold must lie between 0 and 1")
        topic_id = self._id(keys["id"], "topic")
        seen: dict[Hashable, int] = {}
        rules = tuple(self._rule(item, seen) for item in self._items(keys["rules"], "rules"))
        return Topic(
            id=topic_id,
            label=self._text(keys["label"], "label"),
            description=self._text(keys["description"], "description"),
            parent=self._text(keys["parent"], "parent") if "parent" in keys else None,
            iptc=codes,
            threshold=threshold,
            rules=rules,
        )

    def _rule(self, node: yaml.Node, seen: dict[Hashable, int]) -> Rule:
        optional = {"phrases", "pattern", "case", "near", "not_near", "within"}
        keys = self._mapping(node, "a rule", {"id", "weight"}, optional)
        if ("phrases" in keys) == ("pattern" in keys):
            raise self.fail(node, "a rule needs either phrases or a pattern, and not both")
        if "within" in keys and not keys.keys() & {"near", "not_near"}:
            raise self.fail(keys["within"], "within needs near or not_near; add one or remove it")
        case = "case" in keys and self._flag(keys["case"], "case")
        phrases: tuple[str, ...] = ()
        if "phrases" in keys:
            phrases = self._phrases(keys["phrases"], "phrases", case, seen)
        pattern = None
        if "pattern" in keys:
            pattern = self._text(keys["pattern"], "pattern")
            problem = _pattern_problem(pattern)
            if problem:
                raise self.fail(keys["pattern"], f"pattern {pattern!r} {problem}")
            self._once(keys["pattern"], f"pattern {pattern!r}", (pattern, case), seen)
        within = self._number(keys["within"], "within") if "within" in keys else _NEAR_WORDS
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
        )

    def _phrases(
        self, node: yaml.Node, what: str, case: bool, seen: dict[Hashable, int]
    ) -> tuple[str, ...]:
        phrases = self._texts(node, what)
        for phrase, item in zip(phrases, self._items(node, what), strict=True):
            try:
                symbols = _phrase_symbols(phrase, case)
            except ValueError as error:
                raise self.fail(item, f"{what}: {phrase!r} {error}") from error
            self._once(item, f"phrase {phrase!r}", symbols, seen)
        return phrases

    def _context(self, node: yaml.Node, what: str) -> tuple[str, ...]:
        words = self._phrases(node, what, False, {})
        for word, item in zip(words, self._items(node, what), strict=True):
            if len(_phrase_symbols(word, False)) > 1:
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
        seen[key] = node.start_mark.line + 1


def _bare(word: str) -> str:
    """A word without the dots of an abbreviation and with a plain apostrophe."""
    return word.replace(".", "").replace("’", "'").replace("ʼ", "'")


def _phrase_symbols(phrase: str, case: bool) -> tuple[str, ...]:
    """The words of a phrase as the trie knows them: `word`, `=Word` if case counts, `wor*`."""
    symbols = []
    end = 0
    for match in _PHRASE.finditer(phrase):
        between = phrase[end : match.start()]
        if not (_GAP.fullmatch(between) if end else between == ""):
            raise ValueError(f"has {between!r} before {match[0]!r}; put a space or hyphen there")
        word = _bare(match[1])
        if match[2] and len(word) < _MIN_PREFIX:
            raise ValueError(f"has a * after fewer than {_MIN_PREFIX} letters; write the words out")
        symbols.append(("=" + word if case else word.lower()) + match[2])
        end = match.end()
    if end < len(phrase):
        raise ValueError(f"ends with {phrase[end:]!r}; use words, and * only at the end of one")
    if len(symbols) > _MAX_PHRASE_WORDS:
        raise ValueError(f"has more than {_MAX_PHRASE_WORDS} words; shorten it")
    return tuple(symbols)


def _pattern_problem(pattern: str) -> str | None:
    """What is wrong with a pattern, or None if its cost is bounded at every place of a text.

    The bound is the number of ways in which the pattern can be tried at one place: the product
    over what follows each other, the sum over alternatives.
    """
    # A frame a group: ways and width of the finished alternatives, then of the current one.
    frames = [[0, 0, 1, 0]]
    atom: tuple[int, int] | None = None  # ways and width of what a repeat would apply to
    is_group = False
    for part in _PATTERN_PART.finditer(pattern):
        kind = part.lastgroup
        top = frames[-1]
        if kind == "repeat":
            low, high = (0, 1) if part[0] == "?" else _bounds(part[0])
            if atom is None or high < low or (is_group and part[0] != "?"):
                return f"has {part[0]} in a wrong place; repeat only single characters, or (?:...)?"
            ways, width = atom
            top[2] = top[2] * (ways + 1 if is_group else high - low + 1)
            top[3] += width * high
            atom = None
            continue
        if atom is not None:
            top[2], top[3] = top[2] * atom[0], top[3] + atom[1]
            atom = None
        is_group = kind == "close"
        if kind == "open":
            frames.append([0, 0, 1, 0])
        elif kind in ("or", "close"):
            if kind == "close" and len(frames) == 1:
                return "has a ) too many; remove it"
            top[:] = [top[0] + top[2], max(top[1], top[3]), 1, 0]
            if kind == "close":
                frames.pop()
                atom = (top[0], top[1])
        elif kind == "boundary":
            pass
        elif kind == "char":
            atom = (1, 1)
        else:
            return f"has {part[0]!r}; use only characters, sets, (?:...), |, ? and {{m,n}}"
    if len(frames) > 1:
        return "lacks a ); add it"
    ways, width, last_ways, last_width = frames[0]
    if atom is not None:
        last_ways, last_width = last_ways * atom[0], last_width + atom[1]
    if ways + last_ways > _MAX_PATTERN_WAYS or max(width, last_width) > _MAX_PATTERN_WIDTH:
        return "can match in too many ways; shorten its repeats or split it into rules"
    try:
        empty = re.compile(pattern).fullmatch("")
    except (re.error, OverflowError) as error:
        return f"is no regular expression: {error}"
    return "can match nothing at all; make a part of it required" if empty else None


def _bounds(repeat: str) -> tuple[int, int]:
    low, _, high = repeat[1:-1].partition(",")
    return int(low), int(high or low)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A rule as the tagger uses it."""

    topic: int
    id: str
    weight: float
    near: frozenset[str]
    not_near: frozenset[str]
    within: int

    def fits(self, words: list[tuple[tuple[str, ...], Any]], first: int, last: int) -> bool:
        """Whether the words around the match from word `first` to `last` allow it."""
        if not (self.near or self.not_near):
            return True
        around = words[max(0, first - self.within) : first]
        around += words[last + 1 : last + 1 + self.within]
        if self.near and all(self.near.isdisjoint(symbols) for symbols, _ in around):
            return False
        return all(self.not_near.isdisjoint(symbols) for symbols, _ in around)


class _Hit(NamedTuple):
    """A match that counts: offsets into its text, its rule and the number of its phrase."""

    start: int
    end: int
    rule: _Compiled
    phrase: int


class _Candidate(NamedTuple):
    """A match before overlaps are settled, with its first and last word."""

    first: int
    last: int
    hit: _Hit


@dataclass(slots=True)
class _Node:
    """A node of the trie of phrases: what may follow, and what ends here."""

    following: dict[str, "_Node"] = field(default_factory=dict)
    ending: list[tuple[_Compiled, int]] = field(default_factory=list)


class _Words(dict[str, tuple[tuple[str, ...], tuple[_Node, ...]]]):
    """For a word as printed, the symbols that stand for it and the phrases it may begin.

    Filled as words are met, and emptied when it holds `_WORD_CACHE` of them.
    """

    def __init__(self, first_words: dict[str, _Node], vocabulary: set[str]) -> None:
        self._first_words = first_words
        self._vocabulary = vocabulary
        prefixes = (symbol for symbol in vocabulary if symbol.endswith("*"))
        self._lengths = sorted({len(symbol.strip("=*")) for symbol in prefixes})

    def __missing__(self, word: str) -> tuple[tuple[str, ...], tuple[_Node, ...]]:
        bare = _bare(word)
        lower = bare.lower()
        names = [lower, "=" + bare]
        for length in self._lengths:
            names += [lower[:length] + "*", f"={bare[:length]}*"] if length <= len(lower) else []
        symbols = tuple(name for name in names if name in self._vocabulary)
        nodes = tuple(self._first_words[name] for name in symbols if name in self._first_words)
        if len(self) >= _WORD_CACHE:
            self.clear()
        self[word] = symbols, nodes
        return symbols, nodes


@dataclass(frozen=True, slots=True)
class Analysis:
    """All matches of an article, from which its tags and those of its quotes are made."""

    text: str
    title: str
    words: list[int]
    """Where each word of the text starts."""
    hits: list[list[_Hit]]
    """A list a topic, in the order of the text, without overlaps."""
    title_hits: list[list[_Hit]]
    scores: list[float]
    """Score of the article, one a topic."""


class TopicTagger:
    """Tags articles and quotes with the topics of a taxonomy. Pickles as its taxonomy.

    The score is `e / (e + SATURATION * sqrt(words / USUAL_WORDS))`, rounded to four places, where
    `words` counts the words of the text (`LEAST_WORDS` at least) and `e` is the evidence. Each
    match is worth the weight of its rule times that of the field it stands in; the matches of one
    phrase are added up as 1, 1/2, 1/3 ... of their worth, the best first. Matches of one topic that
    overlap count once: the longest, or of equals the one with the higher weight. So a match at a
    free place never lowers the score of a text of the same length, repeating a phrase helps ever
    less, and a longer text needs more evidence. An article gets every topic whose score reaches
    the topic's threshold.
    """

    def __init__(self, taxonomy: Taxonomy | None = None) -> None:
        self.taxonomy = load_taxonomy() if taxonomy is None else taxonomy
        root = _Node()
        vocabulary: set[str] = set()
        self._patterns: list[tuple[re.Pattern[str], _Compiled, int]] = []
        phrases = 0
        for number, topic in enumerate(self.taxonomy.topics):
            for rule in topic.rules:
                compiled = _Compiled(
                    topic=number,
                    id=rule.id,
                    weight=rule.weight,
                    near=frozenset(_phrase_symbols(word, False)[0] for word in rule.near),
                    not_near=frozenset(_phrase_symbols(word, False)[0] for word in rule.not_near),
                    within=rule.within,
                )
                vocabulary |= compiled.near | compiled.not_near
                for phrase in rule.phrases:
                    symbols = _phrase_symbols(phrase, rule.case)
                    vocabulary.update(symbols)
                    node = root
                    for symbol in symbols:
                        node = node.following.setdefault(symbol, _Node())
                    node.ending.append((compiled, phrases))
                    phrases += 1
                if rule.pattern is not None:
                    pattern = re.compile(
                        rf"(?:{rule.pattern}){_WORD_END}", 0 if rule.case else re.IGNORECASE
                    )
                    self._patterns.append((pattern, compiled, phrases))
                    phrases += 1
        # One search finds where any pattern may match: several would read the text as often.
        any_pattern = "|".join(pattern.pattern for pattern, _, _ in self._patterns)
        self._any_pattern = re.compile(rf"{_WORD_START}(?:{any_pattern})", re.IGNORECASE)
        self._words = _Words(root.following, vocabulary)

    def __reduce__(self) -> tuple[type["TopicTagger"], tuple[Taxonomy]]:
        return type(self), (self.taxonomy,)

    def analyse(self, text: str, title: str = "") -> Analysis:
        """Match an article once, in time linear in its length."""
        words, hits = self._find(text)
        _, title_hits = self._find(title)
        lede_end = _lede_end(text, words)
        weights = self.taxonomy.fields
        scores = [
            _score(
                [(h, weights.title) for h in in_title]
                + [(h, weights.lede if h.start < lede_end else weights.body) for h in in_text],
                len(words),
            )
            for in_title, in_text in zip(title_hits, hits, strict=True)
        ]
        return Analysis(text, title, words, hits, title_hits, scores)

    def tag(
        self, text: str, *, title: str = "", article_id: str, run_id: str, day: dt.date
    ) -> list[TopicTag]:
        """Tags of an article that is needed only once; see `tag_article`."""
        return self.tag_article(
            self.analyse(text, title), article_id=article_id, run_id=run_id, day=day
        )

    def tag_article(
        self, analysis: Analysis, *, article_id: str, run_id: str, day: dt.date
    ) -> list[TopicTag]:
        """Tags of the article, the highest score first, of equals in the order of topic ids."""
        return _ordered(
            self._tag(number, score, article_id, None, run_id, day, analysis, hits, title_hits)
            for number, (score, hits, title_hits) in enumerate(
                zip(analysis.scores, analysis.hits, analysis.title_hits, strict=True)
            )
            if score >= self.taxonomy.topics[number].threshold
        )

    def tag_span(
        self,
        analysis: Analysis,
        start: int,
        end: int,
        *,
        quote_id: str,
        article_id: str,
        run_id: str,
        day: dt.date,
    ) -> list[TopicTag]:
        """Tags of the quote at code points `start` to `end` of the text, in the order of tags.

        Only matches that lie wholly inside the span are evidence, at the weight of the body and
        with the words of the span as length. The span has a topic if its score reaches
        `SPAN_SCORE`, or `SPAN_SCORE_IN_TOPIC` where the article has the topic and so settles what
        the speaker talks about. Raises ValueError if the span does not lie in the text.
        """
        if not 0 <= start <= end <= len(analysis.text):
            raise ValueError(
                f"span {start}:{end} is not in the text of {len(analysis.text)} code points; "
                "give offsets into the text that was analysed"
            )
        words = bisect_left(analysis.words, end) - bisect_left(analysis.words, start)
        tags = []
        for number, (topic, hits) in enumerate(
            zip(self.taxonomy.topics, analysis.hits, strict=True)
        ):
            first = bisect_left(hits, start, key=attrgetter("start"))
            inside = hits[first : bisect_right(hits, end, lo=first, key=attrgetter("end"))]
            if not inside:
                continue
            score = _score([(h, self.taxonomy.fields.body) for h in inside], words)
            in_topic = analysis.scores[number] >= topic.threshold
            if score >= (SPAN_SCORE_IN_TOPIC if in_topic else SPAN_SCORE):
                tags.append(
                    self._tag(
                        number, score, article_id, quote_id, run_id, day, analysis, inside, []
                    )
                )
        return _ordered(tags)

    def _tag(
        self,
        number: int,
        score: float,
        article_id: str,
        quote_id: str | None,
        run_id: str,
        day: dt.date,
        analysis: Analysis,
        hits: list[_Hit],
        title_hits: list[_Hit],
    ) -> TopicTag:
        topic = self.taxonomy.topics[number]
        return TopicTag(
            tag_id=stable_id(article_id, quote_id, topic.id),
            article_id=article_id,
            quote_id=quote_id,
            run_id=run_id,
            day=day,
            topic_id=topic.id,
            label=topic.label,
            iptc_codes=list(topic.iptc),
            score=score,
            evidence=_evidence(hits, analysis.text),
            title_evidence=_evidence(title_hits, analysis.title),
            taxonomy_version=self.taxonomy.version,
        )

    def _find(self, text: str) -> tuple[list[int], list[list[_Hit]]]:
        """Where the words of a text start, and its matches: a list a topic, without overlaps."""
        matches = list(_WORD.finditer(text))
        starts = [match.start() for match in matches]
        known = self._words
        words = [known[match[1]] for match in matches]
        found: list[list[_Candidate]] = [[] for _ in self.taxonomy.topics]

        def add(rule: _Compiled, phrase: int, first: int, last: int, start: int, end: int) -> None:
            if rule.fits(words, first, last):
                found[rule.topic].append(_Candidate(first, last, _Hit(start, end, rule, phrase)))

        for first, (_, nodes) in enumerate(words):
            last = first
            while nodes:
                end = matches[last].end(1)
                for node in nodes:
                    for rule, phrase in node.ending:
                        add(rule, phrase, first, last, starts[first], end)
                last += 1
                if last == len(words) or not _GAP.fullmatch(text, end, starts[last]):
                    break
                nodes = tuple(
                    node.following[symbol]
                    for node in nodes
                    for symbol in words[last][0]
                    if symbol in node.following
                )
        place = self._any_pattern.search(text) if self._patterns else None
        while place:
            start = place.start()
            for pattern, rule, phrase in self._patterns:
                match = pattern.match(text, start)
                if match:
                    first = max(0, bisect_right(starts, start) - 1)
                    last = bisect_left(starts, match.end()) - 1
                    if first <= last:
                        add(rule, phrase, first, last, start, match.end())
            place = self._any_pattern.search(text, start + 1)
        return starts, [_without_overlaps(candidates) for candidates in found]


def _without_overlaps(candidates: list[_Candidate]) -> list[_Hit]:
    """Matches of one topic in the order of the text: of those that overlap, the longest."""
    taken: set[int] = set()
    hits = []
    for first, last, hit in sorted(
        candidates, key=lambda c: (c.first - c.last, -c.hit.rule.weight, c.first, c.hit.phrase)
    ):
        if taken.isdisjoint(range(first, last + 1)):
            taken.update(range(first, last + 1))
            hits.append(hit)
    return sorted(hits, key=attrgetter("start"))


def _score(evidence: Iterable[tuple[_Hit, float]], words: int) -> float:
    """The score of `TopicTagger` from matches with the weights of their fields."""
    worth: dict[int, list[float]] = {}
    for hit, field_weight in evidence:
        worth.setdefault(hit.phrase, []).append(hit.rule.weight * field_weight)
    total = sum(
        value / rank
        for values in worth.values()
        for rank, value in enumerate(sorted(values, reverse=True), start=1)
    )
    needed = SATURATION * math.sqrt(max(words, LEAST_WORDS) / USUAL_WORDS)
    return round(total / (total + needed), 4)


def _lede_end(text: str, words: list[int]) -> int:
    """Where the lede of a text ends whose words start at `words`."""
    if len(words) <= LEDE_WORDS:
        return len(text)
    paragraph_end = text.find("\n", words[LEDE_WORDS])
    longest = words[2 * LEDE_WORDS] if len(words) > 2 * LEDE_WORDS else len(text)
    return longest if paragraph_end < 0 else min(paragraph_end, longest)


def _evidence(hits: list[_Hit], text: str) -> list[Evidence]:
    """The matches to quote in a tag: the strongest, of equals the first; in the text's order."""
    best = heapq.nsmallest(MAX_EVIDENCE, hits, key=lambda hit: (-hit.rule.weight, hit.start))
    return [
        Evidence(start=hit.start, end=hit.end, text=text[hit.start : hit.end], rule=hit.rule.id)
        for hit in sorted(best, key=attrgetter("start"))
    ]


def _ordered(tags: Iterable[TopicTag]) -> list[TopicTag]:
    return sorted(tags, key=lambda tag: (-tag.score, tag.topic_id))
