import io
import logging

from pipeline.commands.progress import ProgressHandler
from transforms.core.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def show(stream: io.StringIO, *, plain_interval_sec: float = 10.0) -> str:
    handler = ProgressHandler(stream, plain_interval_sec=plain_interval_sec)
    log = logging.getLogger("newsbeam.progress")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        for name in ("FetchFeeds", "FetchPages"):
            Progress(name).add(32)
    finally:
        log.removeHandler(handler)
    handler.clear()
    return stream.getvalue()


def test_a_terminal_has_one_live_line_that_is_cleared() -> None:
    shown = show(Terminal())
    assert "FetchFeeds 32  FetchPages 32" in shown
    assert shown.endswith("\r\x1b[K") and "\n" not in shown


def test_a_log_has_a_plain_line_now_and_then() -> None:
    assert show(io.StringIO()) == ""
    assert show(io.StringIO(), plain_interval_sec=0.0).splitlines() == [
        "newsbeam: FetchFeeds 32",
        "newsbeam: FetchFeeds 32  FetchPages 32",
    ]
