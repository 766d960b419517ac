"""A chart of horizontal bars as SVG, or as PNG by `rsvg-convert`.

It is written by hand because a chart of this kind needs no plotting library.
"""

import html
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

_WIDTH: Final = 860
_LEFT: Final = 190
_BARS_WIDTH: Final = 430
_TOP: Final = 122
_BAR: Final = 17
_GAP: Final = 16
_COLOURS: Final = ("#2a78b5", "#e0a03c")
_STYLE: Final = (
    "text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:13px;fill:#222}"
    ".title{font-size:19px;font-weight:bold}.note{fill:#555}.name{text-anchor:end}"
)


class Bar(NamedTuple):
    """A bar.

    Attributes:
        value: its length in the unit of the chart.
        label: the text after it.
    """

    value: float
    label: str


def make_chart(
    title: str,
    notes: Sequence[str],
    series: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Bar]]],
) -> str:
    """Return a chart as SVG.

    Args:
        title: the title, with the unit.
        notes: two lines below the title.
        series: what the first, second, ... bar of each row shows; at most two.
        rows: the name and the bars of each row.
    """
    longest = max((bar.value for _, bars in rows for bar in bars), default=0.0) or 1.0
    row_height = _BAR * len(series) + _GAP
    height = _TOP + row_height * len(rows) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}">',
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="white"/>',
        _text(20, 32, title, "title"),
        *(_text(20, 55 + 18 * n, note, "note") for n, note in enumerate(notes)),
    ]
    x = 20
    for colour, name in zip(_COLOURS, series, strict=False):
        parts.append(f'<rect x="{x}" y="89" width="13" height="13" fill="{colour}"/>')
        parts.append(_text(x + 19, 100, name))
        x += 50 + 8 * len(name)
    for number, (name, bars) in enumerate(rows):
        y = _TOP + number * row_height
        parts.append(_text(_LEFT - 12, y + _BAR * len(series) / 2 + 5, name, "name"))
        for colour, bar in zip(_COLOURS, bars, strict=False):
            width = _BARS_WIDTH * bar.value / longest
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR - 2}" '
                f'fill="{colour}"/>'
            )
            parts.append(_text(_LEFT + width + 7, y + 12, bar.label))
            y += _BAR
    return "\n".join([*parts, "</svg>\n"])


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{html.escape(text)}</text>'


def check_chart_path(path: Path) -> None:
    """Check that a chart can be written to a file.

    Raises:
        ValueError: its suffix is neither .svg nor .png, or .png and no `rsvg-convert` is installed.
    """
    if path.suffix not in (".svg", ".png"):
        raise ValueError(f"{path}: a chart is a .svg or a .png")
    if path.suffix == ".png" and not shutil.which("rsvg-convert"):
        raise ValueError(f"{path}: a .png needs rsvg-convert (librsvg2-bin); write a .svg instead")


def write_chart(path: Path, svg: str) -> None:
    """Write a chart to a .svg or a .png."""
    if path.suffix == ".svg":
        path.write_text(svg, encoding="utf-8")
    else:
        command = ["rsvg-convert", "--zoom", "2", "--output", str(path)]
        subprocess.run(command, input=svg.encode(), check=True)
