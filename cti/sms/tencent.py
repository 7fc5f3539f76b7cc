"""Tencent Cloud 腾讯云 (pure): SendSms by API 3.0 with TC3-HMAC-SHA256; receipts as an array, replies as one object.

Neither callback is signed. Our id goes along as SessionContext and comes back as `ext` where the account has asked for
it. A message can be looked up by number and time only.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from cti.sms.forms import each, moment, parse_json, phone, word
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
    SmsError,
    Taken,
    refused,
    unreadable,
)

BEIJING: Final = timezone(timedelta(hours=8))
VERSION: Final = "2021-01-11"
_TEMPORARY: Final = ("InternalError", "RequestLimitExceeded", "FailedOperation.OtherError", "ResourceInsufficient")
_UNSURE: Final = ("InternalError.Timeout", "InternalError.SendAndRecvFail", "FailedOperation.Timeout")


def authorization(
    secret_id: str, secret_key: str, *, service: str, host: str, body: bytes, at: int, action: str = ""
) -> str:
    """The Authorization header of API 3.0; `action` is signed, too, where it is given."""
    day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    named = {"content-type": "application/json; charset=utf-8", "host": host}
    if action:
        named["x-tc-action"] = action.lower()
    names = ";".join(named)
    headers = "".join(f"{key}:{value}\n" for key, value in named.items())
    request = f"POST\n/\n\n{headers}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/{service}/tc3_request"
    signed = f"TC3-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    made = hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
    return f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={names}, Signature={made}"


class _Status(msgspec.Struct):
    serial: str = msgspec.field(name="SerialNo", default="")
    code: str = msgspec.field(name="Code", default="")
    message: str = msgspec.field(name="Message", default="")
    fee: int = msgspec.field(name="Fee", default=0)


class _Error(msgspec.Struct):
    code: str = msgspec.field(name="Code", default="")
    message: str = msgspec.field(name="Message", default="")


class _Pulled(msgspec.Struct):
    serial: str = msgspec.field(name="SerialNo", default="")
    at: Any = msgspec.field(name="UserReceiveTime", default=None)


class _Response(msgspec.Struct):
    error: _Error | None = msgspec.field(name="Error", default=None)
    sent: list[_Status] | None = msgspec.field(name="SendStatusSet", default=None)
    pulled: list[_Pulled] | None = msgspec.field(name="PullSmsSendStatusSet", default=None)


class _Answer(msgspec.Struct):
    response: _Response = msgspec.field(name="Response")


_answer: Final = msgspec.json.Decoder(_Answer)


class _Report(msgspec.Struct):
    mobile: Any
    report_status: str
    sid: Any
    nationcode: Any = "86"
    errmsg: Any = ""
    description: Any = ""
    user_receive_time: Any = None
    ext: Any = ""


class _Up(msgspec.Struct):
    mobile: Any
    text: str
    nationcode: Any = "86"
    extend: Any = ""
    time: Any = None


class Tencent:
    """One application."""

    needs_code = True
    accepted = Accepted(body=b'{"result":0,"errmsg":"OK"}')

    def __init__(
        self,
        name: str,
        *,
        secret_id: str,
        secret_key: str,
        app_id: str,
        url: str = "https://sms.tencentcloudapi.com/",
        region: str = "",
    ) -> None:
        self.name = name
        self._id = secret_id
        self._key = secret_key
        self._app = app_id
        self._url = url
        self._host = url.split("//", 1)[1].strip("/")
        self._region = region or "ap-guangzhou"

    def _call(self, action: str, now: float, payload: dict[str, Any]) -> HttpRequest:
        body = msgspec.json.encode(payload)
        return HttpRequest(
            method="POST",
            url=self._url,
            headers={
                "Authorization": authorization(
                    self._id, self._key, service="sms", host=self._host, body=body, at=int(now), action=action
                ),
                "Content-Type": "application/json; charset=utf-8",
                "X-TC-Action": action,
                "X-TC-Timestamp": str(int(now)),
                "X-TC-Version": VERSION,
                "X-TC-Region": self._region,
            },
            body=body,
        )

    def request(self, message: Outgoing, now: float, nonce: str) -> HttpRequest:
        """SendSms; variables go by their order."""
        return self._call(
            "SendSms",
            now,
            {
                "PhoneNumberSet": [message.number],
                "SmsSdkAppId": self._app,
                "SignName": message.signature if message.domestic else "",
                "TemplateId": message.code,
                "TemplateParamSet": list(message.values.values()),
                "SessionContext": message.id,
            },
        )

    def _read(self, status: int, body: bytes) -> _Response:
        try:
            return _answer.decode(body).response
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise unreadable(status) from None

    def sent(self, status: int, body: bytes) -> Sent:
        """One entry for the one number; an error as a whole names itself."""
        response = self._read(status, body)
        if response.error is not None:
            raise _refused(response.error.code, response.error.message, status)
        entry = response.sent[0] if response.sent else None
        if entry is None:
            raise unreadable(status)
        if entry.code != "Ok":
            raise _refused(entry.code, entry.message, status)
        return Sent(provider_id=entry.serial[:120], segments=max(0, min(entry.fee, 100)))

    def question(self, message: Outgoing, tried_at: float, now: float, nonce: str) -> HttpRequest | None:
        """Receipts of that number since shortly before it was tried."""
        return self._call(
            "PullSmsSendStatusByPhoneNumber",
            now,
            {
                "BeginTime": int(tried_at) - 5,
                "EndTime": int(now) + 5,
                "Offset": 0,
                "Limit": 100,
                "PhoneNumber": message.number,
                "SmsSdkAppId": self._app,
            },
        )

    def found(self, message: Outgoing, tried_at: float, status: int, body: bytes) -> tuple[Found, ...]:
        """Messages to that number; which of them is ours the others' ids must tell.

        The list has only what the network has reported on, so an empty one is no sure no.
        """
        response = self._read(status, body)
        if response.error is None and response.pulled:
            return tuple(Found(provider_id=entry.serial[:120], ours=False) for entry in response.pulled if entry.serial)
        code = "" if response.error is None else response.error.code[:60]
        raise SmsError("短信平台查不到结果", "The platform cannot tell yet", permanent=False, unsure=True, code=code)

    def take(self, push: Push) -> Taken:
        """Receipts come as an array of at most a hundred, a reply as one object."""
        body = push.body.strip()
        if not body.startswith(b"["):
            up = parse_json(body, _Up)
            number = _number(up.nationcode, up.mobile)
            if not number:
                raise HookRefused(400)
            at = moment(up.time, BEIJING)
            return Taken(items=(Reply(number=number, text=up.text[:MAX_TEXT], at=at, dest=word(up.extend, 40)),))
        reports, bad = each(parse_json(body, list[msgspec.Raw]), _Report)
        items = [item for report in reports if (item := _receipt(report)) is not None]
        if not items:
            raise HookRefused(400)
        return Taken(items=tuple(items), bad=bad + len(reports) - len(items))


def _number(country: Any, mobile: Any) -> str:
    digits = phone(mobile)
    if not digits or digits.startswith("+"):
        return digits
    code = word(country, 6).removeprefix("+") or "86"
    return f"+{code}{digits}" if code.isdecimal() and code.isascii() else ""


def _receipt(report: _Report) -> Receipt | None:
    provider, number = word(report.sid), _number(report.nationcode, report.mobile)
    good = report.report_status == "SUCCESS"
    if not provider or not number or report.report_status not in ("SUCCESS", "FAIL"):
        return None
    return Receipt(
        provider_id=provider,
        message_id=word(report.ext),
        number=number,
        status="delivered" if good else "failed",
        error="" if good else word(report.errmsg, 60),
        error_text="" if good else word(report.description, 200),
        at=moment(report.user_receive_time, BEIJING),
    )


def _refused(code: str, words: str, status: int) -> SmsError:
    if code.startswith(_UNSURE):
        return unreadable(status if status >= 500 else 500)
    return refused(code, words, permanent=not code.startswith((*_TEMPORARY, "LimitExceeded.DeliveryFrequencyLimit")))
