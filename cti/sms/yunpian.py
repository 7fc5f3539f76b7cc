"""Yunpian 云片 (pure): single_send and get_record; receipts and replies as JSON inside a form, sometimes encoded twice.

Texts carry their signature themselves. Our id goes along as `uid`. A reply may be signed: `_sign` is the MD5 of its
values in the order of their names, and the key; it may also be null. Ids are of 64 bits.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from cti.sms.forms import each, encode_form, moment, parse_form, parse_json, phone, unwrapped, word
from cti.sms.platform import (
    MAX_TEXT,
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
    SmsError,
    Taken,
    refused,
    unreadable,
)

BEIJING: Final = timezone(timedelta(hours=8))
_TEMPORARY: Final = frozenset({-50, -51, 8, 9, 17, 22, 33, 53})
"Of the documented codes: busy, or too often; the same later is taken."


def sign(values: dict[str, Any], api_key: str) -> str:
    """`_sign` of a reply."""
    texts = ["" if values[key] is None else str(values[key]) for key in sorted(values) if key != "_sign"]
    return hashlib.md5(",".join((*texts, api_key)).encode(), usedforsecurity=False).hexdigest()


class _Answer(msgspec.Struct):
    code: int | None = None
    msg: str = ""
    detail: str = ""
    sid: Any = None
    count: int = 0
    fee: float = 0.0


_answer: Final = msgspec.json.Decoder(_Answer)


class _Record(msgspec.Struct):
    sid: Any = None
    uid: Any = None
    text: str = ""
    mobile: Any = None


_records: Final = msgspec.json.Decoder(list[_Record])


class _Report(msgspec.Struct):
    sid: Any
    report_status: Any
    mobile: Any = None
    uid: Any = None
    user_receive_time: Any = None
    error_msg: Any = None
    error_detail: Any = None


class Yunpian:
    """One account."""

    needs_code = False
    accepted = Accepted(body=b"SUCCESS", content_type="text/plain")

    def __init__(
        self, name: str, *, api_key: str, url: str = "https://sms.yunpian.com/", must_sign: bool = False
    ) -> None:
        """`must_sign`: replies without `_sign` are not taken (switched on at the platform)."""
        self.name = name
        self._key = api_key
        self._url = url.rstrip("/")
        self._must_sign = must_sign

    def _call(self, path: str, fields: list[tuple[str, str]]) -> HttpRequest:
        return HttpRequest(
            method="POST",
            url=self._url + path,
            headers={
                "Accept": "application/json;charset=utf-8",
                "Content-Type": "application/x-www-form-urlencoded;charset=utf-8",
            },
            body=encode_form([("apikey", self._key), *fields]),
        )

    def request(self, message: Outgoing, now: float, nonce: str) -> HttpRequest:
        """single_send; the text with its signature first."""
        text = f"【{message.signature}】{message.text}" if message.signature else message.text
        fields = [("mobile", message.national if message.domestic else message.number), ("text", text)]
        fields.append(("uid", message.id))
        if message.report_url:
            fields.append(("callback_url", message.report_url))
        return self._call("/v2/sms/single_send.json", fields)

    def sent(self, status: int, body: bytes) -> Sent:
        """`code` 0 is taken; a refusal comes with HTTP 400 and its reason."""
        try:
            answer = _answer.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(status) from None
        if answer.code == 0 and word(answer.sid):
            return Sent(provider_id=word(answer.sid), segments=max(0, min(answer.count, 100)), cost=answer.fee or None)
        if answer.code is None or answer.code == 0 or status >= 500:
            raise unreadable(status)
        raise refused(str(answer.code), answer.detail or answer.msg, permanent=answer.code not in _TEMPORARY)

    def question(self, message: Outgoing, tried_at: float, now: float, nonce: str) -> HttpRequest | None:
        """get_record of the number since shortly before."""
        times = [datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S") for at in (tried_at - 60, now + 60)]
        mobile = message.national if message.domestic else message.number
        fields = [("mobile", mobile), ("start_time", times[0]), ("end_time", times[1])]
        return self._call("/v2/sms/get_record.json", [*fields, ("page_num", "1"), ("page_size", "100")])

    def found(self, message: Outgoing, tried_at: float, status: int, body: bytes) -> tuple[Found, ...]:
        """The one with our uid; where uids are not given back, any with the same text."""
        if status != 200:
            raise SmsError("短信平台查不到结果", "The platform could not look it up", permanent=False, unsure=True)
        try:
            records = _records.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(status) from None
        ours = [r for r in records if word(r.uid) == message.id]
        if ours:
            return (Found(provider_id=word(ours[0].sid), ours=True),)
        like = [r for r in records if not word(r.uid) and r.text.endswith(message.text) and word(r.sid)]
        return tuple(Found(provider_id=word(r.sid), ours=False) for r in like)

    def take(self, push: Push) -> Taken:
        """`sms_status` holds receipts, `sms_reply` one reply."""
        form = parse_form(push.body)
        items: list[Item]
        if "sms_status" in form:
            text = unwrapped(form["sms_status"])
            reports, bad = each(parse_json(text, list[msgspec.Raw]), _Report)
            items = [item for report in reports if (item := _receipt(report)) is not None]
            bad += len(reports) - len(items)
        elif "sms_reply" in form:
            text = unwrapped(form["sms_reply"])
            many = text.lstrip().startswith("[")
            replies = parse_json(text, list[dict[str, Any]]) if many else [parse_json(text, dict[str, Any])]
            if len(replies) > 100:
                raise HookRefused(413)
            items = [said for reply in replies if (said := self._reply(reply)) is not None]
            bad = len(replies) - len(items)
        else:
            raise HookRefused(400)
        if not items:
            raise HookRefused(400)
        return Taken(items=tuple(items), bad=bad)

    def _reply(self, values: dict[str, Any]) -> Reply | None:
        theirs = values.get("_sign")
        if theirs is None and self._must_sign:
            raise HookRefused(401)
        if theirs is not None and not hmac.compare_digest(
            sign(values, self._key).encode(), str(theirs).encode("utf-8", "replace")
        ):
            raise HookRefused(401)
        number, text = phone(values.get("mobile")), values.get("text")
        if not number or not isinstance(text, str):
            return None
        return Reply(
            provider_id=word(values.get("id")),
            number=number,
            text=text[:MAX_TEXT],
            at=moment(values.get("reply_time"), BEIJING),
            dest=word(values.get("base_extend"), 20) + word(values.get("extend"), 20),
        )


def _receipt(report: _Report) -> Receipt | None:
    provider, said = word(report.sid), word(report.report_status)
    if not provider or said not in ("SUCCESS", "FAIL"):
        return None
    failed = said == "FAIL"
    return Receipt(
        provider_id=provider,
        message_id=word(report.uid),
        number=phone(report.mobile),
        status="failed" if failed else "delivered",
        error=(word(report.error_msg, 60) or "FAIL") if failed else "",
        error_text=word(report.error_detail, 200) if failed else "",
        at=moment(report.user_receive_time, BEIJING),
    )
