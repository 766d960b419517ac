import pytest
import trafilatura
from lxml import etree
from lxml.html import HtmlElement

from transforms.extraction.cleaning import clean_html
from transforms.extraction.html_tree import parse_html

PARAGRAPH = (
    "<p>The council voted on Monday to close the bridge for <b>repairs</b>, officials said.</p>"
)
FORM = "<form action=/go><label for=a>A</label><input id=a><select><option>B</select></form>"
BODY = f"<body><main>{PARAGRAPH * 6}</main>{FORM}<!-- a comment --><?php a() ?></body>"
XHTML = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://www.w3.org/TR/xhtml1.dtd">'
PAGE = f"<html lang=en><head><title>Bridge</title></head>{BODY}</html>"
PAGES = {
    "page": f"<!DOCTYPE html>\n{PAGE}\n",
    "doctype with a slash": f"{XHTML}\n{PAGE}",
    "doctype with a slash, one line": XHTML + PAGE,
    "long first line": f"{XHTML}<!--{'x' * 5000}-->{PAGE}\n<p>More.</p>",
    "closed html tag": f"<!doctype html>\n<html lang='en' />\n<head></head>{BODY}",
    "closed html tag later": f"{'<!-- x -->' * 500}\n<html />\n<head></head>{BODY}",
    "no head": f"<html>{BODY}</html>",
    "no html tag": f"<title>A</title>{PARAGRAPH * 3}",
    "one paragraph": PARAGRAPH,
    "two bodies": f"{BODY}{BODY}",
    "two heads": f"<html><head><title>A</title></head><head><meta name=a></head>{BODY}",
    "leading no-break space": f"\xa0{PAGE}",
    "XHTML": PAGE.replace("<html", "<html xmlns='http://www.w3.org/1999/xhtml'"),
    "form feeds": "<html\f><head><title>A\fB</title></head>" + "<p\fid=a>A\f</p>\n" * 900,
    "other letters": f"<html><head><title>Čaj 茶 🍵</title></head>{BODY}",
    "XML declaration inside": f"<!-- -->\n<?xml version='1.0' encoding='latin-1'?>{PAGE}",
    "late XML declaration": f"{PAGE}<?xml version='1.0' encoding='utf-16'?><p>A</p>",
    "frames": "<html><frameset><frame src=a></frameset></html>",
    "no body": "<html></html>",
    "text": "No markup at all.",
    "JSON": '{"html": "<p>a</p>"}',
    "feed": "<?xml version='1.0' encoding='utf-8'?><rss><channel><title>A</title></channel></rss>",
    "comment": "<!-- html -->",
    "blank": " \n ",
    "empty": "",
}


def serialize(tree: HtmlElement | None) -> bytes | None:
    return None if tree is None else etree.tostring(tree)


@pytest.mark.parametrize("html", PAGES.values(), ids=PAGES)
def test_the_tree_is_that_of_trafilatura(html: str) -> None:
    html = clean_html(html)
    tree = parse_html(html)
    assert serialize(tree) == serialize(trafilatura.load_html(html))
    if tree is not None:
        ours, theirs = (
            getattr(trafilatura.bare_extraction(source, include_comments=False), "text", None)
            for source in (tree, html)
        )
        assert ours == theirs


def test_all_elements_have_one_class() -> None:
    tree = parse_html(PAGES["page"])
    assert tree is not None
    assert {type(element) for element in tree.iter()} == {HtmlElement}
