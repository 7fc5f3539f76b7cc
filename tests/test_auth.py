"""Passwords, sessions, delays and origins."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from time import perf_counter
from typing import Literal

import pytest
from argon2 import PasswordHasher

from cti.auth import (
    ABSOLUTE_S,
    AWAY_S,
    IDLE_S,
    Account,
    AccountsAway,
    Auth,
    Delays,
    LoginRefused,
    StoredSession,
    new_password,
    origin_allowed,
    password_fault,
    token_hash,
)

PASSWORD = "correct-horse-13"
FAST = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Book:
    """Users and sessions in memory, with a count of what was asked."""

    def __init__(self, hasher: PasswordHasher = FAST) -> None:
        self.people = {"lin": Account(login="lin", name="林知夏", role="agent", password_hash=hasher.hash(PASSWORD))}
        self.kept: dict[str, StoredSession] = {}
        self.asked = 0
        self.away = False
        self.gate = threading.Event()
        self.gate.set()

    def _answer(self) -> None:
        self.gate.wait(60)
        if self.away:
            raise OSError("away")

    def account(self, login: str) -> Account | None:
        """The user of that login."""
        self._answer()
        return self.people.get(login)

    def create_session(self, session: StoredSession) -> None:
        """Keep a session."""
        self.kept[session.token_hash] = session

    def session(self, token_hash: str) -> StoredSession | None:
        """The session with that hash."""
        self._answer()
        self.asked += 1
        return self.kept.get(token_hash)

    def sessions(self) -> list[StoredSession]:
        """All sessions."""
        self.asked += 1
        return list(self.kept.values())

    def accounts(self) -> list[Account]:
        """All users."""
        return list(self.people.values())

    def touch_session(self, token_hash: str, at: float) -> None:
        """Used at `at`."""
        self._answer()
        old = self.kept[token_hash]
        self.kept[token_hash] = StoredSession(
            token_hash=token_hash, login=old.login, created_at=old.created_at, seen_at=at
        )

    def end_session(self, token_hash: str) -> None:
        """Forget a session."""
        self.kept.pop(token_hash, None)


class Desk:
    """An Auth with a clock that the test moves."""

    def __init__(self, book: Book | None = None, hasher: PasswordHasher = FAST, secure: bool = False) -> None:
        self.now = 1_760_000_000.0
        self.book = book or Book(hasher)
        self.auth = Auth(self.book, clock=lambda: self.now, secure=secure, hasher=hasher)

    def headers(self, token: str) -> dict[str, str]:
        """A request's headers."""
        return {"Cookie": f"other=1; {self.auth.cookie}={token}"}


@pytest.fixture
def desk() -> Iterator[Desk]:
    """One Auth."""
    made = Desk()
    yield made
    made.auth.close()


async def test_login_opens_a_session_that_identifies(desk: Desk) -> None:
    """The token in the cookie says who sends a request; the store has only its hash."""
    token, identity = await desk.auth.login("lin", PASSWORD, "10.0.0.1")
    assert identity.name == "林知夏"
    assert list(desk.book.kept) == [token_hash(token)]
    assert token not in str(desk.book.kept)
    assert await desk.auth.identify(desk.headers(token)) == identity


async def test_tokens_are_never_alike_and_hold_256_bits(desk: Desk) -> None:
    """Two logins have nothing in common."""
    tokens = {(await desk.auth.login("lin", PASSWORD, ""))[0] for _ in range(20)}
    assert len(tokens) == 20
    assert {len(t) for t in tokens} == {43}


@pytest.mark.parametrize(
    "cookie", ["", "cti=", "cti=short", "cti=" + "x" * 43, "cti=" + "x" * 9000, "\x00", "cti", "=;=;"]
)
async def test_other_cookies_are_nobody(desk: Desk, cookie: str) -> None:
    """Whatever is no session's token identifies nobody."""
    assert await desk.auth.identify({"Cookie": cookie}) is None


async def test_session_ends_when_idle_for_a_shift(desk: Desk) -> None:
    """Twelve hours without use end it; use keeps it."""
    token, identity = await desk.auth.login("lin", PASSWORD, "")
    desk.now += IDLE_S - 1
    assert await desk.auth.identify(desk.headers(token)) is not None
    await desk.auth.touch(identity)
    desk.now += IDLE_S - 1
    assert await desk.auth.identify(desk.headers(token)) is not None
    desk.now += 2
    assert await desk.auth.identify(desk.headers(token)) is None
    assert desk.book.kept == {}


