import codecs

import pytest

from transforms.extraction.charset import decode_page, repair_mojibake, repair_utf8

TEXT = "The ferry “Zoë” sails again – it’s a naïve plan, say the owners’ lawyers in Málaga"
UTF8 = "text/html; charset=utf-8"
LATIN1 = "text/html; charset=ISO-8859-1"
CP1252 = "text/html; charset=windows-1252"


def html(text: str = TEXT, declared: str = "") -> str:
    return f"<html><head>{declared}</head><body><p>{text}</p></body></html>"


def misread(text: str, charset: str = "cp1252") -> str:
    """Return a text whose UTF-8 was read in another charset, as browsers and PHP read it."""
    return "".join(
        bytes([byte]).decode(charset) if charset != "cp1252" or byte not in UNUSED else chr(byte)
        for byte in text.encode()
    )


UNUSED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
"""The bytes that are no character of Windows-1252."""


@pytest.mark.parametrize("header", ["", "text/html", UTF8, LATIN1, CP1252, "text/html; charset=x"])
@pytest.mark.parametrize(
    "declared",
    [
        "",
        '<meta charset="iso-8859-1">',
        '<meta charset="utf-8">',
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">',
        '<meta charset="utf-16">',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_the_bytes_decide_between_utf8_and_what_is_declared(
    encoding: str, declared: str, header: str
) -> None:
    page = html(declared=declared)
    assert decode_page(page.encode(encoding), header) == page


@pytest.mark.parametrize(
    ("encoding", "declared", "header"),
    [
        ("iso-8859-2", '<meta charset="iso-8859-2">', ""),
        ("iso-8859-2", "", "text/html; charset=ISO-8859-2"),
        ("iso-8859-2", '<meta charset="iso-8859-2">', UTF8),
        ("iso-8859-2", '<meta charset="utf-8">', "text/html; charset=iso-8859-2"),
    ],
)
def test_bytes_that_are_no_utf8_are_in_the_declared_charset(
    encoding: str, declared: str, header: str
) -> None:
    page = html("ő ł", declared)
    assert decode_page(page.encode(encoding), header) == page


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "渡轮公司周五表示，北码头将关闭至春季。"),
        ("shift_jis", "フェリー会社は金曜日、北埠頭を春まで閉鎖すると発表した。"),
        ("euc_kr", "여객선 회사는 금요일 북쪽 부두를 봄까지 폐쇄한다고 밝혔다."),
        ("iso2022_jp", "フェリー会社は金曜日に発表した。"),
        ("windows-1251", "Паром снова пойдёт весной"),
    ],
)
def test_charsets_of_other_scripts_are_read_where_they_are_declared(
    encoding: str, text: str
) -> None:
    page = html(5 * text, f'<meta charset="{encoding}">')
    assert decode_page(page.encode(encoding), UTF8) == page
    broken = page.encode(encoding).replace(b"</p>", b"\xff</p>")
    if encoding != "iso2022_jp":  # whose bytes are all ASCII
        assert 4 * text in decode_page(broken, UTF8), "one broken byte changes nothing else"


def test_a_charset_that_does_not_fit_is_not_believed() -> None:
    page = html(declared='<meta charset="gb2312">')
    assert decode_page(page.encode("cp1252"), UTF8) == page


def test_the_quote_marks_of_windows_are_no_control_characters() -> None:
    page = html("“a” ‘b’ – c … for 5 €".replace("€", "EUR"))
    assert decode_page(page.encode("cp1252"), "text/html; charset=iso-8859-15") == page


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("header", ["", UTF8, LATIN1])
def test_wide_charsets_need_no_declaration(encoding: str, header: str) -> None:
    page = html(declared='<meta charset="utf-8">')
    assert decode_page(page.encode(encoding), header) == page
    assert decode_page(f"\ufeff{page}".encode(encoding), header) == page


