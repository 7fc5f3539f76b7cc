"""Huawei Cloud 华为云 (pure): batchSendSms with WSSE or SDK-HMAC-SHA256; receipts and replies as forms.

A receipt names a segment by `total` and `sequence`. Callbacks may be signed with SDK-HMAC-SHA256, which says when they
were made. There is nothing to ask whether a message went out: `extend` brings our id back with the receipt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from cti.sms.forms import each, encode_form, mended, moment, parse_form, parse_json, percent, phone, word
from cti.sms.model import Status
from cti.sms.platform import (
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

ALGORITHM: Final = "SDK-HMAC-SHA256"
_UNDERWAY: Final = frozenset({"ACCEPTD", "ENROUTE", "UNKNOWN", "RTE_ERR_UNKNOWN"})
_TEMPORARY: Final = frozenset({"E000620", "E000623", "E000503", "E200015", "E200041"})


def wsse(app_key: str, app_secret: str, nonce: str, created: str) -> str:
    """The X-WSSE header: the digest is the Base64 of the SHA-256 in hex."""
    digest = hashlib.sha256(f"{nonce}{created}{app_secret}".encode()).hexdigest()
    encoded = base64.b64encode(digest.encode()).decode()
    return f'UsernameToken Username="{app_key}",PasswordDigest="{encoded}",Nonce="{nonce}",Created="{created}"'


def signature(
    secret: str, *, method: str, path: str, query: str, headers: Mapping[str, str], signed: str, date: str, body: bytes
) -> str:
    """SDK-HMAC-SHA256 over the request; `signed` names the headers that count, separated by semicolons."""
    where = "/".join(percent(part) for part in path.split("/"))
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed.split(";"))
    request = "\n".join(
        (method, where if where.endswith("/") else where + "/", query, lines, signed, hashlib.sha256(body).hexdigest())
    )
    text = f"{ALGORITHM}\n{date}\n{hashlib.sha256(request.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class _Result(msgspec.Struct):
    sms_id: str = msgspec.field(name="smsMsgId", default="")
    status: str = ""
    total: Any = None


class _Answer(msgspec.Struct):
    code: str = ""
    description: str = ""
    result: list[_Result] | None = None


_answer: Final = msgspec.json.Decoder(_Answer)


class _Report(msgspec.Struct):
    sms_id: Any = msgspec.field(name="smsMsgId", default=None)
    status: Any = None
    text: Any = msgspec.field(name="statusDesc", default=None)
    total: Any = None
    sequence: Any = None
    at: Any = msgspec.field(name="updateTime", default=None)
    extend: Any = None
    to: Any = None


class _Batch(msgspec.Struct):
    reports: list[msgspec.Raw] = msgspec.field(name="statusReportList")


class Huawei:
    """One application."""

    needs_code = True
    accepted = Accepted(body=b"", content_type="text/plain")

    def __init__(
        self,
        name: str,
        *,
        app_key: str,
        app_secret: str,
        sender: str,
        url: str,
        auth: str = "wsse",
        push_key: str = "",
        push_secret: str = "",
    ) -> None:
        """`url` is the application's access address; `push_key` and `push_secret` sign its callbacks, '' for none."""
        self.name = name
        self._key = app_key
        self._secret = app_secret
        self._sender = sender
        self._url = url.rstrip("/")
        self._sdk = auth == "sdk"
        self._push_key = push_key
        self._push_secret = push_secret

    def request(self, message: Outgoing, now: float, nonce: str) -> HttpRequest:
        """One number by one template."""
        fields = [("from", self._sender), ("to", message.number), ("templateId", message.code)]
        if message.values:
            fields.append(("templateParas", msgspec.json.encode(list(message.values.values())).decode()))
        if message.report_url:
            fields.append(("statusCallback", message.report_url))
        fields.append(("extend", message.id))
        if message.signature:
            fields.append(("signature", message.signature))
        body = encode_form(fields)
        at = datetime.fromtimestamp(now, UTC)
        path = "/sms/batchSendSms/v1"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._sdk:
            date = at.strftime("%Y%m%dT%H%M%SZ")
            host = self._url.split("//", 1)[1].split("/", 1)[0]
            signing = {
                "content-type": headers["Content-Type"],
                "host": host,
                "x-sdk-date": date,
            }
            names = ";".join(signing)
            made = signature(
                self._secret,
                method="POST",
                path=path,
                query="",
                headers=signing,
                signed=names,
                date=date,
                body=body,
            )
            headers["X-Sdk-Date"] = date
            headers["Authorization"] = f"{ALGORITHM} Access={self._key}, SignedHeaders={names}, Signature={made}"
        else:
            headers["Authorization"] = 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"'
            headers["X-WSSE"] = wsse(self._key, self._secret, nonce, at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return HttpRequest(method="POST", url=self._url + path, headers=headers, body=body)

    def sent(self, status: int, body: bytes) -> Sent:
        """The code of the whole, then that of the one number."""
        try:
            answer = _answer.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(status) from None
        first = answer.result[0] if answer.result else None
        if answer.code == "000000" and first is not None and first.status in ("", "000000") and first.sms_id:
            total = int(word(first.total)) if word(first.total).isdecimal() else 0
            return Sent(provider_id=first.sms_id[:120], segments=min(total, 100))
        code = first.status if first is not None and first.status not in ("", "000000") else answer.code
        if not code or code == "000000" or (status >= 500 and code not in _TEMPORARY):
            raise unreadable(status)
        raise refused(code, answer.description, permanent=code not in _TEMPORARY)

    def question(self, message: Outgoing, tried_at: float, now: float, nonce: str) -> HttpRequest | None:
        """This platform cannot be asked."""
        return None

    def found(self, message: Outgoing, tried_at: float, status: int, body: bytes) -> tuple[Found, ...]:
        """Never called: there is no question."""
        raise unreadable(status)

    def take(self, push: Push) -> Taken:
        """A form with one receipt or one reply, or JSON with a list of receipts."""
        if self._push_secret:
            self._verify(push)
        items: list[Item]
        if push.body.lstrip()[:1] == b"{":
            reports, bad = each(parse_json(push.body, _Batch).reports, _Report)
            items = [item for report in reports if (item := _receipt(report)) is not None]
            bad += len(reports) - len(items)
        else:
            one = _from_form(parse_form(push.body))
            items, bad = ([] if one is None else [one]), 0
        if not items:
            raise HookRefused(400)
        return Taken(items=tuple(items), bad=bad)

    def _verify(self, push: Push) -> None:
        date = push.headers.get("x-sdk-date", "")
        try:
            at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
            scheme, _, rest = push.headers.get("authorization", "").partition(" ")
            said = dict(part.strip().split("=", 1) for part in rest.split(","))
            names, theirs = said["SignedHeaders"].lower(), said["Signature"]
        except (ValueError, KeyError):
            raise HookRefused(401) from None
        right = (
            scheme == ALGORITHM and said.get("Access") == self._push_key and "x-sdk-date" in names.split(";")
        )  # a date that is not signed proves nothing
        _, _, tail = push.url.partition("//")
        path, _, query = ("/" + tail.partition("/")[2]).partition("?")
        host = tail.partition("/")[0]
        made = signature(
            self._push_secret,
            method="POST",
            path=path,
            query="&".join(sorted(query.split("&"))) if query else "",
            headers={**push.headers, "host": host},
            signed=names,
            date=date,
            body=push.body,
        )
        if not right or not hmac.compare_digest(made.encode(), theirs.encode()) or abs(push.now - at) > WINDOW_S:
            raise HookRefused(401)


def _count(value: Any, most: int = 255) -> int:
    text = word(value, 12)
    return min(int(text), most) if text.isdecimal() and text.isascii() and int(text) > 0 else 1


def _status(code: str) -> Status:
    if code in ("DELIVRD", "000000"):
        return "delivered"
    return "sent" if code.upper() in _UNDERWAY else "failed"


def _receipt(report: _Report) -> Receipt | None:
    provider, code = word(report.sms_id), word(report.status, 60)
    if not provider or not code:
        return None
    status = _status(code)
    part = _count(report.sequence)
    return Receipt(
        provider_id=provider,
        message_id=word(report.extend),
        number=phone(report.to),
        status=status,
        part=part,
        parts=max(part, _count(report.total)),
        error=code if status == "failed" else "",
        error_text=word(report.text, 200) if status == "failed" else "",
        at=moment(report.at, UTC),
    )


def _from_form(form: Mapping[str, str]) -> Item | None:
    if "body" in form and phone(form.get("from")):
        return Reply(
            provider_id=word(form.get("smsMsgId", "")),
            number=phone(form["from"]),
            text=mended(form["body"])[:MAX_TEXT],
            at=moment(form.get("createTime"), UTC),
            dest=word(form.get("to", ""), 40),
        )
    return _receipt(
        _Report(
            sms_id=form.get("smsMsgId"),
            status=form.get("status"),
            text=form.get("statusDesc"),
            total=form.get("total"),
            sequence=form.get("sequence"),
            at=form.get("updateTime"),
            extend=form.get("extend"),
            to=form.get("to"),
        )
    )
