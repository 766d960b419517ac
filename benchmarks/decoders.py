"""Compare the decoders of Newsbeam with spaCy's own: annotations, and CPU time per component.

usage: python -m benchmarks.decoders [FOLDER]

FOLDER has text files (``*.txt``, at any depth); without one, the articles of the sample site are
analysed. Both pipelines analyse the same batches in turn, in this process. Exits with 1 if a token
has other annotations.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from threadpoolctl import threadpool_limits

from sample.texts import read_texts
from transforms.language.model import load_model, shield

ANNOTATIONS: Final = ("TAG", "HEAD", "DEP", "SENT_START", "ENT_IOB", "ENT_TYPE")
_BATCH: Final = 8


def analyse(nlp: Language, texts: Sequence[str], seconds: dict[str, float]) -> list[Doc]:
    """Return the documents of texts, and add the CPU seconds of each component to ``seconds``."""
    docs = [nlp.make_doc(text) for text in texts]
    for name, component in nlp.pipeline:
        start = time.process_time()
        pipe: Any = getattr(component, "pipe", None)
        docs = list(pipe(docs, batch_size=_BATCH)) if pipe else [component(doc) for doc in docs]
        seconds[name.removeprefix("fast_")] += time.process_time() - start
    return docs


def main() -> None:
    """Compare both pipelines and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    folder: Path | None = parser.parse_args().folder
    files = sorted(folder.rglob("*.txt")) if folder else []
    texts = [file.read_text(encoding="utf-8") for file in files] if folder else read_texts()
    texts = [shield(text) for text in texts]
    own, fast = load_model(use_decoders=False), load_model()
    own_seconds: dict[str, float] = defaultdict(float)
    fast_seconds: dict[str, float] = defaultdict(float)
    tokens = entities = 0
    different = np.zeros(len(ANNOTATIONS), int)
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            pairs = zip(
                analyse(own, batch, own_seconds), analyse(fast, batch, fast_seconds), strict=True
            )
            for expected, doc in pairs:
                tokens += len(doc)
                entities += len(doc.ents)
                if len(doc):
                    names: list[int | str] = [*ANNOTATIONS]
                    different += (doc.to_array(names) != expected.to_array(names)).sum(axis=0)
    print(f"{len(texts)} texts, {tokens:,} tokens, {entities:,} entities")
    counts = zip(ANNOTATIONS, different.tolist(), strict=True)
    print("tokens with another annotation:", ", ".join(f"{name} {n}" for name, n in counts))
    print(f"\n{'CPU ms per text':<22}{'spaCy':>10}{'Newsbeam':>10}{'ratio':>8}")
    for name in [*own_seconds, "all"]:
        a, b = (
            sum(seconds.values()) if name == "all" else seconds[name]
            for seconds in (own_seconds, fast_seconds)
        )
        print(f"{name:<22}{a / len(texts) * 1e3:>10.2f}{b / len(texts) * 1e3:>10.2f}{a / b:>8.1f}")
    sys.exit(bool(different.any()))


if __name__ == "__main__":
    main()