async def test_session_ends_after_a_day_whatever_happens(desk: Desk) -> None:
    """Twenty-four hours after the login it is over, in use or not."""
    token, identity = await desk.auth.login("lin", PASSWORD, "")
    for _ in range(int(ABSOLUTE_S / 3600)):
        desk.now += 3600
        await desk.auth.touch(identity)
    assert await desk.auth.identify(desk.headers(token)) is not None
    desk.now += 1
    assert await desk.auth.identify(desk.headers(token)) is None


async def test_use_is_written_down_once_a_minute(desk: Desk) -> None:
    """A page's heartbeats do not become writes."""
    _, identity = await desk.auth.login("lin", PASSWORD, "")
    seen = set()
    for _ in range(13):
        desk.now += 10
        await desk.auth.touch(identity)
        seen.add(desk.book.kept[identity.session].seen_at)
    assert len(seen) == 3


async def test_ended_session_and_disabled_user_are_nobody_within_a_second(desk: Desk) -> None:
    """What was cached is asked again."""
    token, identity = await desk.auth.login("lin", PASSWORD, "")
    other, _ = await desk.auth.login("lin", PASSWORD, "")
    await desk.auth.logout(identity)
    assert await desk.auth.identify(desk.headers(token)) is None
    account = desk.book.people["lin"]
    desk.book.people["lin"] = Account(
        login="lin", name="", role="agent", password_hash=account.password_hash, disabled=True
    )
    desk.now += 1.1
    assert await desk.auth.identify(desk.headers(other)) is None
    with pytest.raises(LoginRefused):
        await desk.auth.login("lin", PASSWORD, "")


async def test_reconnects_do_not_ask_the_store_each_time(desk: Desk) -> None:
    """Five hundred requests of one second cost one question."""
    token, _ = await desk.auth.login("lin", PASSWORD, "")
    for _ in range(500):
        assert await desk.auth.identify(desk.headers(token)) is not None
    assert desk.book.asked <= 1


async def test_open_pages_are_checked_in_one_question(desk: Desk) -> None:
    """Which of many sessions live on costs one look; ended, expired and disabled ones are not among them."""
    tokens = [(await desk.auth.login("lin", PASSWORD, ""))[1].session for _ in range(3)]
    desk.book.people["gone"] = Account(
        login="gone", name="", role="agent", password_hash=desk.book.people["lin"].password_hash
    )
    _, gone = await desk.auth.login("gone", PASSWORD, "")
    desk.book.asked = 0
    assert set(await desk.auth.still([*tokens, gone.session, "x"])) == {*tokens, gone.session}
    assert desk.book.asked == 1
    desk.book.end_session(tokens[0])
    desk.book.people["gone"] = Account(login="gone", name="", role="agent", password_hash="", disabled=True)
    assert set(await desk.auth.still([*tokens, gone.session])) == set(tokens[1:])
    desk.now += IDLE_S + 1
    assert await desk.auth.still(tokens) == {}


async def test_unknown_login_takes_as_long_as_a_wrong_password() -> None:
    """Nobody can find out by the clock who exists."""
    hasher = PasswordHasher(time_cost=2, memory_cost=8192, parallelism=1)
    desk = Desk(hasher=hasher)
    times: dict[str, list[float]] = {"lin": [], "nobody": []}
    for _ in range(25):
        for login, taken in times.items():
            desk.auth.delays = Delays()
            began = perf_counter()
            with pytest.raises(LoginRefused):
                await desk.auth.login(login, "wrong", "")
            taken.append(perf_counter() - began)
    # The quickest of each: what a busy machine adds it adds to either, and never takes away.
    known, unknown = (min(taken) for taken in times.values())
    assert abs(known - unknown) < 0.35 * known
    desk.auth.close()


async def test_at_most_two_passwords_are_checked_at_once() -> None:
    """A morning's logins cannot take every core."""
    running = most = 0
    desk = Desk()

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return super().verify(hash, password)
            finally:
                running -= 1

    desk.auth._hasher = Counting(time_cost=3, memory_cost=8192, parallelism=1)
    desk.book.people["lin"] = Account(
        login="lin", name="", role="agent", password_hash=desk.auth._hasher.hash(PASSWORD)
    )
    await asyncio.gather(*(desk.auth.login("lin", PASSWORD, "") for _ in range(12)))
    assert most <= 2
    desk.auth.close()


