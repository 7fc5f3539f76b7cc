"""A platform described by configuration (pure): how to send, how callbacks look, what it wants to hear.

Covers the long tail of HTTP platforms: JSON or form both ways, entries at any path of the callback, statuses and times
in their own words, and the usual ways to prove who is calling.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from cti.sms.forms import encode_form, moment, parse_form, parse_json, phone, unwrapped, word
from cti.sms.model import Status
from cti.sms.platform import (
    MAX_ITEMS,
    MAX_TEXT,
    WINDOW_S,
    Accepted,
    Found,
    HookRefused,
    HttpRequest,
    Item,
    Outgoing,
    Push,
    Receipt,
    Reply,
    Sent,
    Taken,
    refused,
    unreadable,
)

_SLOT: Final = re.compile(r"\{(\w+)\}")
SLOTS: Final = frozenset({"number", "national", "text", "signed_text", "signature", "code", "id", "values", "list"})
"What a field to send may hold: `values` is the variables as a JSON object, `list` as a JSON list."


class Sending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a message is sent."""

    url: str
    body: Literal["json", "form"] = "json"
    fields: dict[str, str]
    "{their name: text with {slots}}."
    headers: dict[str, str] = {}
    user: str = ""
    "With `password`: Basic auth."
    password: str = ""
    ok: str = "code"
    "Path of what tells success in the answer; '' for: any answer of 2xx."
    ok_values: tuple[str, ...] = ("0",)
    id: str = ""
    "Path of their id in the answer; without one our own names the message."
    error_text: str = ""
    temporary: tuple[str, ...] = ()
    "Values of `ok` that mean: later."


