import pytest

from transforms.fetching.http_messages import Response
from transforms.fetching.redirect_cookies import RedirectCookies

SETTER = "https://www.news.example/world/pier"


def cookies_after(*values: str, url: str = SETTER) -> RedirectCookies:
    cookies = RedirectCookies()
    response = Response(url, 302, {"set-cookie": "\n".join(values)}, b"", 0.1)
    assert cookies.store(response) is any(value.isprintable() for value in values)
    return cookies


def sent(cookies: RedirectCookies, url: str) -> set[str]:
    return set(cookies.header(url).get("Cookie", "").split("; ")) - {""}


def test_cookies_go_back_to_the_host_that_set_them() -> None:
    cookies = cookies_after("a=1; Path=/", 'b="x y"; HttpOnly; Max-Age=60; SameSite=Lax', "c=")
    assert sent(cookies, "https://www.news.example/world/other") == {"a=1", 'b="x y"', "c="}
    assert sent(cookies, "https://www.news.example/sport") == {"a=1"}
    assert sent(cookies, "https://user:secret@www.news.example:8443/") == {"a=1"}
    assert not RedirectCookies().store(Response(SETTER, 302, {}, b"", 0.1))


@pytest.mark.parametrize(
    ("value", "url", "setter"),
    [
        ("a=1; Path=/", "https://news.example/", SETTER),
        ("a=1; Path=/", "https://sub.www.news.example/", SETTER),
        ("a=1; Path=/", "https://other.example/", SETTER),
        ("a=1; Domain=.news.example; Path=/", "https://oldnews.example/", SETTER),
        ("a=1; Domain=other.example; Path=/", "https://other.example/", SETTER),
        ("a=1; Domain=example; Path=/", "https://other.example/", SETTER),
        ("a=1; Domain=.com; Path=/", "https://b.com/", "https://a.com/"),
        ("a=1; Domain=.co.uk; Path=/", "https://b.co.uk/", "https://a.co.uk/"),
        ("a=1; Domain=127.0.0.1; Path=/", "http://127.0.0.1/", "http://127.0.0.2/"),
        ("a=1; Domain=.0.0.1; Path=/", "http://127.0.0.1/", "http://127.0.0.1/"),
        ("a=1; Path=/; Secure", "http://www.news.example/", SETTER),
        ("a=1; Path=/; Max-Age=0", SETTER, SETTER),
        ("a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", SETTER, SETTER),
        ("a=\udce9; Path=/", SETTER, SETTER),
        ("a=1\x01; Path=/", SETTER, SETTER),
        ("=; ;;=", SETTER, SETTER),
    ],
)
def test_cookies_go_nowhere_else(value: str, url: str, setter: str) -> None:
    assert sent(cookies_after(value, url=setter), url) == set()


@pytest.mark.parametrize(
    "url", ["https://news.example/", "https://www.news.example/", "https://a.b.news.example/"]
)
def test_a_cookie_of_a_domain_goes_to_all_its_hosts(url: str) -> None:
    cookies = cookies_after("a=1; Domain=news.example; Path=/", url="https://login.news.example/")
    assert sent(cookies, url) == {"a=1"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_hosts_without_a_domain_have_cookies_too(host: str) -> None:
    cookies = cookies_after("a=1; Path=/", url=f"http://{host}:8080/")
    assert sent(cookies, f"http://{host}:8080/x") == {"a=1"}
