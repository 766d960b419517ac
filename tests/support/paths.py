"""Paths of this checkout."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The folder of the checkout."""

ENGINES: Final = ROOT / ".engines"
"""The folder into which deploy/engines/fetch puts engines."""
