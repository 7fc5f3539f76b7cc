"""[sms] is read whole, told wrong in words, and shows no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.settings import Settings, SettingsError
from cti.sms.build import http_platform

BASE = '[pbx]\nhost = "h"\nusername = "u"\nsecret = "s"\n'
GOOD = """
[sms]
signature = "十三秒货运"
marketing_hours = "09:00-20:30"
[sms.hooks]
public_url = "https://cti.example.com"
[sms.platforms.aliyun]
key_id = "LTAI"
key_secret_file = "aliyun.secret"
hook_secret = "0123456789abcdef0123456789abcdef"
allow = ["47.1.2.3/24"]
[sms.platforms.other]
kind = "generic"
proof_secret = "very-secret-proof"
[sms.platforms.other.rules.send]
url = "https://sms.example.net/send"
fields = { to = "{number}" }
[sms.platforms.other.rules.proof]
kind = "header"
[sms.tokens.warehouse]
secret = "token-of-the-warehouse-1"
"""


def load(folder: Path, text: str) -> Settings:
    """Settings of this text."""
    (folder / "aliyun.secret").write_text("hidden-secret\n")
    (folder / "cti.toml").write_text(BASE + text, "utf-8")
    return Settings.load(folder / "cti.toml", {})


def test_platforms_are_read_with_their_secrets_and_never_shown(tmp_path: Path) -> None:
    """Secrets come from files or from the text; no repr has them; every kind of HTTP can be built."""
    sms = load(tmp_path, GOOD).sms
    assert (sms.order, sms.abroad, sms.policy.marketing_hours) == (("aliyun", "other"),) * 2 + ((540, 1230),)
    aliyun, other = sms.platforms
    assert (aliyun.options["key_secret"], aliyun.allow) == ("hidden-secret", ("47.1.2.0/24",))
    assert all(http_platform(one) is not None for one in sms.platforms)
    shown = repr(sms)
    for secret in ("hidden-secret", "0123456789abcdef0123456789abcdef", "very-secret-proof", "token-of-the-ware"):
        assert secret not in shown
    assert other.rules is not None
    assert other.rules.proof.secret == "very-secret-proof"


def test_without_platforms_nothing_is_sent_and_no_port_is_needed(tmp_path: Path) -> None:
    """An empty [sms] is no [sms]."""
    assert not load(tmp_path, "").sms.enabled


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('key_id = "LTAI"', ""), "sms.platforms.aliyun.key_id"),
        (('key_id = "LTAI"', 'key_id = "x"\nkey_sceret = "x"'), "sms.platforms.aliyun.key_sceret"),
        (('hook_secret = "0123456789abcdef0123456789abcdef"', 'hook_secret = "short"'), "hook_secret"),
        (('allow = ["47.1.2.3/24"]', 'allow = ["example.com"]'), "sms.platforms.aliyun.allow"),
        (('public_url = "https://cti.example.com"', ""), "sms.hooks.public_url"),
        (('public_url = "https://cti.example.com"', 'host = "0.0.0.0"\npublic_url = "https://x"'), "sms.hooks.host"),
        (('fields = { to = "{number}" }', 'fields = { to = "{nubmer}" }'), "sms.platforms.other.rules"),
        (('url = "https://sms', 'url = "http://sms'), "sms.platforms.other.rules.send.url"),
        (('kind = "generic"', 'kind = "generik"'), "sms.platforms.other.kind"),
        (('signature = "十三秒货运"', 'signature = "【十三秒】"'), "sms.signature"),
        (('signature = "十三秒货运"', 'order = ["alyun"]'), "sms.order"),
        (('marketing_hours = "09:00-20:30"', 'marketing_hours = "nine"'), "sms.marketing_hours"),
        (('secret = "token-of-the-warehouse-1"', 'secret = "x"'), "sms.tokens.warehouse.secret"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(tmp_path: Path, change: tuple[str, str], key: str) -> None:
    """Each mistake is named; no secret stands in the words."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, GOOD.replace(*change))
    assert any(key in problem.key for problem in caught.value.problems), caught.value
    assert "hidden-secret" not in str(caught.value)
