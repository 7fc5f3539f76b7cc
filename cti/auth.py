"""Who is there: passwords, sessions, delays after wrong passwords, and the one `identify(headers)` of both listeners.

Passwords are checked with argon2id in worker threads, two at a time, so that a morning's logins cannot starve the
pops; an unknown login costs the same as a known one. A session is a random token of 256 bits: the browser has it in a
cookie that scripts cannot read, the store has its hash. Rules: OWASP ASVS 5.0 6.2, 6.3, 7.1-7.4.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from typing import Final, Protocol, TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")
log = logging.getLogger(__name__)

IDLE_S: Final = 12 * 3600.0
"A session unused for this long ends: one shift."
ABSOLUTE_S: Final = 24 * 3600.0
"A session ends this long after the login, whatever happens."
AWAY_S: Final = 600.0
"While the store is away, whoever it knew so short a time ago is believed to be who he was: pages come back."
TOUCH_S: Final = 0.25
"So long a request waits for the use of its session to be written down."
MOST_TOUCHING: Final = 100
"Uses of sessions that may wait for that; the rest waits for the next minute."
MIN_PASSWORD: Final = 12
"Fewest characters of a new password (ASVS 6.2.1)."

RIGHTS: Final[Mapping[str, frozenset[str]]] = {
    "agent": frozenset({"desk", "edit", "control", "customers", "history"}),
    "supervisor": frozenset(
        {
            "desk",
            "edit",
            "control",
            "board",
            "all_calls",
            "customers",
            "history",
            "catalogue",
            "route",
            "listen",
            "rules",
            "teams",
            "recordings",
            "scores",
            "wallboard",
            "messages",
        }
    ),
    # An admin keeps users and settings: he sees the board without callers' names and numbers.
    "admin": frozenset(
        {"users", "board", "history", "catalogue", "upkeep", "teams", "wallboards", "wallboard", "messages"}
    ),
}
"{role: what it may do}; a role that is not here may nothing."
WALL: Final = "wallboard"
"Role of a wall's token, and its one right: the board's figures."


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user as the store knows him."""

    login: str
    name: str
    role: str
    password_hash: str
    language: str = "zh"
    interfaces: tuple[str, ...] = ()
    disabled: bool = False


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the store knows it. `token_hash` is the SHA-256 of the token in hex."""

    token_hash: str
    login: str
    created_at: float
    seen_at: float


class Accounts(Protocol):
    """Users and sessions in the store. Synchronous: called in worker threads."""

    def account(self, login: str) -> Account | None:
        """The user of that login."""

    def create_session(self, session: StoredSession) -> None:
        """Keep a session."""

    def session(self, token_hash: str) -> StoredSession | None:
        """The session with that hash."""

    def sessions(self) -> list[StoredSession]:
        """All sessions."""

    def accounts(self) -> list[Account]:
        """All users."""

    def touch_session(self, token_hash: str, at: float) -> None:
        """The session was used at `at`."""

    def end_session(self, token_hash: str) -> None:
        """Forget a session."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent this request."""

    login: str
    name: str
    role: str
    language: str
    interfaces: tuple[str, ...]
    session: str
    "Hash of the session's token: names the session, opens nothing."
    expires_at: float

    @property
    def rights(self) -> frozenset[str]:
        """What the role may do; nothing for a role nobody knows."""
        return frozenset({WALL}) if self.role == WALL else RIGHTS.get(self.role, frozenset())

    def at_wall(self) -> Identity:
        """The same at a wallboard: nothing but its figures, and none of what the user's other pages get."""
        if self.role == WALL:
            return self
        return msgspec.structs.replace(self, login=f"{WALL}:{self.login}", role=WALL, interfaces=())


class AccountsAway(Exception):
    """The store does not say who somebody is."""


class LoginRefused(Exception):
    """The login or the password is wrong, or it is too early to try again (`retry_after` seconds)."""

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__("login refused")
        self.retry_after = retry_after