class Reports(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How receipts look."""

    list: str = ""
    "Path of the entries; '' for the whole body."
    id: str = ""
    message_id: str = ""
    number: str = ""
    status: str
    ok_values: tuple[str, ...]
    underway_values: tuple[str, ...] = ()
    error: str = ""
    error_text: str = ""
    time: str = ""
    part: str = ""
    parts: str = ""


class Replies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How customers' messages look."""

    list: str = ""
    id: str = ""
    number: str
    text: str
    time: str = ""
    dest: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a callback proves where it comes from, beyond its secret path."""

    kind: Literal["none", "header", "basic", "hmac-sha256", "md5"] = "none"
    header: str = ""
    "Name of the header with the token or the signature."
    secret: str = ""
    user: str = ""
    time_header: str = ""
    "Of hmac-sha256: signed is '<id>.<time>.<body>' with `id_header`, else '<time>.<body>', else the body."
    id_header: str = ""
    field: str = "sign"
    "Of md5: the field with the MD5 of the other fields' values in the order of their names, and the secret."


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of one platform."""

    send: Sending
    reports: Reports | None = None
    replies: Replies | None = None
    proof: Proof = Proof()
    timezone: str = "Asia/Shanghai"
    time_format: str = ""
    "strptime's; '' for the usual ones and for seconds and milliseconds."
    reply_body: str = '{"code":0}'
    reply_type: str = "application/json"
    needs_code: bool = False


def fetch(value: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does.

    >>> fetch({"a": {"b": [1, {"c": 2}]}}, "a.b.1.c")
    2
    """
    for step in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def problems(rules: Rules) -> list[str]:
    """Names of slots that there are not, and a zone that there is not."""
    found = [slot for text in rules.send.fields.values() for slot in _SLOT.findall(text) if slot not in SLOTS]
    try:
        ZoneInfo(rules.timezone)
    except (ValueError, OSError, KeyError):
        found.append(rules.timezone)
    return found


class Generic:
    """One account of one such platform."""

    def __init__(self, name: str, rules: Rules) -> None:
        self.name = name
        self.needs_code = rules.needs_code
        self.accepted = Accepted(body=rules.reply_body.encode(), content_type=rules.reply_type)
        self._rules = rules
        self._zone: tzinfo = ZoneInfo(rules.timezone)

    def request(self, message: Outgoing, now: float, nonce: str) -> HttpRequest:
        """The configured fields with their slots filled."""
        send = self._rules.send
        brackets = "【{}】" if message.domestic else "[{}] "
        slots = {
            "number": message.number,
            "national": message.national,
            "text": message.text,
            "signed_text": (brackets.format(message.signature) if message.signature else "") + message.text,
            "signature": message.signature,
            "code": message.code,
            "id": message.id,
            "values": msgspec.json.encode(dict(message.values)).decode(),
            "list": msgspec.json.encode(list(message.values.values())).decode(),
        }
        filled = {key: _SLOT.sub(lambda found: slots.get(found[1], ""), text) for key, text in send.fields.items()}
        headers = dict(send.headers)
        if send.user:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{send.user}:{send.password}".encode()).decode()
        form = send.body == "form"
        headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        body = encode_form(filled.items()) if form else msgspec.json.encode(filled)
        return HttpRequest(method="POST", url=send.url, headers=headers, body=body)

    def sent(self, status: int, body: bytes) -> Sent:
        """Told by one value of the answer."""
        send = self._rules.send
        if not send.ok and not send.id and 200 <= status < 300:
            return Sent(provider_id="")
        try:
            answer = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
            raise unreadable(status) from None
        code = _text(fetch(answer, send.ok)) if send.ok else ""
        if code in send.ok_values if send.ok else 200 <= status < 300:
            return Sent(provider_id=word(fetch(answer, send.id)) if send.id else "")
        if not code or status >= 500:
            raise unreadable(status)
        raise refused(code, _text(fetch(answer, send.error_text)), permanent=code not in send.temporary)

    def question(self, message: Outgoing, tried_at: float, now: float, nonce: str) -> HttpRequest | None:
        """Such a platform is not asked: its receipt has to tell."""
        return None

    def found(self, message: Outgoing, tried_at: float, status: int, body: bytes) -> tuple[Found, ...]:
        """Never called: there is no question."""
        raise unreadable(status)

    def take(self, push: Push) -> Taken:
        """Entries that have a text are customers', those that have a status are receipts."""
        rules = self._rules
        body: Any
        signed: Any
        if "json" in push.content_type or push.body.lstrip()[:1] in (b"{", b"["):
            body = signed = parse_json(push.body, Any)
        else:
            signed = parse_form(push.body)
            body = {key: _inner(value) for key, value in signed.items()}
        self._verify(push, signed)
        items: list[Item] = []
        bad = 0
        for shape in (rules.replies, rules.reports):
            if shape is None:
                continue
            found = fetch(body, shape.list)
            entries = found if isinstance(found, list) else [found]
            if len(entries) > MAX_ITEMS:
                raise HookRefused(413)
            made = [self._reply(e, shape) if isinstance(shape, Replies) else self._receipt(e, shape) for e in entries]
            good = [item for item in made if item is not None]
            if good:
                items += good
                bad += len(made) - len(good)
                break
        if not items:
            raise HookRefused(400)
        return Taken(items=tuple(items), bad=bad)

    def _time(self, value: Any) -> float | None:
        if self._rules.time_format and isinstance(value, str):
            try:
                at = datetime.strptime(value[:60], self._rules.time_format)  # noqa: DTZ007 - the zone follows
                return moment((at if at.tzinfo else at.replace(tzinfo=self._zone)).timestamp(), self._zone)
            except (ValueError, OverflowError, OSError):
                return None
        return moment(value, self._zone)

    def _reply(self, entry: Any, shape: Replies) -> Reply | None:
        number, text = phone(fetch(entry, shape.number)), fetch(entry, shape.text)
        if not isinstance(entry, Mapping) or not number or not isinstance(text, str):
            return None
        return Reply(
            provider_id=_at(entry, shape.id),
            number=number,
            text=text[:MAX_TEXT],
            at=self._time(fetch(entry, shape.time)) if shape.time else None,
            dest=_at(entry, shape.dest)[:40],
        )

    def _receipt(self, entry: Any, shape: Reports) -> Receipt | None:
        if not isinstance(entry, Mapping):
            return None
        provider, message_id = _at(entry, shape.id), _at(entry, shape.message_id)
        said = _text(fetch(entry, shape.status))
        if not said or not (provider or message_id):
            return None
        status: Status = "failed"
        if said in shape.ok_values:
            status = "delivered"
        elif said in shape.underway_values:
            status = "sent"
        failed = status == "failed"
        part = _small(_at(entry, shape.part))
        return Receipt(
            provider_id=provider,
            message_id=message_id,
            number=phone(fetch(entry, shape.number)) if shape.number else "",
            status=status,
            part=part,
            parts=max(part, _small(_at(entry, shape.parts))),
            error=(_at(entry, shape.error) or said)[:60] if failed else "",
            error_text=_at(entry, shape.error_text) if failed else "",
            at=self._time(fetch(entry, shape.time)) if shape.time else None,
        )

    def _verify(self, push: Push, body: Any) -> None:
        proof = self._rules.proof
        if proof.kind == "none":
            return
        said = push.headers.get((proof.header or "authorization").lower(), "")
        made = proof.secret
        if proof.kind == "basic":
            made = "Basic " + base64.b64encode(f"{proof.user}:{proof.secret}".encode()).decode()
        elif proof.kind == "hmac-sha256":
            said, made = self._hmac(push, said)
        elif proof.kind == "md5":
            if not isinstance(body, Mapping):
                raise HookRefused(401)
            said = _text(body.get(proof.field))
            values = [_plain(body[key]) for key in sorted(body) if key != proof.field]
            made = hashlib.md5(",".join((*values, proof.secret)).encode(), usedforsecurity=False).hexdigest()
        if not said or not hmac.compare_digest(said.encode("utf-8", "replace"), made.encode()):
            raise HookRefused(401)

    def _hmac(self, push: Push, said: str) -> tuple[str, str]:
        proof = self._rules.proof
        signed = push.body
        if proof.time_header:
            stamp = push.headers.get(proof.time_header.lower(), "")
            at = moment(stamp, self._zone)
            if at is None or abs(push.now - at) > WINDOW_S:
                raise HookRefused(401)
            signed = stamp.encode() + b"." + signed
        if proof.id_header:
            signed = push.headers.get(proof.id_header.lower(), "").encode("utf-8", "replace") + b"." + signed
        digest = hmac.new(proof.secret.encode(), signed, hashlib.sha256).digest()
        # Several signatures may stand there, while keys change; each may name its version or its algorithm.
        for one in said.split():
            bare = re.sub(r"^(v1,|sha256=)", "", one)
            if re.fullmatch(r"[0-9a-fA-F]{64}", bare):
                return bare.lower(), digest.hex()
            try:
                if hmac.compare_digest(base64.b64decode(bare, validate=True), digest):
                    return "yes", "yes"
            except (binascii.Error, ValueError):
                continue
        raise HookRefused(401)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else word(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _text(value)


def _at(entry: Any, path: str) -> str:
    return _text(fetch(entry, path)) if path else ""


def _small(text: str) -> int:
    return min(int(text), 255) if text.isdecimal() and text.isascii() and int(text) > 0 else 1


def _inner(value: str) -> Any:
    """A form's field that holds JSON, as values."""
    text = unwrapped(value)
    if text[:1] not in "[{" or not text:
        return value
    try:
        return parse_json(text, Any)
    except HookRefused:
        return value
