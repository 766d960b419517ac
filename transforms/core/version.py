"""The name and the version of Newsbeam. pyproject.toml takes the version from here."""

from typing import Final

PRODUCT: Final = "newsbeam"
"""The name in the User-Agent header, for which sites write rules in robots.txt and meta tags."""

VERSION: Final = "0.1.0"
