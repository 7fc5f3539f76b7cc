"""A QQ web archive of a gigabyte, made while it is read: how much memory and time it takes to stream it."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from benchmarks.table import Figure
from crm_bridge.chat import qq_mht
from crm_bridge.chat.message import Options, Tally

MEGABYTE = 1 << 20
MARK = "----=_NextPart_A240C18D_603F_466a_8338.0D1C1796EFC3"
ROWS_SHARE = 1 / 16
"Of the bytes; the rest are pictures, as in archives of that size."

_TOP = (
    "From: <Save by Tencent MsgMgr>\r\nSubject: Tencent IM Message\r\nMIME-Version: 1.0\r\n"
    f'Content-Type:multipart/related;\r\n\tcharset="utf-8"\r\n\ttype="text/html";\r\n\tboundary="{MARK}"\r\n\r\n'
    f"--{MARK}\r\nContent-Type: text/html\r\nContent-Transfer-Encoding:7bit\r\n\r\n"
    "<html><body><table><tr><td><div style=padding-left:10px;>消息对象:周敏</div></td></tr>"
    "<tr><td style=color:#3568BB;>日期: 2019-07-16</td></tr>"
)
_ROW = (
    "<tr><td><div style=color:#006EFE;padding-left:10px;>"
    "<div style=float:left;margin-right:6px;>周敏</div>{clock}</div>"
    "<div style=padding-left:20px;><font style=\"font-size:9pt;font-family:'宋体','MS Sans Serif',sans-serif;\" "
    "color='000000'>宁波到汉堡 40HQ 两个，下周能走吗？</font></div></td></tr>\r\n"
)
_PICTURE = f"\r\n--{MARK}\r\nContent-Type:image/jpeg\r\nContent-Transfer-Encoding:base64\r\n\r\n".encode()
_BASE64 = (b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8U\r\n" * 14800)[:MEGABYTE]


class Archive(io.RawIOBase):
    """A web archive of about `size` bytes that is nowhere but in the reader's hands."""

    def __init__(self, size: int) -> None:
        self.rows = 0
        self._pieces = self._make(size)
        self._rest = b""

    def _make(self, size: int) -> Iterator[bytes]:
        yield _TOP.encode()
        sent = 0
        while sent < size * ROWS_SHARE:
            many = [_ROW.format(clock=f"{n // 3600 % 24}:{n // 60 % 60:02}:{n % 60:02}") for n in range(500)]
            self.rows += len(many)
            piece = "".join(many).encode()
            sent += len(piece)
            yield piece
        yield b"</table></body></html>"
        while sent < size:
            yield _PICTURE
            for _ in range(8):
                yield _BASE64
            sent += 8 * MEGABYTE
        yield f"\r\n--{MARK}--\r\n".encode()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def _stream(size: int) -> dict[str, float]:
    """Read an archive; peak memory in MB beyond what the program took before, CPU seconds, messages."""
    archive = Archive(size)
    options = Options(zone=ZoneInfo("Asia/Shanghai"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    count = sum(1 for _ in qq_mht.read(archive, options, Tally()))
    taken = time.process_time() - start
    if count != archive.rows:
        raise AssertionError(f"{count} messages of {archive.rows}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"peak": peak / 1024, "cpu": taken, "messages": float(count)}


def _apart(size: int) -> dict[str, float]:
    """The same in a process of its own: a peak is that of this reading only."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chat", str(size)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def gigabyte() -> list[Figure]:
    """A gigabyte against a sixteenth of it."""
    small, large = _apart(64 * MEGABYTE), _apart(1024 * MEGABYTE)
    return [
        Figure("peak memory of 1 GB beyond the program's own", large["peak"], "MB", goal=32),
        Figure("... more than that of 64 MB", large["peak"] - small["peak"], "MB", goal=8),
        Figure("messages in 1 GB", large["messages"]),
        Figure("CPU time of 1 GB", large["cpu"], "s"),
        Figure("messages a second", large["messages"] / large["cpu"], "1/s"),
    ]


if __name__ == "__main__":
    print(json.dumps(_stream(int(sys.argv[1]))))
