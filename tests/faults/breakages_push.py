"""Breakages of the push channel and of the replacing of the service (F10, F20, F21, F22)."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.faults.breakages import BREAKAGES, Breakage

REPLACED = "tests/faults/test_upgrade.py::test_replaced_under_load_it_refuses_nobody_and_logs_nobody_out"
CHANNEL = "tests/browser/test_page_channel.py"
CUT = ("tests/browser/test_push_faults_long.py::test_cut_cable_is_told_and_what_came_meanwhile_is_shown[silent]",)


def _says_nothing() -> None:
    from cti.popup.hub import Hub
    from cti.popup.server import PushServer

    async def stop(self: PushServer) -> None:
        for task in self._rounds:
            task.cancel()
        assert self._server is not None
        for connection in tuple(self._server.all_connections):
            connection.transport.abort()

    Hub.close_all = lambda self, code=0, reason="": None  # type: ignore[method-assign]
    PushServer.stop = stop  # type: ignore[method-assign]


def _slams_the_door() -> None:
    from cti.popup import server

    async def at_once(sock: socket.socket, at_the_door: Callable[[], bool]) -> None:
        return

    server.take_no_more = at_once  # type: ignore[attr-defined]


def _takes_no_socket_over() -> None:
    from cti import listening

    listening._handed_over = lambda host, port: None


def _forgets_sessions() -> None:
    from cti.store import Store
    from cti.ticker import wall_clock

    began = wall_clock()
    session = Store.session
    Store.session = lambda self, token_hash: (  # type: ignore[method-assign]
        found if (found := session(self, token_hash)) is not None and found.created_at > began else None
    )


def _asks_for_the_password() -> None:
    from collections.abc import Mapping

    from argon2.exceptions import InvalidHashError, VerificationError

    from cti.auth import Auth, Identity

    identify = Auth.identify

    async def slowly(self: Auth, headers: Mapping[str, str]) -> Identity | None:
        found = await identify(self, headers)
        account = None if found is None else self._accounts.account(found.login)
        try:
            return found if account is not None and self._hasher.verify(account.password_hash, "") else None
        except (InvalidHashError, VerificationError):
            return None

    Auth.identify = slowly  # type: ignore[method-assign]


def _queues_without_bound() -> None:
    from cti.popup.hub import Hub

    Hub._takes = lambda self, page: True  # type: ignore[method-assign]


def _never_gives_up() -> None:
    from cti.popup.hub import Hub, Page

    close = Hub.close

    def but_slow(self: Hub, page: Page, code: int, reason: str) -> None:
        if reason != "too slow":
            close(self, page, code, reason)

    Hub.close = but_slow  # type: ignore[method-assign]


def _leaves_the_gap() -> None:
    from cti.popup.hub import Hub, Page

    shown = Hub._send_snapshot

    def once(self: Hub, page: Page) -> None:
        if not page.seq:
            shown(self, page)

    Hub._send_snapshot = once  # type: ignore[method-assign]


def _page(*changes: tuple[str, str]) -> Callable[[], None]:
    """The pages with something else in js/push.js."""

    def plant() -> None:
        from cti.web import server

        static = Path(tempfile.mkdtemp(prefix="thirteen-spoilt-")) / "static"
        shutil.copytree(server.STATIC, static)
        script = static / "js/push.js"
        text = script.read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        script.write_text(text, encoding="utf-8")
        server.STATIC = static  # type: ignore[misc]

    return plant


PUSH = {
    "restart_says_nothing": Breakage(
        fault="F10",
        breaks="The pages' connections are dropped without a word when the service ends.",
        plant=_says_nothing,
        tests=(REPLACED,),
        says=r"1006|None.*1012",
    ),
    "restart_slams_the_door": Breakage(
        fault="F10",
        breaks="Whoever has just connected when the service ends is refused.",
        plant=_slams_the_door,
        tests=("tests/popup/test_push.py::test_who_has_just_connected_is_told_of_the_restart_and_not_refused",),
        says=r"503|IncompleteReadError",
    ),
    "takes_no_socket_over": Breakage(
        fault="F10",
        breaks="The service opens its own ports instead of those that were handed over.",
        plant=_takes_no_socket_over,
        tests=(REPLACED,),
        says=r"cannot listen",
    ),
    "forgets_sessions_at_restart": Breakage(
        fault="F21",
        breaks="Sessions end with the process.",
        plant=_forgets_sessions,
        tests=(REPLACED,),
        says=r"denied.*4001",
    ),
    "hashes_on_the_way_back": Breakage(
        fault="F21",
        breaks="Whoever comes back is checked by his password's hash.",
        plant=_asks_for_the_password,
        tests=(REPLACED,),
        says=r"denied.*4001",
    ),
    "queues_without_bound": Breakage(
        fault="F20",
        breaks="What a page does not read piles up.",
        plant=_queues_without_bound,
        tests=("tests/popup/test_push.py", "tests/popup/test_hub.py"),
        says=r"behind_since|MAX_FRAMES",
    ),
    "never_gives_up_a_slow_page": Breakage(
        fault="F20",
        breaks="A page that never reads on is kept for ever.",
        plant=_never_gives_up,
        tests=("tests/popup/test_hub.py",),
        says=r"None == 4008|== TOO_SLOW",
    ),
    "leaves_the_gap": Breakage(
        fault="F20",
        breaks="A page that was skipped and has read on goes on without a snapshot.",
        plant=_leaves_the_gap,
        tests=("tests/popup/test_hub.py",),
        says=r"'snapshot'",
    ),
    "beats_by_page_timers": Breakage(
        fault="F20",
        breaks="The page's heartbeat hangs on timers that go once a minute in a hidden page.",
        plant=_page(("worker = new Worker(", "throw new Error("), ("    alone();", "    setInterval(fn, 500);")),
        tests=(f"{CHANNEL}::test_page_beats_although_it_is_hidden",),
        says=r"pulse is not a function|a timer of the page",
    ),
    "line_need_not_prove_itself": Breakage(
        fault="F20",
        breaks="A page that wakes believes in its line.",
        plant=_page(("proofBy = Math.min(proofBy, now + PROOF_MS)", "proofBy = Infinity")),
        tests=(f"{CHANNEL}::test_line_must_prove_itself_to_who_comes_back",),
        says=r"assert \[1, ",
    ),
    "comes_back_all_at_once": Breakage(
        fault="F21",
        breaks="Every page of the house comes back in the same instant.",
        plant=_page(("SPREAD_MS = 2000", "SPREAD_MS = 0")),
        tests=(f"{CHANNEL}::test_a_room_comes_back_spread_over_two_seconds_and_waits_longer_each_time",),
        says=r"1000",
    ),
    "silence_is_not_told": Breakage(
        fault="F22",
        breaks="The page believes in a line on which it hears nothing.",
        plant=_page(("QUIET_MS = 4500", "QUIET_MS = 4500e3"), ("DEAD_MS = 9000", "DEAD_MS = 9000e3")),
        tests=(f"{CHANNEL}::test_silence_is_told_within_five_seconds_and_the_line_made_anew_within_ten",),
        says=r"quiet",
    ),
    "does_not_come_back": Breakage(
        fault="F22",
        breaks="After a loss the page stays away.",
        plant=_page(("if (now >= due) connect();", "")),
        tests=CUT,
        says=r"stalebar",
    ),
}
BREAKAGES.update(PUSH)
