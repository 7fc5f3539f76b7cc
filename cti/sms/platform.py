"""What every platform has in common: what goes to it, what comes from it, its errors (pure).

A platform that speaks HTTP is pure, too: it makes requests and reads answers; `sms.door` carries them. So what it
signs, and what it makes of any bytes, is a function that tests and fuzzers can call a hundred thousand times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, Protocol

import msgspec

from cti.sms.model import Status

MAX_ITEMS: Final = 1000
"Entries of one callback that are looked at (FAULTS F26)."
MAX_ID: Final = 120
MAX_TEXT: Final = 4000
"Characters of a customer's message that are kept: more than any phone can send."
WINDOW_S: Final = 300.0
"A signed callback older than this is a replay (FAULTS 4.10)."

Purpose = Literal["service", "marketing"]


class SmsError(Exception):
    """A platform did not take a message, or could not be asked; the text is for people and quotes no number.

    `permanent`: the same again is refused again. `unsure`: it may have gone out; sending again could be twice.
    """

    def __init__(
        self, text: str, text_en: str, *, permanent: bool, unsure: bool = False, code: str = "", wait_s: float = 0.0
    ) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en
        self.permanent = permanent
        self.unsure = unsure
        self.code = code
        self.wait_s = wait_s
        "What the platform asks to wait at least."


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way out."""

    id: str
    "Ours: the platform carries it back where it can."
    number: str
    "E.164 with +."
    text: str
    "Without the signature."
    signature: str = ""
    "Without brackets; '' where the platform wants none."
    code: str = ""
    "The template's code at this platform; '' for free text."
    values: Mapping[str, str] = {}
    "The template's variables, in the order of its text."
    report_url: str = ""
    "Where this platform's receipts go, for those that want it with each message."

    @property
    def domestic(self) -> bool:
        """To mainland China: other rules for signature and length."""
        return self.number.startswith("+86")

    @property
    def national(self) -> str:
        """Without + and, at home, without 86."""
        return self.number.removeprefix("+86") if self.domestic else self.number.removeprefix("+")


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The platform took it."""

    provider_id: str
    segments: int = 0
    "0: not told."
    cost: float | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The platform has a message that is, or may be, the one asked for."""

    provider_id: str
    ours: bool
    "It carries our id. False: same number and time, or same text; not another message's."


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform says of one message, or of one segment of it."""

    provider_id: str
    message_id: str = ""
    "Ours, where it carries it back."
    number: str = ""
    status: Status
    part: int = 1
    parts: int = 1
    error: str = ""
    error_text: str = ""
    at: float | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer wrote."""

    provider_id: str = ""
    number: str
    text: str
    at: float | None = None
    dest: str = ""
    "Our number or extension it was sent to."


Item = Receipt | Reply


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A callback as it came."""

    body: bytes
    content_type: str = ""
    "In lower case, without parameters."
    headers: Mapping[str, str] = {}
    "Names in lower case."
    url: str = ""
    "As the platform called it: scheme, host, path and query from the settings, not from the request."
    now: float


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a callback held."""

    items: tuple[Item, ...]
    bad: int = 0
    "Entries that were none."


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """A callback to be kept."""

    platform: str
    body: bytes
    items: tuple[Item, ...]
    at: float


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform wants to hear."""

    body: bytes
    content_type: str = "application/json"


class HookRefused(Exception):
    """A callback is not taken: 400 not understood, 401 not authentic, 413 too much, 415 another form."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request ready to go."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class HttpPlatform(Protocol):
    """A platform spoken to by HTTP. Nothing here waits, and nothing but `SmsError` and `HookRefused` is raised."""

    name: str
    needs_code: bool
    "Domestic texts go by approved templates only."
    accepted: Accepted

    def request(self, message: Outgoing, now: float, nonce: str) -> HttpRequest:
        """The request that sends it; raises SmsError where it cannot be sent so."""

    def sent(self, status: int, body: bytes) -> Sent:
        """What the answer to it means; raises SmsError."""

    def question(self, message: Outgoing, tried_at: float, now: float, nonce: str) -> HttpRequest | None:
        """The request that asks whether it went out; None where the platform cannot be asked."""

    def found(self, message: Outgoing, tried_at: float, status: int, body: bytes) -> tuple[Found, ...]:
        """What may be the message; () is a sure no. Raises SmsError where the answer tells nothing."""

    def take(self, push: Push) -> Taken:
        """What a callback says; raises HookRefused."""


def event_key(platform: str, item: Item, at: float) -> str:
    """The same for the same news however often it comes: status and part belong to it, the id alone does not do.

    A reply that has neither id nor time is the same again within ten minutes of `at`; later the customer repeats it.
    """
    parts: tuple[str, ...]
    if isinstance(item, Receipt):
        parts = ("receipt", item.provider_id, item.message_id, item.number, item.status, str(item.part), item.error)
    elif item.provider_id:
        parts = ("reply", item.provider_id, item.number, item.dest)
    else:
        parts = ("reply", "", item.number, item.text, item.dest, repr(item.at if item.at is not None else at // 600))
    return hashlib.sha256(msgspec.json.encode((platform, *parts))).hexdigest()[:40]


def unreadable(status: int) -> SmsError:
    """An answer that says nothing: whether the message went out is open, except where it was not even looked at."""
    if status in (401, 403, 404, 405):
        return SmsError(
            f"短信平台拒绝了请求（HTTP {status}）",
            f"The platform refused the request (HTTP {status})",
            permanent=True,
            code=str(status),
        )
    if status == 429:
        return SmsError("短信平台要求稍候", "The platform asks to wait", permanent=False, code="429", wait_s=5.0)
    return SmsError(
        f"短信平台的答复读不懂（HTTP {status}）",
        f"The platform's answer says nothing (HTTP {status})",
        permanent=False,
        unsure=True,
        code=str(status),
    )


def refused(code: str, words: str, *, permanent: bool, wait_s: float = 0.0) -> SmsError:
    """The platform said no; nothing went out."""
    said = words[:120] or code
    return SmsError(
        f"短信平台拒绝：{said}", f"The platform refused: {said}", permanent=permanent, code=code[:60], wait_s=wait_s
    )
