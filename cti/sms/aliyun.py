"""Aliyun 阿里云 (pure): SendSms and QuerySendDetails with the RPC signature; SmsReport and SmsUp, at home and abroad.

SendSms is not idempotent; our id goes along as OutId and comes back with the receipt and with the query. Callbacks are
not signed: a secret path and a list of addresses have to do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from cti.sms.forms import each, encode_form, moment, parse_json, percent, phone, word
from cti.sms.model import Status
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
_TEMPORARY: Final = ("Throttling", "isp.SYSTEM_ERROR", "ServiceUnavailable", "isp.RAM_PERMISSION_DENY_RETRY")
_LIMITED: Final = ("isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE")
"Another platform may still take it; this one will not for hours."
_ABROAD: Final[Mapping[str, Status]] = {"1": "delivered", "2": "failed", "3": "delivered", "6": "failed"}


def signature(secret: str, method: str, parameters: Mapping[str, str]) -> str:
    """The RPC signature, version 1.0: HMAC-SHA1 over the sorted, percent-encoded parameters."""
    query = "&".join(f"{percent(key)}={percent(parameters[key])}" for key in sorted(parameters))
    signed = f"{method}&%2F&{percent(query)}"
    return base64.b64encode(hmac.new(f"{secret}&".encode(), signed.encode(), hashlib.sha1).digest()).decode()


class _Answer(msgspec.Struct):
    code: str = msgspec.field(name="Code", default="")
    message: str = msgspec.field(name="Message", default="")
    biz_id: str = msgspec.field(name="BizId", default="")


_answer: Final = msgspec.json.Decoder(_Answer)


class _Detail(msgspec.Struct):
    out_id: Any = msgspec.field(name="OutId", default="")
    send_date: Any = msgspec.field(name="SendDate", default="")
    content: str = msgspec.field(name="Content", default="")


class _Details(msgspec.Struct):
    details: list[_Detail] = msgspec.field(name="SmsSendDetailDTO", default_factory=list)


class _Queried(msgspec.Struct):
    code: str = msgspec.field(name="Code", default="")
    total: Any = msgspec.field(name="TotalCount", default=0)
    found: _Details = msgspec.field(name="SmsSendDetailDTOs", default_factory=_Details)


_queried: Final = msgspec.json.Decoder(_Queried)


class _Pushed(msgspec.Struct):
    """A receipt or a reply, at home or abroad: told apart by what stands in it."""

    phone_number: Any = None
    success: Any = None
    err_code: Any = None
    err_msg: Any = None
    biz_id: Any = None
    message_id: Any = None
    out_id: Any = None
    report_time: Any = None
    content: Any = None
    send_time: Any = None
    dest_code: Any = None
    sequence_id: Any = None
    to: Any = msgspec.field(name="To", default=None)
    status: Any = msgspec.field(name="Status", default=None)
    abroad_id: Any = msgspec.field(name="MessageId", default=None)
    receive_date: Any = msgspec.field(name="ReceiveDate", default=None)
    error_code: Any = msgspec.field(name="ErrorCode", default=None)
    error_text: Any = msgspec.field(name="ErrorDescription", default=None)
    task_id: Any = msgspec.field(name="TaskId", default=None)


class Aliyun:
    """One account."""

    needs_code = True
    accepted = Accepted(body='{"code":0,"msg":"接收成功"}'.encode())

    def __init__(
        self, name: str, *, key_id: str, key_secret: str, url: str = "https://dysmsapi.aliyuncs.com/", region: str = ""
    ) -> None:
        self.name = name
        self._id = key_id
        self._secret = key_secret
        self._url = url
        self._region = region or "cn-hangzhou"

    def _call(self, action: str, now: float, nonce: str, parameters: Mapping[str, str]) -> HttpRequest:
        whole = {
            "AccessKeyId": self._id,
            "Action": action,
            "Format": "JSON",
            "RegionId": self._region,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": nonce,
            "SignatureVersion": "1.0",
            "Timestamp": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": "2017-05-25",
            **parameters,
        }
        whole["Signature"] = signature(self._secret, "POST", whole)
        return HttpRequest(
            method="POST",
            url=self._url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=encode_form(sorted(whole.items())),
        )

    def request(self, message: Outgoing, now: float, nonce: str) -> HttpRequest:
        """SendSms."""
        parameters = {
            "PhoneNumbers": message.national,
            "SignName": message.signature,
            "TemplateCode": message.code,
            "OutId": message.id,
        }
        if message.values:
            parameters["TemplateParam"] = msgspec.json.encode(dict(message.values)).decode()
        return self._call("SendSms", now, nonce, parameters)

    def sent(self, status: int, body: bytes) -> Sent:
        """`Code` is OK, or says why not."""
        try:
            answer = _answer.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(status) from None
        if answer.code == "OK" and answer.biz_id:
            return Sent(provider_id=answer.biz_id[:120])
        if not answer.code or answer.code == "OK":
            raise unreadable(status)
        if status >= 500 and not answer.code.startswith(("isv.", "isp.")):
            raise unreadable(status)
        if answer.code.startswith(_TEMPORARY):
            raise refused(answer.code, answer.message, permanent=False)
        raise refused(answer.code, answer.message, permanent=True, wait_s=3600.0 if answer.code in _LIMITED else 0.0)

    def question(self, message: Outgoing, tried_at: float, now: float, nonce: str) -> HttpRequest | None:
        """QuerySendDetails of the number on the day it was tried."""
        day = datetime.fromtimestamp(tried_at, BEIJING).strftime("%Y%m%d")
        parameters = {"PhoneNumber": message.national, "SendDate": day, "PageSize": "50", "CurrentPage": "1"}
        return self._call("QuerySendDetails", now, nonce, parameters)

    def found(self, message: Outgoing, tried_at: float, status: int, body: bytes) -> tuple[Found, ...]:
        """The one that carries our id. More than fits on a page is no sure answer."""
        try:
            answer = _queried.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(status) from None
        if answer.code != "OK":
            raise SmsError(
                "短信平台查不到结果",
                "The platform could not look it up",
                permanent=False,
                unsure=True,
                code=answer.code[:60],
            )
        if any(word(detail.out_id) == message.id for detail in answer.found.details):
            return (Found(provider_id="", ours=True),)
        if len(answer.found.details) >= 50:
            raise SmsError("短信平台查询结果过多", "Too many results to be sure", permanent=False, unsure=True)
        return ()

    def take(self, push: Push) -> Taken:
        """An array of receipts or replies; a single object is taken, too."""
        body = push.body.strip()
        raws = parse_json(body, list[msgspec.Raw]) if body.startswith(b"[") else [parse_json(body, msgspec.Raw)]
        entries, bad = each(raws, _Pushed)
        items = [item for entry in entries if (item := _item(entry)) is not None]
        if not items:
            raise HookRefused(400)
        return Taken(items=tuple(items), bad=bad + len(entries) - len(items))


def _item(entry: _Pushed) -> Item | None:
    number = phone(entry.phone_number)
    if isinstance(entry.content, str) and number:
        return Reply(
            provider_id=word(entry.sequence_id),
            number=number,
            text=entry.content[:MAX_TEXT],
            at=moment(entry.send_time, BEIJING),
            dest=word(entry.dest_code, 40),
        )
    if entry.success is not None and number:
        good = entry.success if isinstance(entry.success, bool) else word(entry.success).lower() == "true"
        provider = word(entry.biz_id) or word(entry.message_id)
        if not provider and not word(entry.out_id):
            return None
        return Receipt(
            provider_id=provider,
            message_id=word(entry.out_id),
            number=number,
            status="delivered" if good else "failed",
            error="" if good else word(entry.err_code, 60),
            error_text="" if good else word(entry.err_msg, 200),
            at=moment(entry.report_time, BEIJING),
        )
    status = _ABROAD.get(word(entry.status))
    abroad = word(entry.abroad_id)
    if status is not None and abroad and phone(entry.to):
        failed = status == "failed"
        return Receipt(
            provider_id=abroad,
            message_id=word(entry.task_id),
            number="+" + phone(entry.to).removeprefix("+").removeprefix("00"),
            status=status,
            error=(word(entry.error_code, 60) or word(entry.status)) if failed else "",
            error_text=word(entry.error_text, 200) if failed else "",
            at=moment(entry.receive_date, BEIJING),
        )
    return None