def test_account_waits_longer_after_each_mistake_and_is_never_locked() -> None:
    """Ten mistakes are free, then 2, 4, 8 ... seconds up to five minutes; a success forgets them."""
    delays, now = Delays(), 0.0
    for _ in range(10):
        delays.failed("lin", "", now)
        assert delays.wait("lin", "", now) == 0.0
    seen = []
    for _ in range(12):
        delays.failed("lin", "", now)
        seen.append(delays.wait("lin", "", now))
        now += seen[-1]
        assert delays.wait("lin", "", now) == 0.0
    assert seen[:4] == [2.0, 4.0, 8.0, 16.0]
    assert max(seen) == 300.0
    delays.succeeded("lin")
    delays.failed("lin", "", now)
    assert delays.wait("lin", "", now) == 0.0


def test_address_that_tries_many_accounts_waits() -> None:
    """Fifty mistakes of one address in ten minutes stop it, not the accounts and not other addresses."""
    delays = Delays()
    for n in range(50):
        delays.failed(f"user{n}", "10.0.0.9", 100.0)
    assert delays.wait("lin", "10.0.0.9", 100.0) == 600.0
    assert delays.wait("lin", "10.0.0.8", 100.0) == 0.0
    assert delays.wait("lin", "10.0.0.9", 701.0) == 0.0
    delays.failed("lin", "10.0.0.9", 701.0)
    assert delays.wait("lin", "10.0.0.9", 702.0) == 0.0


def test_delays_are_bounded_in_memory() -> None:
    """A hundred thousand invented logins and addresses leave no more than ten thousand behind."""
    delays = Delays()
    for n in range(100_000):
        delays.failed(f"u{n}", f"a{n}", float(n))
    assert len(delays._accounts) <= Delays.KEPT
    assert len(delays._addresses) <= Delays.KEPT


def test_cookie_is_bound_to_the_host_where_there_is_tls() -> None:
    """__Host- and Secure with TLS; a plain name without, and never readable by scripts."""
    secure, plain = Desk(secure=True), Desk()
    assert secure.auth.cookie_header("t") == ("__Host-cti=t; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict; Secure")
    assert plain.auth.cookie_header("t") == "cti=t; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"
    assert "Max-Age=0" in plain.auth.cookie_header(None)
    for desk in (secure, plain):
        desk.auth.close()


def test_origin_is_compared_letter_for_letter() -> None:
    """No suffix, no port, no case, no null."""
    allowed = frozenset({"https://cti.example.com"})
    assert origin_allowed("https://cti.example.com", allowed)
    for other in (
        None,
        "",
        "null",
        "https://cti.example.com/",
        "https://cti.example.com:443",
        "http://cti.example.com",
        "https://CTI.example.com",
        "https://cti.example.com.evil.example",
        "https://evil.example/https://cti.example.com",
        "https://cti.example.co",
        "https://xcti.example.com",
        "https://cti.example.com ",
    ):
        assert not origin_allowed(other, allowed), other


def test_new_passwords_are_long_and_not_the_name() -> None:
    """Twelve characters, no composition rules; a generated one is always good."""
    assert password_fault("short", "lin")
    assert password_fault("aaaaaaaaaaaaaaaa", "lin")
    assert password_fault("my-name-is-lin-13", "lin")
    assert password_fault("x" * 2000, "lin")
    assert password_fault("一二三四五六七八九十甲乙", "lin") is None
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(password_fault(p, "lin") is None for p in made)


async def test_who_was_known_is_believed_while_the_store_is_away(desk: Desk) -> None:
    """Pages come back in an outage: for ten minutes, and for those alone whom the store knew before it."""
    token, identity = await desk.auth.login("lin", PASSWORD, "")
    desk.now += 5
    assert await desk.auth.identify(desk.headers(token)) is not None
    desk.book.away = True
    desk.now += AWAY_S - 1
    assert (await desk.auth.identify(desk.headers(token))) == identity
    desk.now += 2
    with pytest.raises(AccountsAway):
        await desk.auth.identify(desk.headers(token))
    with pytest.raises(AccountsAway):
        await desk.auth.identify(desk.headers("another-token-of-nobody-that-was-here-0000000"))
    with pytest.raises(AccountsAway):
        await desk.auth.login("lin", PASSWORD, "")
    desk.book.away = False
    assert (await desk.auth.identify(desk.headers(token))) is not None


async def test_use_that_cannot_be_written_down_stops_nobody(desk: Desk) -> None:
    """A store that refuses or hangs neither fails a request nor closes a page, and the session lives on by its use."""
    token, identity = await desk.auth.login("lin", PASSWORD, "")
    desk.book.away = True
    desk.now += IDLE_S - 1
    await desk.auth.touch(identity)
    desk.book.away = False
    desk.now += 2
    assert await desk.auth.identify(desk.headers(token)) is not None
    desk.book.gate.clear()
    for _ in range(3):
        desk.now += 61
        await desk.auth.touch(identity)
    desk.book.gate.set()
