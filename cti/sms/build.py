"""Platforms from settings."""

from __future__ import annotations

from collections.abc import Callable

from cti.settings.sms import SmsPlatform
from cti.sms.aliyun import Aliyun
from cti.sms.door import HttpSender, Sender
from cti.sms.generic import Generic
from cti.sms.huawei import Huawei
from cti.sms.platform import HttpPlatform
from cti.sms.tencent import Tencent
from cti.sms.twilio import Twilio
from cti.sms.yunpian import Yunpian


def http_platform(settings: SmsPlatform) -> HttpPlatform | None:
    """A platform that speaks HTTP; None for one that does not."""
    name, options = settings.name, settings.options
    match settings.kind:
        case "aliyun":
            return Aliyun(name, **options)
        case "tencent":
            return Tencent(name, **options)
        case "huawei":
            return Huawei(name, **options)
        case "yunpian":
            plain = {key: value for key, value in options.items() if key != "must_sign"}
            return Yunpian(name, **plain, must_sign=options.get("must_sign", "") in ("true", "1", "yes"))
        case "twilio":
            return Twilio(name, **options)
        case "generic" if settings.rules is not None:
            return Generic(name, settings.rules)
        case _:
            return None


def http_sender(settings: SmsPlatform, clock: Callable[[], float]) -> Sender | None:
    """The same, ready to send."""
    platform = http_platform(settings)
    return None if platform is None else HttpSender(platform, clock=clock, timeout_s=settings.timeout)
