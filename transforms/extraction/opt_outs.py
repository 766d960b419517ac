"""The opt-outs of a page: ``noindex`` and text and data mining. Articles record them for users."""

from collections.abc import Mapping

from transforms.core.version import PRODUCT


def read_opt_outs(headers: Mapping[str, str], metas: Mapping[str, str]) -> tuple[bool, bool]:
    """Read the robots directives and the ``tdm-reservation`` (TDM Reservation Protocol) of a page.

    Args:
        headers: the headers of the response; repetitions of one are separate lines.
        metas: the content of the ``<meta>`` elements by name. All names are in lower case.

    Returns:
        Whether the page asks not to be indexed, and whether it reserves text and data mining.

    >>> read_opt_outs({"x-robots-tag": "otherbot: noindex"}, {"robots": "NoIndex, nofollow"})
    (True, False)
    >>> read_opt_outs({"tdm-reservation": "1"}, {})
    (False, True)
    """
    directives = set[str]()
    for line in headers.get("x-robots-tag", "").splitlines():
        directives.update(_parse_directives(line))
    for name in ("robots", PRODUCT):
        directives.update(_parse_directives(metas.get(name, "")))
    reserved = (headers.get("tdm-reservation") or metas.get("tdm-reservation") or "0").strip()
    return bool(directives & {"noindex", "none"}), reserved == "1"


def _parse_directives(value: str) -> list[str]:
    """Return the directives for all bots or for Newsbeam; ``bot: directive`` names one bot."""
    directives, bot = [], ""
    for part in value.lower().split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip() not in ("unavailable_after", "max-snippet", "max-image-preview"):
            bot, part = name.strip(), rest
        if bot in ("", PRODUCT):
            directives.append(part.strip())
    return directives