class Delays:
    """Growing delays after wrong passwords: per account and per address, bounded in memory.

    An account is free for ten mistakes, then waits 2, 4, 8 ... seconds up to five minutes: a delay and not a lock, so
    that nobody can lock an agent out. An address is free for fifty mistakes in ten minutes (FAULTS 4.2).
    """

    FREE, LONGEST_S, ADDRESS_FREE, ADDRESS_WINDOW_S, KEPT = 10, 300.0, 50, 600.0, 10_000

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._addresses: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, login: str, address: str, now: float) -> float:
        """Seconds until this login may be tried from this address; 0 for now."""
        count, until = self._accounts.get(login, (0, 0.0))
        left = until - now if count > self.FREE else 0.0
        tries, since = self._addresses.get(address, (0, now))
        if tries >= self.ADDRESS_FREE:
            left = max(left, since + self.ADDRESS_WINDOW_S - now)
        return max(0.0, left)

    def failed(self, login: str, address: str, now: float) -> None:
        """A wrong password."""
        count, until = self._accounts.pop(login, (0, 0.0))
        if now - until > 3600.0:
            count = 0
        count += 1
        delay = min(self.LONGEST_S, 2.0 ** min(count - self.FREE, 12)) if count > self.FREE else 0.0
        self._accounts[login] = (count, now + delay)
        tries, since = self._addresses.pop(address, (0, now))
        if now - since > self.ADDRESS_WINDOW_S:
            tries, since = 0, now
        self._addresses[address] = (tries + 1, since)
        for book in (self._accounts, self._addresses):
            while len(book) > self.KEPT:
                book.popitem(last=False)

    def succeeded(self, login: str) -> None:
        """The right password: the account's mistakes are forgotten, the address's are not."""
        self._accounts.pop(login, None)


def token_hash(token: str) -> str:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def origin_allowed(origin: str | None, allowed: frozenset[str]) -> bool:
    """True where `origin` is one of `allowed`, letter for letter. None, 'null', suffixes and other ports are not."""
    return origin is not None and origin in allowed


