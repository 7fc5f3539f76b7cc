"""What platforms' and networks' error codes mean, in words (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cti.sms.policy import WORDS

_MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    **WORDS,
    "UNDELIV": ("手机没有收到（关机或信号不好）", "Not delivered: phone off or no signal"),
    "UNDELIVERED": ("手机没有收到（关机或信号不好）", "Not delivered: phone off or no signal"),
    "EXPIRED": ("超时未能送达", "Not delivered in time"),
    "REJECTD": ("被运营商拒绝", "Rejected by the network"),
    "DELETED": ("被运营商删除", "Deleted by the network"),
    "MBBLACK": ("号码在运营商黑名单", "The number is on the network's black list"),
    "MK:0001": ("空号", "No such number"),
    "MK:0012": ("号码停机或空号", "Number out of service"),
    "MK:0029": ("手机短信箱已满", "The phone's memory is full"),
    "isv.BUSINESS_LIMIT_CONTROL": ("平台限制：给该号码发得太频繁", "Platform limit: too often to this number"),
    "isv.DAY_LIMIT_CONTROL": ("平台限制：今天的量已用完", "Platform limit: the day's quota is used up"),
    "isv.AMOUNT_NOT_ENOUGH": ("平台账户余额不足", "The platform account has no money left"),
    "isv.OUT_OF_SERVICE": ("平台账户欠费停机", "The platform account is suspended"),
    "isv.MOBILE_NUMBER_ILLEGAL": ("号码不正确", "Not a valid number"),
    "isv.SMS_TEMPLATE_ILLEGAL": ("平台没有这个模板或未通过审核", "The platform has not approved this template"),
    "isv.SMS_SIGNATURE_ILLEGAL": ("签名未通过审核", "The signature is not approved"),
    "isv.BLACK_KEY_CONTROL_LIMIT": ("变量里有平台不允许的词", "A value holds a word the platform forbids"),
    "SignatureDoesNotMatch": ("平台密钥不对", "The platform key is wrong"),
    "InvalidAccessKeyId.NotFound": ("平台密钥不对", "The platform key is wrong"),
    "AuthFailure.SignatureFailure": ("平台密钥不对", "The platform key is wrong"),
    "FailedOperation.InsufficientBalanceInSmsPackage": ("平台套餐包余量不足", "The package is used up"),
    "FailedOperation.PhoneNumberInBlacklist": ("号码在平台黑名单", "The number is on the platform's black list"),
    "FailedOperation.TemplateIncorrectOrUnapproved": ("平台没有这个模板", "The template is not approved"),
    "LimitExceeded.PhoneNumberDailyLimit": ("平台限制：今天给该号码发得太多", "Platform limit for this number today"),
    "E200015": ("平台忙，稍后再试", "The platform is busy"),
    "21610": ("客户已退订（STOP）", "The customer has opted out (STOP)"),
    "21211": ("号码不正确", "Not a valid number"),
    "30003": ("手机没有收到（关机或信号不好）", "Phone off or unreachable"),
    "30004": ("被对方拦截", "Blocked"),
    "30005": ("空号", "No such number"),
    "30006": ("座机或不可达的号码", "Landline or unreachable carrier"),
    "timeout": ("平台没有及时答复，正在核实是否已发出", "No answer in time; being checked"),
    "not_there": ("平台没有收到", "The platform never got it"),
    "expired": ("已过时效，没有发送", "Too late; not sent"),
}


def words_of(platform: str, code: str, said: str) -> tuple[str, str]:
    """(Chinese, English) of a code; what nobody here knows is told as the platform told it."""
    if not code and not said:
        return "", ""
    known = _MEANINGS.get(code) or _MEANINGS.get(code.upper())
    if known is not None:
        return known
    text = said or code
    return text, said if said.isascii() and said else f"{code} {said}".strip()
