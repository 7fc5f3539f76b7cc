"""Twilio (pure): Messages with Basic auth; callbacks signed with X-Twilio-Signature over the exact URL it called.

Behind a proxy that URL is not the one the request shows, so it comes from the settings. There is no time in the
signature: the same callback again is told by its content. Our id rides in the query of the status callback.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from cti.sms.forms import decoded, encode_form, moment, parse_form, percent, phone, unpercent, word
from cti.sms.model import Status
from cti.sms.platform import (
    MAX_TEXT,
    Accepted,
    Found,
    HookRefused,
    HttpRequest,
    Outgoing,
    Push,
    Receipt,
    Reply,
    Sent,
    Taken,
    refused,
    unreadable,
)

_STATUSES: Final[Mapping[str, Status]] = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_TEMPORARY: Final = frozenset({"20429", "14107", "30001", "63018"})


def signature(auth_token: str, url: str, fields: Mapping[str, str]) -> str:
    """Base64 of HMAC-SHA1 over the URL and the sorted fields, each name followed by its value."""
    text = url + "".join(f"{key}{fields[key]}" for key in sorted(fields))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class _Answer(msgspec.Struct):
    sid: str = ""
    status: Any = ""
    num_segments: Any = ""
    code: Any = None
    message: str = ""


_answer: Final = msgspec.json.Decoder(_Answer)


class _Listed(msgspec.Struct):
    sid: str = ""
    body: str | None = None
    to: str = ""
    date_created: str = ""
    direction: str = ""


class _List(msgspec.Struct):
    messages: list[_Listed]
    next_page_uri: str | None = None


_list: Final = msgspec.json.Decoder(_List)


class Twilio:
    """One account."""

    needs_code = False
    accepted = Accepted(body=b"", content_type="text/xml")

    def __init__(
        self, name: str, *, account: str, auth_token: str, sender: str, url: str = "https://api.twilio.com/"
    ) -> None:
        """`sender` is a number, or a messaging service (MG...)."""
        self.name = name
        self._account = account
        self._token = auth_token
        self._sender = sender
        self._url = f"{url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"

    @property
    def _headers(self) -> dict[str, str]:
        basic = base64.b64encode(f"{self._account}:{self._token}".encode()).decode()
        return {"Authorization": f"Basic {basic}"}

    def request(self, message: Outgoing, now: float, nonce: str) -> HttpRequest:
        """One message."""
        text = f"[{message.signature}] {message.text}" if message.signature else message.text
        fields = [("To", message.number), ("Body", text)]
        fields.append(("MessagingServiceSid" if self._sender.startswith("MG") else "From", self._sender))
        if message.report_url:
            fields.append(("StatusCallback", f"{message.report_url}?id={percent(message.id)}"))
        headers = {**self._headers, "Content-Type": "application/x-www-form-urlencoded"}
        return HttpRequest(method="POST", url=self._url, headers=headers, body=encode_form(fields))

    def sent(self, status: int, body: bytes) -> Sent:
        """201 with a sid, or a code and words."""
        try:
            answer = _answer.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(status) from None
        if status in (200, 201) and answer.sid:
            segments = word(answer.num_segments)
            return Sent(provider_id=answer.sid[:120], segments=min(int(segments), 100) if segments.isdecimal() else 0)
        if not 400 <= status < 500 or not word(answer.code):
            raise unreadable(status)
        code = word(answer.code)
        raise refused(code, answer.message, permanent=status != 429 and code not in _TEMPORARY)

    def question(self, message: Outgoing, tried_at: float, now: float, nonce: str) -> HttpRequest | None:
        """Messages to that number of the day and later."""
        day = datetime.fromtimestamp(tried_at - 60, UTC).strftime("%Y-%m-%d")
        query = f"To={percent(message.number)}&DateSent%3E={day}&PageSize=100"
        return HttpRequest(method="GET", url=f"{self._url}?{query}", headers=self._headers)

    def found(self, message: Outgoing, tried_at: float, status: int, body: bytes) -> tuple[Found, ...]:
        """Those with the same text made since shortly before the try."""
        if status != 200:
            raise unreadable(500)
        try:
            listed = _list.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(500) from None
        like = [
            one
            for one in listed.messages
            if one.sid
            and one.direction.startswith("outbound")
            and (one.body or "").endswith(message.text)
            and (moment(one.date_created, UTC) or tried_at) >= tried_at - 60
        ]
        if not like and listed.next_page_uri:
            raise unreadable(500)
        return tuple(Found(provider_id=one.sid[:120], ours=False) for one in like)

    def take(self, push: Push) -> Taken:
        """A form with a status or with a customer's message; only as signed."""
        fields = parse_form(push.body)
        theirs = push.headers.get("x-twilio-signature", "")
        made = signature(self._token, push.url, fields)
        if not theirs or not hmac.compare_digest(made.encode(), theirs.encode("utf-8", "replace")):
            raise HookRefused(401)
        provider = word(fields.get("MessageSid") or fields.get("SmsSid"))
        if not provider:
            raise HookRefused(400)
        status = _STATUSES.get((fields.get("MessageStatus") or fields.get("SmsStatus") or "").lower())
        if "Body" in fields and phone(fields.get("From")) and (status is None or fields.get("SmsStatus") == "received"):
            text = fields["Body"][:MAX_TEXT]
            reply = Reply(
                provider_id=provider, number=phone(fields["From"]), text=text, dest=word(fields.get("To"), 40)
            )
            return Taken(items=(reply,))
        if status is None:
            raise HookRefused(400)
        failed = status == "failed"
        receipt = Receipt(
            provider_id=provider,
            message_id=_id_of(push.url),
            number=phone(fields.get("To")),
            status=status,
            error=(word(fields.get("ErrorCode"), 60) or word(fields.get("MessageStatus"))) if failed else "",
            error_text=word(fields.get("ErrorMessage"), 200) if failed else "",
        )
        return Taken(items=(receipt,))


def _id_of(url: str) -> str:
    query = url.partition("?")[2]
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key == "id":
            return word(decoded(unpercent(value.encode())))
    return ""
