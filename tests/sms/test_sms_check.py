"""`cti check` tries the keys of each platform and sends nothing."""

from __future__ import annotations

import msgspec

from cti.commands.check_sms import messages
from cti.settings import CrmSettings, PbxSettings, Settings
from cti.settings.sms import SmsPlatform, SmsSettings
from tests.sms.fakes import FakeAliyun


class Report:
    """Lines as they come."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def good(self, what: str, text: str) -> None:
        """Noted."""
        self.lines.append(("ok", what, text))

    def warn(self, what: str, text: str) -> None:
        """Noted."""
        self.lines.append(("warn", what, text))

    def bad(self, what: str, text: str) -> None:
        """Noted."""
        self.lines.append(("bad", what, text))


async def test_right_keys_wrong_keys_and_no_platform_are_told_apart() -> None:
    """One line each: works, wrong keys, not there; no text goes out, and no secret stands in a line."""
    fake = FakeAliyun()
    await fake.start()
    right = SmsPlatform(
        name="right",
        kind="aliyun",
        options={"key_id": "i", "key_secret": FakeAliyun.SECRET, "url": fake.url},
        timeout=5,
    )
    wrong = msgspec.structs.replace(right, name="wrong", options={**right.options, "key_secret": "a-wrong-secret"})
    gone = msgspec.structs.replace(right, name="gone", options={**right.options, "url": "http://127.0.0.1:1/"})
    settings = Settings(
        pbx=PbxSettings(host="h", username="u", secret="s"),
        crm=CrmSettings(url="sqlite://"),
        sms=SmsSettings(signature="签", platforms=(right, wrong, gone)),
    )
    report = Report()
    await messages(settings, report)
    await fake.stop()
    kinds = {what: kind for kind, what, _ in report.lines}
    assert kinds == {"sms.right": "ok", "sms.wrong": "bad", "sms.gone": "bad"}
    assert not fake.taken
    assert "secret" not in repr(report.lines).lower().replace("hook_secret", "")
