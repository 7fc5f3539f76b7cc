"""[chat.*] and [customers]: who may push what, and who sees what."""

from __future__ import annotations

import json
from pathlib import Path

from crm_bridge.chat.message import Options
from crm_bridge.chat.webhook import SHAPES, parse
from tests.test_settings import GOOD, load, problems

TOKEN = "0123456789abcdef01234567"


def test_a_platform_has_a_token_and_a_shape_made_of_its_preset(tmp_path: Path) -> None:
    """Secrets come from a file and are never shown; what is not said is as the preset says."""
    (tmp_path / "shop.secret").write_text(TOKEN + "\n", encoding="utf-8")
    text = (
        '[chat.shop]\ntoken_file = "shop.secret"\naccounts = ["kefu01"]\nchannel = "wangwang"\nmessages = "data.list"\n'
        'fields = { text = "body" }\nincoming = ["buyer"]\n[chat.kf5]\ntoken = "abcdefabcdefabcdefabcdef"\n'
    )
    settings = load(tmp_path, GOOD + text)
    shop = settings.chat["shop"]
    assert (shop.token, shop.accounts, shop.shape.channel) == (TOKEN, ("kefu01",), "wangwang")
    assert shop.shape.fields == {**SHAPES["generic"].fields, "text": "body"}
    assert settings.chat["kf5"].shape == SHAPES["kf5"]
    assert TOKEN not in repr(settings)
    body = b'{"data":{"list":[{"time":1780000000,"visitor_id":"v","direction":"buyer","body":"\xe5\x9c\xa8"}]}}'
    ((one),) = parse(body, shop.shape, Options(ours=frozenset(shop.accounts)))
    assert (one.text, one.direction, one.channel) == ("在", "in", "wangwang")


def test_what_our_own_people_send_is_ours(tmp_path: Path) -> None:
    """Without a word for the direction the accounts decide, in either order."""
    text = f'[chat.shop]\ntoken = "{TOKEN}"\naccounts = ["kefu01"]\n'
    shop = load(tmp_path, GOOD + text).chat["shop"]
    said = [{"at": 1780000000 + n, "peer_id": "v", "from": who, "text": "a"} for n, who in enumerate(("kefu01", "v"))]
    found = parse(json.dumps(said).encode(), shop.shape, Options(ours=frozenset(shop.accounts)))
    assert [message.direction for message in found] == ["out", "in"]


def test_wrong_platforms_and_roles_are_told(tmp_path: Path) -> None:
    """A short token, an unknown preset, a key nobody knows, fields that are none, a role that meets no customers."""
    text = (
        '[chat.a]\ntoken = "short"\npreset = "icq"\n[chat.b]\n[chat.c]\ntoken = "abcdefabcdefabcdefabcdef"\n'
        'fields = ["x"]\nacounts = []\n[customers]\nfloor_price_roles = ["admin"]\npersonal_roles = []\n'
    )
    found = problems(tmp_path, GOOD + text)
    assert set(found) == {"chat.a.token", "chat.a.preset", "chat.b.token", "chat.c.fields", "chat.c.acounts",
                          "customers.floor_price_roles"}  # fmt: skip
    assert "short" not in found["chat.a.token"].text


def test_everybody_may_be_allowed_or_nobody(tmp_path: Path) -> None:
    """Roles are the site's choice; an empty list is nobody."""
    text = '[customers]\nfloor_price_roles = ["agent", "supervisor"]\npersonal_roles = []\n'
    settings = load(tmp_path, GOOD + text)
    assert settings.customers.floor_price_roles == ("agent", "supervisor")
    assert settings.customers.personal_roles == ()
