"""A corpus of labelled articles, and the counting of its phrases by article and outlet.

Imports neither Beam nor spaCy.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from transforms.language.topics.article_files import LabelledArticle
from transforms.language.topics.matcher import Matcher, TextMatches, compile_rule
from transforms.language.topics.stop_words import STOP_WORDS
from transforms.language.topics.symbols import is_phrase_gap
from transforms.language.topics.taxonomy import Topic

MIN_ARTICLES: Final = 5
"""Phrases that occur in fewer articles with the label are not counted."""

MIN_OUTLETS: Final = 3
"""Nor are phrases that fewer outlets use in articles with the label. If fewer outlets have such
articles, all of them must use the phrase."""

MIN_KNOWN_WEIGHT: Final = 1.0
"""Tokens in a match of the topic with at least this weight are part of no counted phrase."""

_NO_PHRASE: Final = -1
"""The number of a token or phrase that is not counted."""

# Numbers of two groups of rules in the corpus's matcher.
_OWN: Final = 0
_FAMILY: Final = 1


class LabelledCorpus:
    """Articles as numbers of tokens, and how many articles match the topic's own phrases.

    Takes 4 bytes per token.
    """

    def __init__(self, topic: Topic, descendants: Sequence[Topic]) -> None:
        """Begin an empty corpus.

        Args:
            topic: The topic for which to suggest phrases.
            descendants: The topics below it.
        """
        own = [compile_rule(rule, (_OWN, _FAMILY)) for rule in topic.rules]
        others = [compile_rule(rule, (_FAMILY,)) for below in descendants for rule in below.rules]
        self._matcher = Matcher([*own, *others], 2)
        self.token_numbers: dict[str, int] = {}
        self.tokens: array[int] = array("i")
        """Numbers of the tokens of all articles. `_NO_PHRASE` stands where no phrase may continue,
        for each token of a match of the topic or of one below it, and after each text."""
        self.article_ends: array[int] = array("q")
        """End of each article in `tokens`."""
        self.outlets: dict[str, int] = {}
        """Number of each outlet."""
        self.article_outlets: list[int] = []
        """Number of the outlet of each article."""
        self.is_labelled: list[bool] = []
        """True for each article that has the label."""
        self.labels: set[str] = set()
        """All labels of the articles."""
        self.matches_with_label: Counter[int] = Counter()
        """Articles with the label that match a phrase of the topic, by phrase number."""
        self.matches_without_label: Counter[int] = Counter()

    def add(self, article: LabelledArticle, *, is_labelled: bool) -> None:
        """Add an article; ``is_labelled`` tells whether it has the label."""
        phrase_numbers = set[int]()
        for text in (article.title, article.text):
            matches = self._matcher.find_matches(text)
            phrase_numbers.update(match.phrase_number for match in matches.by_topic[_OWN])
            self._add_tokens(text, matches)
        self.article_ends.append(len(self.tokens))
        self.article_outlets.append(self.outlets.setdefault(article.source, len(self.outlets)))
        self.is_labelled.append(is_labelled)
        self.labels.add(article.label)
        counter = self.matches_with_label if is_labelled else self.matches_without_label
        counter.update(phrase_numbers)

    def _add_tokens(self, text: str, matches: TextMatches) -> None:
        known = [m for m in matches.by_topic[_FAMILY] if m.rule.weight >= MIN_KNOWN_WEIGHT]
        known.reverse()
        previous_end = 0
        for token, start, end in zip(matches.tokens, matches.starts, matches.ends, strict=True):
            while known and known[-1].end <= start:
                known.pop()
            if previous_end and not is_phrase_gap(text, previous_end, start):
                self.tokens.append(_NO_PHRASE)
            if known and known[-1].start <= start:
                self.tokens.append(_NO_PHRASE)
            else:
                self.tokens.append(self.token_numbers.setdefault(token, len(self.token_numbers)))
            previous_end = end
        self.tokens.append(_NO_PHRASE)

    def count_labelled_outlets(self) -> int:
        """Return the number of outlets of the articles with the label."""
        return len(
            {
                outlet
                for outlet, is_labelled in zip(self.article_outlets, self.is_labelled, strict=True)
                if is_labelled
            }
        )


class CorpusArrays:
    """The arrays of a corpus, for counting the phrases of each length in turn.

    The phrases of a length are an array with, per token of the corpus, the number of the phrase
    that begins there, or -1. Counting takes about 80 bytes per token.
    """

    def __init__(self, corpus: LabelledCorpus) -> None:
        self.vocabulary = list(corpus.token_numbers)
        """Each token, by number."""
        self.tokens = np.frombuffer(corpus.tokens, dtype=np.int32).astype(np.int64)
        ends = np.frombuffer(corpus.article_ends, dtype=np.int64)
        self._articles = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        """Number of the article of each token."""
        self.is_labelled = np.array(corpus.is_labelled)
        """True for each article that has the label."""
        self.outlets = np.array(corpus.article_outlets)
        """Number of the outlet of each article."""
        self.outlet_count = int(self.outlets.max()) + 1
        self.has_one_labelled_outlet = corpus.count_labelled_outlets() == 1
        self._min_outlets = min(MIN_OUTLETS, corpus.count_labelled_outlets())
        self.is_stop_word = np.array(
            [
                token in STOP_WORDS or (len(token) < 2 and token.isalpha())
                for token in self.vocabulary
            ],
            dtype=bool,
        )
        """True for each token that is a stop word or a single letter, by number."""
        is_number = np.array([token.isdigit() for token in self.vocabulary], dtype=bool)
        self.is_content_word = ~self.is_stop_word & ~is_number

    def pair_with_articles(
        self, phrases: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return phrases and articles in which they occur, each pair once, as two arrays."""
        is_phrase = phrases >= 0
        articles = self._articles[: len(phrases)][is_phrase]
        keys = np.unique(phrases[is_phrase] * len(self.is_labelled) + articles)
        return keys // len(self.is_labelled), keys % len(self.is_labelled)

    def drop_rare(self, phrases: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the phrases with rare ones replaced by -1, and the others numbered from 0."""
        phrase, article = self.pair_with_articles(phrases)
        is_labelled = self.is_labelled[article]
        phrase, article = phrase[is_labelled], article[is_labelled]
        size = int(phrases.max(initial=-1)) + 1
        is_common = (np.bincount(phrase, minlength=size) >= MIN_ARTICLES) & (
            self.count_outlets(phrase, article, size) >= self._min_outlets
        )
        numbers = np.append(np.where(is_common, np.cumsum(is_common) - 1, -1), -1)
        common: NDArray[np.int64] = numbers[phrases]  # a phrase of -1 takes the appended last
        return common

    def count_outlets(
        self, phrase: NDArray[np.int64], article: NDArray[np.int64], size: int
    ) -> NDArray[np.int64]:
        """Return the number of outlets of each phrase, for pairs of phrase and article."""
        keys = np.unique(phrase * self.outlet_count + self.outlets[article])
        return np.bincount(keys // self.outlet_count, minlength=size)

    def extend_phrases(self, phrases: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Return the phrases of `length` tokens, given those of one token less.

        A longer phrase is one whose first ``length - 1`` tokens and last ``length - 1`` tokens are
        phrases.
        """
        is_extended = (phrases[:-1] >= 0) & (phrases[1:] >= 0)
        last_tokens = self.tokens[length - 1 :][: len(is_extended)]
        keys = phrases[:-1][is_extended] * len(self.vocabulary) + last_tokens[is_extended]
        extended = np.full(len(is_extended), _NO_PHRASE, dtype=np.int64)
        extended[is_extended] = np.unique(keys, return_inverse=True)[1]
        return extended
