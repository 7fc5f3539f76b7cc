"""Callbacks as the platforms' documentation describes their fields, made anew for the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cti.sms.aliyun import Aliyun
from cti.sms.forms import encode_form
from cti.sms.generic import Generic, Proof, Replies, Reports, Rules, Sending
from cti.sms.huawei import Huawei
from cti.sms.platform import HttpPlatform, Push
from cti.sms.tencent import Tencent
from cti.sms.twilio import Twilio, signature
from cti.sms.yunpian import Yunpian

NOW = 1_795_255_200.0
"2026-11-21 10:00:00 UTC."
HOOK = "https://cti.example.com/hooks/sms/{}/0123456789abcdef0123456789abcdef"
YUNPIAN_KEY = "9b11127a9701975c734b8aee81ee3526"
TWILIO_TOKEN = "12345"
RULES = Rules(
    send=Sending(url="https://sms.example.net/send", fields={"to": "{number}", "text": "{signed_text}", "ref": "{id}"}),
    reports=Reports(
        list="items",
        id="message_id",
        message_id="ref",
        number="mobile",
        status="status",
        ok_values=("DELIVRD",),
        underway_values=("ACCEPTD",),
        error="error",
        time="delivrd_at",
    ),
    replies=Replies(list="items", number="mobile", text="content", time="time"),
    reply_body='{"ok":true}',
)


def platforms() -> dict[str, HttpPlatform]:
    """One of each kind, with keys of no account."""
    return {
        "aliyun": Aliyun("aliyun", key_id="testId", key_secret="testSecret"),
        "tencent": Tencent("tencent", secret_id="AKIDtest", secret_key="key", app_id="1400006666"),
        "huawei": Huawei(
            "huawei", app_key="app", app_secret="secret", sender="1069000012", url="https://h.example.com"
        ),
        "yunpian": Yunpian("yunpian", api_key=YUNPIAN_KEY),
        "twilio": Twilio("twilio", account="AC1", auth_token=TWILIO_TOKEN, sender="+15005550006"),
        "generic": Generic("generic", RULES),
    }


def pushed(body: Any, *, kind: str = "", url: str = "", headers: Mapping[str, str] | None = None) -> Push:
    """A callback: bytes as they are, a mapping of texts as a form, all else as JSON."""
    if isinstance(body, bytes):
        raw, kind = body, kind or "application/json"
    elif kind == "form":
        raw, kind = encode_form(body.items()), "application/x-www-form-urlencoded"
    else:
        raw, kind = json.dumps(body, ensure_ascii=False).encode(), "application/json"
    return Push(body=raw, content_type=kind, headers=headers or {}, url=url, now=NOW)


def aliyun_report(**change: Any) -> dict[str, Any]:
    """SmsReport, at home."""
    return {
        "phone_number": "13800138000",
        "send_time": "2026-11-21 17:59:50",
        "report_time": "2026-11-21 17:59:58",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": "932702304080415357^0",
        "out_id": "abc123",
        **change,
    }


def aliyun_up(**change: Any) -> dict[str, Any]:
    """SmsUp."""
    return {
        "phone_number": "13800138000",
        "content": "好的，谢谢",
        "send_time": "2026-11-21 17:59:58",
        "dest_code": "01",
        "sequence_id": "1234567890",
        **change,
    }


def aliyun_abroad(**change: Any) -> dict[str, Any]:
    """SmsReport, abroad."""
    return {
        "To": "8521234567",
        "Status": "1",
        "MessageId": "123456789012",
        "SmsSize": "1",
        "TaskId": "abc123",
        "SendDate": "Sat, 21 Nov 2026 17:59:50 +0800",
        "ReceiveDate": "Sat, 21 Nov 2026 17:59:58 +0800",
        "ErrorCode": "success",
        "ErrorDescription": "success",
        **change,
    }


def tencent_report(**change: Any) -> dict[str, Any]:
    """A receipt."""
    return {
        "user_receive_time": "2026-11-21 17:59:58",
        "nationcode": "86",
        "mobile": "13800138000",
        "report_status": "SUCCESS",
        "errmsg": "DELIVRD",
        "description": "用户短信送达成功",
        "sid": "2019:538254783123456789",
        "ext": "abc123",
        **change,
    }


def tencent_up(**change: Any) -> dict[str, Any]:
    """A reply."""
    return {
        "extend": "08",
        "mobile": "13800138000",
        "nationcode": "86",
        "sign": "十三秒货运",
        "text": "好的，谢谢",
        "time": 1_795_255_198,
        **change,
    }


def huawei_report(**change: str) -> dict[str, str]:
    """A receipt of one segment."""
    return {
        "smsMsgId": "2ea20735-f856-4376-afbf-570bd70a46ee_11840135",
        "total": "1",
        "sequence": "1",
        "status": "DELIVRD",
        "source": "2",
        "updateTime": "2026-11-21T09:59:58Z",
        "extend": "abc123",
        "to": "+8613800138000",
        **change,
    }


def huawei_up(**change: str) -> dict[str, str]:
    """A reply."""
    return {
        "smsMsgId": "ea20735-f856-4376-afbf-570bd70a46ee_99",
        "from": "+8613800138000",
        "to": "1069000012",
        "body": "好的，谢谢",
        "createTime": "2026-11-21T09:59:58Z",
        **change,
    }


def yunpian_report(**change: Any) -> dict[str, Any]:
    """A receipt; the id has 64 bits."""
    return {
        "sid": 9_223_372_036_854_775_807,
        "uid": "abc123",
        "user_receive_time": "2026-11-21 17:59:58",
        "error_msg": "",
        "mobile": "13800138000",
        "report_status": "SUCCESS",
        **change,
    }


def yunpian_up(**change: Any) -> dict[str, Any]:
    """A reply, not signed."""
    return {
        "base_extend": "8888",
        "extend": "01",
        "id": "abcdefgh",
        "mobile": "13800138000",
        "reply_time": "2026-11-21 17:59:58",
        "text": "好的，谢谢",
        "_sign": None,
        **change,
    }


def twilio_push(fields: Mapping[str, str], *, query: str = "?id=abc123") -> Push:
    """A callback signed as Twilio signs it."""
    url = HOOK.format("twilio") + query
    return pushed(fields, kind="form", url=url, headers={"x-twilio-signature": signature(TWILIO_TOKEN, url, fields)})


def twilio_report(**change: str) -> dict[str, str]:
    """A receipt."""
    return {
        "AccountSid": "AC1",
        "From": "+15005550006",
        "MessageSid": "SM0123456789abcdef0123456789abcdef",
        "MessageStatus": "delivered",
        "SmsSid": "SM0123456789abcdef0123456789abcdef",
        "SmsStatus": "delivered",
        "To": "+14155550100",
        **change,
    }


def twilio_up(**change: str) -> dict[str, str]:
    """A customer's message."""
    return {
        "AccountSid": "AC1",
        "MessageSid": "SM1123456789abcdef0123456789abcdef",
        "SmsSid": "SM1123456789abcdef0123456789abcdef",
        "SmsStatus": "received",
        "From": "+14155550100",
        "To": "+15005550006",
        "Body": "Thanks + more",
        "NumMedia": "0",
        "NumSegments": "1",
        **change,
    }


def signed_rules(**proof: Any) -> Rules:
    """The generic platform's rules with another proof."""
    return Rules(send=RULES.send, reports=RULES.reports, replies=RULES.replies, proof=Proof(**proof))
