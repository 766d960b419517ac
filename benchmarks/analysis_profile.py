"""CPU time of the parts of the analysis: the components of the model, entities, quotes, topics.

usage: python -m benchmarks.analysis_profile ARTICLES.jsonl OUTPUT.json

Analyses articles that `ingest` wrote, in this process, and writes milliseconds per article and
part. The functions that the analyser calls are wrapped in timers, so what is timed is the analyser
itself. A part does not include the parts that it calls.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from spacy.language import Language

from schemas import Article
from transforms.language import analyser
from transforms.language.entities.gazetteer import choose_gazetteer
from transforms.language.model import load_model
from transforms.language.model_check import DEFAULT_MODEL
from transforms.language.topics.tagger import TopicTagger
from transforms.language.worker import BATCH_SIZE
from transforms.sinks.write_records import read_lines

OTHER: Final = "other"
"""The part that no timer covers."""

_PARTS: Final = {
    "read_document": "document",
    "find_entities": "entities",
    "find_quotes": "quotes",
    "resolve_speakers": "speakers",
}
"""The parts by the functions that the analyser calls."""
_TAGGER_METHODS: Final = ("analyse", "tag_article", "tag_span")


class PartTimer:
    """A timer of nested parts. The time of a part is that of the CPU while it is innermost.

    Attributes:
        seconds: CPU seconds of each part.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open = [OTHER]
        self._since = time.process_time()

    def start(self, part: str) -> None:
        """Begin a part within the current one."""
        self._charge()
        self._open.append(part)

    def stop(self) -> None:
        """End the current part."""
        self._charge()
        self._open.pop()

    def reset(self) -> None:
        """Forget the time so far."""
        self._charge()
        self.seconds.clear()

    def _charge(self) -> None:
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function, timed as a part; the items of an iterator that it returns as well."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self.start(part)
            try:
                result = function(*args, **kwargs)
            finally:
                self.stop()
            return self._iterate(part, result) if isinstance(result, Iterator) else result

        return timed

    def _iterate(self, part: str, items: Iterator[Any]) -> Iterator[Any]:
        while True:
            self.start(part)
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.stop()
            yield item


class _TimedComponent:
    """A component of a spaCy pipeline, timed."""

    def __init__(self, timer: PartTimer, name: str, component: Any) -> None:
        self._call = timer.wrap(name, component)
        if hasattr(component, "pipe"):
            self.pipe = timer.wrap(name, component.pipe)

    def __call__(self, doc: Any) -> Any:
        return self._call(doc)


def time_components(nlp: Language, timer: PartTimer) -> Language:
    """Return a spaCy pipeline with its tokenizer and all its components timed."""
    nlp.tokenizer = timer.wrap("tokenizer", nlp.tokenizer)
    for name, component in nlp.pipeline:
        Language.component(f"timed_{name}", func=_TimedComponent(timer, name, component))
        nlp.replace_pipe(name, f"timed_{name}")
    return nlp


def profile_analysis(articles: Sequence[Article]) -> dict[str, float]:
    """Return the CPU milliseconds per article of each part of the analysis."""
    timer = PartTimer()
    functions: dict[str, Any] = {
        name: timer.wrap(part, getattr(analyser, name)) for name, part in _PARTS.items()
    }
    functions["load_model"] = lambda name: time_components(load_model(name), timer)
    methods: dict[str, Any] = {
        name: timer.wrap("topics", getattr(TopicTagger, name)) for name in _TAGGER_METHODS
    }
    with patch.multiple(analyser, **functions), patch.multiple(TopicTagger, **methods):
        analyse = analyser.Analyser(DEFAULT_MODEL, None, choose_gazetteer(None)).analyse
        analyse(articles[:1])  # the caches that the first article fills are part of the start-up
        timer.reset()
        for first in range(0, len(articles), BATCH_SIZE):
            analyse(articles[first : first + BATCH_SIZE])
        timer.start(OTHER)  # which counts the time since the last part
    return {part: 1000 * sec / len(articles) for part, sec in timer.seconds.items()}


def main() -> None:
    """Write the profile of the articles of a file."""
    articles, output = sys.argv[1:]
    profile = profile_analysis(list(read_lines(articles, Article)))
    Path(output).write_text(json.dumps(profile), encoding="utf-8")


if __name__ == "__main__":
    main()
