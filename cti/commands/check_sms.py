"""What `cti check` says of text messages: platforms, port, signature."""

from __future__ import annotations

import asyncio
import errno
from typing import Protocol

from cti.listening import listening
from cti.settings import Settings
from cti.settings.sms import SmsPlatform
from cti.sms.build import http_sender
from cti.sms.platform import Outgoing, SmsError
from cti.ticker import wall_clock

_ASKED = Outgoing(id="check", number="+8618857400013", text="")
"Nothing is sent: the platform is asked whether it knows this."
_KEYS = ("Signature", "AccessKey", "AuthFailure", "401", "403", "20003", "-1")


class Report(Protocol):
    """Where the lines go."""

    def good(self, what: str, text: str) -> None:
        """It works."""

    def warn(self, what: str, text: str) -> None:
        """It works, but."""

    def bad(self, what: str, text: str) -> None:
        """It does not."""


async def messages(settings: Settings, report: Report) -> None:
    """One line for each platform, and for the port for callbacks."""
    sms = settings.sms
    if not sms.enabled:
        report.good("sms", "没有配置 / not configured")
        return
    if not sms.signature:
        report.warn("sms", "没有签名，国内平台会拒绝 / no signature: platforms in China refuse texts without")
    if any(one.hook_secrets for one in sms.platforms):
        try:
            listening(sms.hooks.host, sms.hooks.port).close()
            report.good("sms.hooks", f"{sms.hooks.host}:{sms.hooks.port} ← {sms.hooks.public_url}/hooks/sms/…")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                report.warn("sms.hooks", f"{error.strerror}；服务可能已在运行 / perhaps the service runs already")
            else:
                report.bad("sms.hooks", f"{error.strerror}")
    for one in sms.platforms:
        await _platform(one, report)


async def _platform(one: SmsPlatform, report: Report) -> None:
    what = f"sms.{one.name}"
    if not one.hook_secrets and one.kind != "smpp":
        report.warn(what, "没有 hook_secret，收不到回执和回复 / no hook_secret: no receipts, no replies")
    elif not one.allow and one.kind not in ("smpp", "twilio"):
        report.warn(what, "没有 allow，任何地址都可回调 / no allow: callbacks from any address, by the secret alone")
    sender = http_sender(one, wall_clock)
    if sender is None:
        report.good(what, f"{one.kind} {one.options.get('host', '')}")
        return
    try:
        async with asyncio.timeout(one.timeout + 2):
            found = await sender.find(_ASKED, wall_clock() - 60)
        asked = (
            "已验证密钥 / keys work" if found is not None else "无法不发短信就验证 / cannot be tried without sending"
        )
        report.good(what, f"{one.kind}, {asked}")
    except SmsError as error:
        if error.code.startswith(_KEYS):
            report.bad(what, f"密钥不对 / wrong keys: {error.text_en}")
        elif error.code in ("timeout",) or error.code.startswith("Client"):
            report.bad(what, f"{error.text} / {error.text_en}")
        else:
            report.good(what, f"{one.kind}, 能连上 / reached ({error.code or error.text_en})")
    except TimeoutError:
        report.bad(what, "没有及时答复 / no answer in time")
    finally:
        await sender.close()
