"""What goes to a terminal, what to a pipe, and when progress speaks."""

import io
import signal
import subprocess
import sys
import time

import pytest

from catx.errors import CatxError, Loc, OutputError
from catx.tools import progress
from catx.tools.streams import emit, has_color, tell_error


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("settings", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_color(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], colored: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert has_color(Terminal()) is colored
    assert not has_color(io.StringIO())
    assert not has_color(None)


def test_an_error_is_one_block(capsys: pytest.CaptureFixture[str]) -> None:
    tell_error(CatxError("bad \x1b[2J name", loc=Loc("hw.yaml", "levels[1]", 7), hint="good name"))
    assert capsys.readouterr().err == "error: hw.yaml:7 [levels[1]]: bad \\x1b[2J name\n  hint: good name\n"


def test_an_error_in_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    tell_error(CatxError("bad"))
    assert sys.stderr.getvalue() == "\x1b[1;31merror:\x1b[0m bad\n"  # type: ignore[attr-defined]


def test_what_the_encoding_lacks_is_written_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    emit("\u2500\u2500 \u2026name \u00fc \ud800")
    assert raw.getvalue() == b"-- ~name \\xfc \\ud800\n"


def test_a_closed_stdout_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="closed"):
        emit("text")


def test_quick_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Progress("working") as shown:
        shown.step(1, 2, "op")
    assert capsys.readouterr().err == ""


def test_slow_work_is_told_in_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.01)
    with progress.Progress("reading x.onnx", patience_s=0.0) as shown:
        wait_for(capsys, "catx: reading x.onnx ...\n")
        shown.step(3, 12, "qk\x1b[2J")
        wait_for(capsys, "catx: qk\\x1b[2J (3 of 12) ...\n")


def test_a_line_is_told_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.001)
    with progress.Progress("starting", patience_s=0.0) as shown:
        shown.step(0, 12, "compiling kernels")
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "catx: compiling kernels ..."
    assert len(lines) == len(set(lines))


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    with progress.Progress("working", patience_s=0.0):
        time.sleep(0.2)
    assert sys.stderr.getvalue() == "catx: working ...\n"  # type: ignore[attr-defined]


def test_slow_work_has_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.Progress("reading", patience_s=0.0) as shown:
        shown.step(3, 12, "[bold]op")
        limit = time.monotonic() + 10
        while "3/12" not in sys.stderr.getvalue() and time.monotonic() < limit:  # type: ignore[attr-defined]
            time.sleep(0.02)
    text = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "3/12" in text
    assert "[bold]op" in text


def test_an_error_ends_progress() -> None:
    shown = progress.Progress("working", patience_s=0.0)
    with pytest.raises(CatxError), shown:
        raise CatxError("bad")
    assert not shown._thread.is_alive()


WORK = """
import concurrent.futures, os, signal, threading, time
from catx.tools.progress import Progress

with Progress("working", patience_s=0.0), concurrent.futures.ThreadPoolExecutor() as pool:
    pool.submit(time.sleep, 60)
    threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
    time.sleep(30)
"""


def test_ctrl_c_waits_for_no_thread() -> None:
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", WORK], capture_output=True, text=True, timeout=50, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "catx: working ...\ninterrupted\n")
    assert time.monotonic() - started < 20


def test_a_handler_of_the_caller_stays() -> None:
    def mine(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGINT, mine)
    try:
        with progress.Progress("working"):
            assert signal.getsignal(signal.SIGINT) is mine
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Wait until standard error has had the line."""
    text, limit = "", time.monotonic() + 10
    while line not in text:
        assert time.monotonic() < limit, f"{line!r} is not in {text!r}"
        time.sleep(0.01)
        text += capsys.readouterr().err