@pytest.mark.parametrize(
    ("damaged", "expected"),
    [
        (TEXT.encode().replace(b"sails", b"sai\xffls"), TEXT.replace("sails", "saiÿls")),
        (TEXT.encode().replace(b"\xe2\x80\x93", b"\xe2\x80"), TEXT.replace("–", "\ufffd")),
        (TEXT.encode().replace(b"\xe2\x80\x93", b"\x80\x93"), TEXT.replace("–", "\ufffd\ufffd")),
        (TEXT.encode()[: TEXT.encode().index(b"\xa1")], TEXT.partition("á")[0] + "Ã"),
    ],
    ids=["broken", "cut", "without its start", "cut at the end"],
)
def test_utf8_with_a_broken_character_stays_utf8(damaged: bytes, expected: str) -> None:
    assert decode_page(damaged, LATIN1) == expected


def test_a_paragraph_in_windows_1252_within_utf8_is_read() -> None:
    old = "“It’s late”, he said"
    body = b"<p>%s</p><p>%s</p>" % (TEXT.encode(), old.encode("cp1252"))
    assert decode_page(body, UTF8) == f"<p>{TEXT}</p><p>{old}</p>"


@pytest.mark.parametrize("charset", ["cp1252", "latin-1"])
def test_mojibake_is_undone(charset: str) -> None:
    twice = misread(TEXT, charset)
    assert decode_page(html(twice).encode(), UTF8) == html()
    assert decode_page(html(misread(twice, charset)).encode(), UTF8) == html()
    mixed = f"“Señor” <b>{twice}</b>"
    assert repair_mojibake(mixed) == f"“Señor” <b>{TEXT}</b>"


def test_a_closing_mark_that_lost_its_last_byte_is_still_one() -> None:
    assert repair_mojibake("â€œNo,â€ she said. â€œYes.â€\ufffd") == "“No,” she said. “Yes.”"


def test_c1_controls_are_the_marks_of_windows_1252() -> None:
    assert repair_mojibake("\x93It\x92s\x94 \x96 so\x85") == "“It’s” – so…"


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "CAFÉ’S “LIBERTÉ” ÉGALITÉ — SÃO PAULO",
        "À «côté», Ängström, 10 €, £5, ½ – naïve…",
        "Zürich’s Straße: „Öl“ ›x‹",
        "Âge d’or, â l’ancienne",
        "Τα νέα «σήμερα» Новости “дня” 渡轮",
    ],
)
def test_right_text_is_no_mojibake(text: str) -> None:
    assert repair_mojibake(text) == text
    assert decode_page(html(text).encode(), LATIN1) == html(text)


@pytest.mark.parametrize("charset", ["punycode", "idna", "rot13", "zlib", "undefined", "none-such"])
def test_an_unknown_charset_does_not_fail_the_page(charset: str) -> None:
    page = html(declared=f"<meta charset='{charset}'>")
    for encoding in ("utf-8", "cp1252"):
        assert decode_page(page.encode(encoding)) == page
        assert decode_page(page.encode(encoding), f"a/b; charset={charset}") == page


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode_page(codecs.BOM_UTF8 + b"<p>", LATIN1) == "<p>"


@pytest.mark.parametrize("broken", [b"\xff", b"\x93", b"\xc3", b"\xe2\x80", b"\x80\x9c"])
def test_a_broken_character_changes_no_other_of_a_document(broken: bytes) -> None:
    repaired = repair_utf8(TEXT.encode() + b" " + broken + b" " + TEXT.encode()).decode()
    assert repaired.startswith(TEXT) and repaired.endswith(TEXT)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8", "utf-8-sig"])
def test_a_document_that_is_not_broken_stays_as_it_is(encoding: str) -> None:
    assert repair_utf8(TEXT.encode(encoding)) == TEXT.encode(encoding)


def test_mojibake_of_a_document_is_undone() -> None:
    assert repair_utf8(f"<title>{misread(TEXT)}".encode()).decode() == f"<title>{TEXT}"
