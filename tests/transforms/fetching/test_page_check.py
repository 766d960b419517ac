import pytest

from transforms.fetching.http_messages import Response
from transforms.fetching.page_check import check_page

PAGE = "<!DOCTYPE html><html><p>The “pier” is closed until spring.</p></html>".encode()


def problem_of(body: bytes, content_type: str | None) -> str | None:
    headers = {} if content_type is None else {"content-type": content_type}
    problem = check_page(Response("https://a.example/", 200, headers, body, 0.1))
    return problem.message if problem else None


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/html",
        "Text/HTML ;charset=UTF-8",
        "text/html charset=utf-8",
        "text/html,text/html;charset=utf-8",
        "text/html; charset=",
        ";charset=utf-8",
        "charset=utf-8",
        "text/xml",
        "application/xml; charset=utf-8",
        "application/xhtml+xml",
        "application/octet-stream",
        "application/x-gzip",
        "application/json",
        "application/x-php",
        "image/jpeg",
        "text",
        "html",
        "*/*",
        "?",
    ],
)
@pytest.mark.parametrize("body", [PAGE, PAGE.decode().encode("utf-16")])
def test_html_is_a_page_whatever_its_content_type_says(
    body: bytes, content_type: str | None
) -> None:
    assert problem_of(body, content_type) is None


@pytest.mark.parametrize("content_type", [None, "*/*", "text/html", "text/html foo", "text/plain"])
def test_the_content_type_is_believed_about_other_text(content_type: str | None) -> None:
    assert problem_of(b"The pier is closed.", content_type) is None


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"{}", "application/json; charset=utf-8", "the page is application/json"),
        (b"<rss>", "text/xml", "the page is text/xml"),
        (b"x", "image/png", "the page is image/png"),
        (b"%PDF-1.7", "*/*", "the page is a PDF document, whatever its content type says"),
        (b"\x89PNG\r\n", "text/html", "the page is an image, whatever its content type says"),
        (b"\0" * 50, "", "the page is binary data, whatever its content type says"),
        (b" \n", "text/html", "the page is empty"),
    ],
)
def test_what_is_no_page_is_named(body: bytes, content_type: str, message: str) -> None:
    assert problem_of(body, content_type) == message