def new_password() -> str:
    """A random password that can be read out: 20 characters without look-alikes, about 100 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def password_fault(password: str, login: str) -> str | None:
    """Why a new password cannot be taken, in words for the user; None where it can (ASVS 6.2: length, no rules)."""
    if len(password) < MIN_PASSWORD:
        return f"口令至少 {MIN_PASSWORD} 个字符 / at least {MIN_PASSWORD} characters"
    if len(password) > 1024:
        return "口令过长 / too long"
    if login and login.lower() in password.lower():
        return "口令不能包含登录名 / must not contain the login"
    if len(set(password)) < 5:
        return "口令过于简单 / too simple"
    return None


class Auth:
    """Logs users in, knows their sessions and says who sent a request."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        clock: Callable[[], float],
        secure: bool = True,
        hasher: PasswordHasher | None = None,
        cache_s: float = 1.0,
    ) -> None:
        """`secure` says that browsers come by TLS: then the cookie is `__Host-cti` and Secure.

        A session is asked of the store again after `cache_s` seconds, so that an ended one does not live longer.
        """
        self._accounts = accounts
        self._clock = clock
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="argon2")
        self._reader = ThreadPoolExecutor(2, thread_name_prefix="accounts")
        self._toucher = ThreadPoolExecutor(1, thread_name_prefix="sessions")
        self._touching = 0
        # An unknown login is checked against this, so that it takes as long as a known one.
        self._dummy = self._pool.submit(self._hasher.hash, secrets.token_urlsafe(16))
        self._waiting = 0
        self._secure = secure
        self._cache: OrderedDict[str, tuple[float, Identity]] = OrderedDict()
        self._touched: OrderedDict[str, float] = OrderedDict()
        self._cache_s = cache_s
        self.delays = Delays()
        self.cookie = "__Host-cti" if secure else "cti"
        "Name of the session cookie."

    def hash_password(self, password: str) -> str:
        """The argon2id hash to be stored. Slow on purpose: not for the event loop."""
        return self._hasher.hash(password)

    async def login(self, login: str, password: str, address: str) -> tuple[str, Identity]:
        """(token, identity) of a new session. Raises LoginRefused, which never tells whether the login exists.

        Raises AccountsAway, too.
        """
        now = self._clock()
        wait = self.delays.wait(login, address, now)
        if wait > 0:
            raise LoginRefused(wait)
        if self._waiting >= 64:  # each check holds 64 MiB for some 100 ms: a queue longer than this serves nobody
            raise LoginRefused(3.0)
        self._waiting += 1
        try:
            account = await self._read(lambda: self._accounts.account(login))
            right = await self._verify(account, password)
        finally:
            self._waiting -= 1
        now = self._clock()
        if account is None or not right or account.disabled:
            self.delays.failed(login, address, now)
            raise LoginRefused
        self.delays.succeeded(login)
        token = secrets.token_urlsafe(32)
        session = StoredSession(token_hash=token_hash(token), login=login, created_at=now, seen_at=now)
        await self._read(lambda: self._accounts.create_session(session))
        return token, self._remember(account, session, now)

    async def _verify(self, account: Account | None, password: str) -> bool:
        def check() -> bool:
            stored = self._dummy.result() if account is None else account.password_hash
            try:
                return self._hasher.verify(stored, password)
            except (VerificationError, InvalidHashError, UnicodeError):
                return False

        right = await asyncio.get_running_loop().run_in_executor(self._pool, check)
        return right and account is not None

    def token_of(self, headers: Mapping[str, str]) -> str | None:
        """The session token in a request's Cookie header."""
        raw = headers.get("Cookie")
        if not raw or len(raw) > 8192:
            return None
        try:
            morsel = SimpleCookie(raw).get(self.cookie)
        except CookieError:
            return None
        return morsel.value if morsel is not None and 20 <= len(morsel.value) <= 100 else None

    async def identify(self, headers: Mapping[str, str]) -> Identity | None:
        """Who sent these headers; None for nobody: no session, an ended one, a disabled user. Raises AccountsAway."""
        token = self.token_of(headers)
        return None if token is None else await self._identify_session(token_hash(token))

    async def still(self, sessions: Collection[str]) -> dict[str, Identity]:
        """{session: its user now} of those that live on: open sockets are checked with it, all in one question.

        Raises AccountsAway.
        """
        wanted = set(sessions)
        found, people = await self._read(lambda: (self._accounts.sessions(), self._accounts.accounts()))
        accounts = {account.login: account for account in people}
        now = self._clock()
        alive: dict[str, Identity] = {}
        for session in found:
            account = accounts.get(session.login)
            if session.token_hash in wanted and account is not None and self._lives(session, account, now):
                alive[session.token_hash] = self._remember(account, session, now)
        for gone in wanted - alive.keys():
            self._forget(gone)
        return alive

    def _lives(self, session: StoredSession, account: Account | None, now: float) -> bool:
        seen_at = max(session.seen_at, self._touched.get(session.token_hash, 0.0))
        over = now - session.created_at > ABSOLUTE_S or now - seen_at > IDLE_S
        return not over and account is not None and not account.disabled

    async def _identify_session(self, session: str) -> Identity | None:
        now = self._clock()
        cached = self._cache.get(session)
        if cached is not None and now - cached[0] < self._cache_s and now < cached[1].expires_at:
            return cached[1]
        try:
            found = await self._read(lambda: self._accounts.session(session))
            account = None if found is None else await self._read(lambda: self._accounts.account(found.login))
        except AccountsAway:
            if cached is not None and now - cached[0] < AWAY_S and now < cached[1].expires_at:
                return cached[1]
            raise
        if found is None or account is None or not self._lives(found, account, now):
            if account is not None and not account.disabled:
                with contextlib.suppress(AccountsAway):
                    await self._read(lambda: self._accounts.end_session(session))
            self._forget(session)
            return None
        return self._remember(account, found, now)

    async def touch(self, identity: Identity) -> None:
        """The session was used. Written to the store at most once a minute; whether it can be is nobody's concern."""
        now = self._clock()
        if now - self._touched.get(identity.session, 0.0) < 60.0:
            return
        self._touched[identity.session] = now
        while len(self._touched) > 10_000:
            self._touched.popitem(last=False)
        if self._touching >= MOST_TOUCHING:
            return
        self._touching += 1
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._toucher, self._accounts.touch_session, identity.session, now)
        written.add_done_callback(self._touched_once)
        await asyncio.wait((written,), timeout=TOUCH_S)

    def _touched_once(self, written: asyncio.Future[None]) -> None:
        self._touching -= 1
        if not written.cancelled() and (error := written.exception()) is not None:
            log.debug("the use of a session was not written down: %s", type(error).__name__)

    async def logout(self, identity: Identity) -> None:
        """End a session."""
        self._forget(identity.session)
        await self._read(lambda: self._accounts.end_session(identity.session))

    def cookie_header(self, token: str | None) -> str:
        """Value of Set-Cookie for a new session, or for taking the cookie away (None)."""
        age = int(ABSOLUTE_S) if token else 0
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie}={token or ''}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"

    def close(self) -> None:
        """Let the worker threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._toucher.shutdown(wait=False, cancel_futures=True)

    def _remember(self, account: Account, session: StoredSession, now: float) -> Identity:
        identity = Identity(
            login=account.login,
            name=account.name,
            role=account.role,
            language=account.language,
            interfaces=account.interfaces,
            session=session.token_hash,
            expires_at=session.created_at + ABSOLUTE_S,
        )
        self._cache[session.token_hash] = (now, identity)
        self._cache.move_to_end(session.token_hash)
        while len(self._cache) > 10_000:
            self._cache.popitem(last=False)
        return identity

    def _forget(self, session: str) -> None:
        self._cache.pop(session, None)
        self._touched.pop(session, None)

    def forget_cached(self) -> None:
        """Ask the store again at the next request: a user was changed."""
        self._cache.clear()

    async def _read(self, call: Callable[[], T]) -> T:
        """Raises AccountsAway for whatever the store has."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, call)
        except Exception as error:
            raise AccountsAway(type(error).__name__) from error
