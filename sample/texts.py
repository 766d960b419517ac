"""The texts of the sample site's articles, without their markup."""

import html
import re

from sample.server import SITE


def read_texts() -> list[str]:
    """Return the paragraphs of each page as one text, with a line per paragraph."""
    pages = [page.read_text(encoding="utf-8") for page in sorted(SITE.rglob("*.html"))]
    bodies = ("\n".join(re.findall(r"<p>(.*?)</p>", page, re.DOTALL)) for page in pages)
    return [html.unescape(re.sub(r"<[^>]*>", "", body)) for body in bodies if body]
