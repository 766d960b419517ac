"""The vectors of tokens in context, as spaCy's `Tok2Vec.v2` computes them, in less time.

The vector of a token starts from an embedding, which depends on the features of its form alone. It
is computed once per form and kept. Several convolutional layers then mix it with those of its
neighbours. Each layer works on a few hundred tokens at a time, so that its results fit into the
processor's cache. ``benchmarks.decoders`` compares the time with spaCy's.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model, Ragged
from thinc.types import Ints1d, Ints2d

from transforms.language.decoders.scorer import Floats, Ints, read_parameter, require_model

_EMBED_LAYERS: Final = 5
_CONVOLUTION: Final = "residual(expand_window>>maxout>>layernorm>>dropout)"
_PIECES: Final = 3
_VARIANCE_OFFSET: Final = 1e-8
"""The constant that spaCy's layer normalisation adds to the variance."""

_TOKENS_AT_ONCE: Final = 512
MAX_FORMS: Final = 20_000
"""The number of forms whose embeddings are kept, 8 MB at a width of 96."""


class _Convolution(NamedTuple):
    """A layer: its weights with the first pieces first, and its scale and shift."""

    weights: Floats
    bias: Floats
    scale: Floats
    shift: Floats


class TokenVectors:
    """Computes the vectors of the tokens of documents.

    Args:
        model: a `Tok2Vec.v2` of a `MultiHashEmbed.v2` and a `MaxoutWindowEncoder.v2`.
        max_forms: the number of forms whose embeddings are kept.

    Raises:
        UnsupportedModel: the model has another architecture.
    """

    def __init__(self, model: Model[Any, Any], *, max_forms: int = MAX_FORMS) -> None:
        require_model(len(model.layers) == 2, "the token vectors have no two parts")
        embed, encode = model.layers
        require_model(
            len(embed.layers) == _EMBED_LAYERS
            and embed.layers[0].name == "extract_features"
            and embed.layers[3].name == "with_array(maxout>>layernorm>>dropout)",
            f"the embedding is a {embed.name}",
        )
        layers = encode.layers[0].layers if encode.layers else []
        require_model(
            encode.name == f"with_array({'>>'.join([_CONVOLUTION] * max(1, len(layers)))})",
            f"the encoder is a {encode.name}",
        )
        self._columns: list[str | int] = embed.layers[0].attrs["columns"]
        self._embed_layers = embed.layers[2:4]
        self._padding: int = encode.attrs["pad"]
        self._layers = [_read_convolution(layer) for layer in layers]
        self._width = len(self._layers[0].scale)
        self._max_forms = max_forms
        self._forms: dict[int, int] = {}
        self._embeddings: Floats = np.empty((max_forms, self._width), np.float32)
        # An odd multiplier per feature, so that a form has one number; from a fixed seed.
        odd = np.random.default_rng(0).integers(2**63, size=len(self._columns), dtype=np.uint64)
        self._multipliers = 2 * odd + 1

    def __call__(self, docs: Sequence[Doc]) -> Floats:
        """Return the vectors of the tokens of all documents, tokens x width."""
        features = np.concatenate([doc.to_array(self._columns) for doc in docs])
        lengths = np.array([len(doc) for doc in docs if len(doc)])
        return self._encode(self._embed(features), lengths)

    def _embed(self, features: NDArray[np.uint64]) -> Floats:
        """Return the embeddings of tokens by their features, tokens x features."""
        keys, firsts, numbers = np.unique(
            features @ self._multipliers, return_index=True, return_inverse=True
        )
        if len(keys) > self._max_forms:
            return self._embed_forms(features[firsts])[numbers]
        forms = keys.tolist()
        missing = [i for i, form in enumerate(forms) if form not in self._forms]
        if len(self._forms) + len(missing) > self._max_forms:
            self._forms.clear()
            missing = list(range(len(forms)))
        if missing:
            rows = range(len(self._forms), len(self._forms) + len(missing))
            self._embeddings[rows.start : rows.stop] = self._embed_forms(features[firsts[missing]])
            self._forms.update(zip((forms[i] for i in missing), rows, strict=True))
        rows_of_forms = np.array([self._forms[form] for form in forms], np.intp)
        return self._embeddings[rows_of_forms[numbers]]

    def _embed_forms(self, features: NDArray[np.uint64]) -> Floats:
        embedded = Ragged(cast(Ints2d, features), cast(Ints1d, np.array([len(features)], np.int32)))
        for layer in self._embed_layers:
            embedded = layer.predict(embedded)
        return np.asarray(embedded.data)

    def _encode(self, embeddings: Floats, lengths: Ints) -> Floats:
        """Return the vectors of tokens in context. Texts are separated by padding, as in spaCy."""
        text_numbers = np.repeat(np.arange(len(lengths)), lengths)
        rows = np.arange(len(embeddings)) + self._padding * (text_numbers + 1) + 1
        size = len(embeddings) + self._padding * (len(lengths) + 1) + 2
        source, target = (np.zeros((size, self._width), np.float32) for _ in range(2))
        source[rows] = embeddings
        for layer in self._layers:
            _convolve(layer, source, target)
            source, target = target, source
        vectors: Floats = source[rows]
        return vectors


def _read_convolution(layer: Model[Any, Any]) -> _Convolution:
    """Return the parameters of a layer.

    Raises:
        UnsupportedModel: its window or its number of pieces is not the standard one.
    """
    nodes = {node.name: node for node in layer.walk()}
    maxout, norm = nodes["maxout"], nodes["layernorm"]
    require_model(nodes["expand_window"].attrs["window_size"] == 1, "the window is not 1")
    require_model(maxout.get_dim("nP") == _PIECES, "a convolution has no three pieces")
    weights = read_parameter(maxout, "W").transpose(1, 0, 2)  # piece, output, input
    return _Convolution(
        np.ascontiguousarray(weights.reshape(-1, weights.shape[-1]).T),
        read_parameter(maxout, "b").T.ravel(),
        read_parameter(norm, "G"),
        read_parameter(norm, "b"),
    )


def _convolve(layer: _Convolution, source: Floats, target: Floats) -> None:
    """Write the output of a layer for all rows but the first and last, which stay zero."""
    width = source.shape[1]
    windows = sliding_window_view(source.ravel(), 3 * width)[::width]
    inputs: Floats = np.empty((_TOKENS_AT_ONCE, 3 * width), np.float32)
    products: Floats = np.empty((_TOKENS_AT_ONCE, _PIECES * width), np.float32)
    hidden: Floats = np.empty((_TOKENS_AT_ONCE, width), np.float32)
    squares: Floats = np.empty((_TOKENS_AT_ONCE, width), np.float32)
    for start in range(0, len(windows), _TOKENS_AT_ONCE):
        size = min(_TOKENS_AT_ONCE, len(windows) - start)
        if size < len(inputs):
            inputs, products = inputs[:size], products[:size]
            hidden, squares = hidden[:size], squares[:size]
        np.copyto(inputs, windows[start : start + size])
        np.dot(inputs, layer.weights, out=products)
        products += layer.bias
        np.maximum(products[:, :width], products[:, width : 2 * width], out=hidden)
        np.maximum(hidden, products[:, 2 * width :], out=hidden)
        hidden -= hidden.mean(axis=1, keepdims=True)
        np.multiply(hidden, hidden, out=squares)
        hidden *= (squares.mean(axis=1, keepdims=True) + np.float32(_VARIANCE_OFFSET)) ** -0.5
        hidden *= layer.scale
        hidden += layer.shift
        rows = slice(start + 1, start + 1 + size)
        np.add(hidden, source[rows], out=target[rows])
