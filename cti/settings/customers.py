"""[chat.<platform>] and [customers]: who may push messages in what shape, and who sees what of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from crm_bridge.chat.webhook import SHAPES, Shape
from cti.settings.check import Reader, Table

ROLES: Final = ("agent", "supervisor")
"Roles that meet customers at all."
MIN_TOKEN: Final = 24
"Fewest characters of a platform's token."


class PlatformSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[chat.<platform>]: an online-service platform that pushes messages."""

    token: str
    "Its bearer token."
    accounts: tuple[str, ...] = ()
    "Ids or nicks of our own people there: what they send is ours."
    prospects: bool = True
    "A stranger who asks for a price becomes a customer."
    prospect_category: str = "customer"
    shape: Shape

    def __repr__(self) -> str:
        """Without the token."""
        return f"PlatformSettings(accounts={len(self.accounts)}, shape={self.shape!r})"


class CustomersSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[customers]: who sees what."""

    floor_price_roles: tuple[str, ...] = ("supervisor",)
    "Roles that see 底价."
    personal_roles: tuple[str, ...] = ("supervisor",)
    "Roles that see personal fields which are not shown in the pop, and whole numbers out of their own calls."


def read_customers(reader: Reader) -> CustomersSettings:
    """[customers] of the settings file."""
    table = reader.section("customers")
    default = CustomersSettings()
    found = {}
    for key in ("floor_price_roles", "personal_roles"):
        roles = table.names(key, getattr(default, key))
        for role in roles:
            if role not in ROLES:
                known = " / ".join(ROLES)
                reader.add(f"customers.{key}", f"角色应是 {known}", f"Roles are {known}", f'{key} = ["supervisor"]')
        found[key] = roles
    table.end()
    return CustomersSettings(**found)


def read_chat(reader: Reader) -> Mapping[str, PlatformSettings]:
    """The platforms of [chat.*]."""
    return {name: _platform(name, table, reader) for name, table in reader.tables("chat")}


def _platform(name: str, table: Table, reader: Reader) -> PlatformSettings:
    where = f"chat.{name}"
    token = table.secret("token", required=True)
    if token and (len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        reader.add(
            f"{where}.token",
            f"令牌至少 {MIN_TOKEN} 个可见的英文字符，不含空格",
            f"A token has {MIN_TOKEN} visible ASCII characters or more and no space",
            "openssl rand -hex 24 > chat.secret",
        )
    preset = table.text("preset", name if name in SHAPES else "generic")
    if preset not in SHAPES:
        known = " / ".join(SHAPES)
        reader.add(f"{where}.preset", f"应是 {known} 之一", f"Must be one of {known}", 'preset = "generic"')
    given: dict[str, object] = {
        key: text for key in ("channel", "messages", "inner", "reader") if (text := table.text(key)) != ""
    }
    given |= {key: words for key in ("incoming", "outgoing") if (words := table.names(key, ()))}
    ground = SHAPES.get(preset, SHAPES["generic"])
    fields, kinds = table.words("fields"), table.words("kinds")
    shape = msgspec.structs.replace(
        ground, **given, fields={**ground.fields, **fields}, kinds={**ground.kinds, **kinds}
    )
    found = PlatformSettings(
        token=token,
        accounts=table.names("accounts", ()),
        prospects=table.flag("prospects", default=True),
        prospect_category=table.text("prospect_category", "customer"),
        shape=shape,
    )
    table.end()
    return found
