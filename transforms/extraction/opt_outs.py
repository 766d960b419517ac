"""What a page asks of those who read it by machine. Recorded, for users to act on."""

from collections.abc import Mapping
from typing import Final

BOT: Final = "newsbeam"


def read_opt_outs(headers: Mapping[str, str], metas: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether a page asks not to be indexed, and whether it reserves text and data mining.

    By its headers (repeated ones a line each) and ``<meta>`` elements, names in lower case: robots
    directives, and the TDM Reservation Protocol's ``tdm-reservation``.

    >>> read_opt_outs({"x-robots-tag": "otherbot: noindex"}, {"robots": "NoIndex, nofollow"})
    (True, False)
    >>> read_opt_outs({"tdm-reservation": "1"}, {})
    (False, True)
    """
    directives = set[str]()
    for line in headers.get("x-robots-tag", "").splitlines():
        directives.update(_directives(line))
    for name in ("robots", BOT):
        directives.update(_directives(metas.get(name, "")))
    reserved = (headers.get("tdm-reservation") or metas.get("tdm-reservation") or "0").strip()
    return bool(directives & {"noindex", "none"}), reserved == "1"


def _directives(value: str) -> list[str]:
    """The directives that are for everyone or for us: ``BOT: directive`` is for that bot."""
    found, bot = [], ""
    for part in value.lower().split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip() not in ("unavailable_after", "max-snippet", "max-image-preview"):
            bot, part = name.strip(), rest
        if bot in ("", BOT):
            found.append(part.strip())
    return found
