"""[sms]: platforms for text messages, what may be sent when, where callbacks come in, who may send by program."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from cti.settings.check import LOOPBACK, Reader, Table
from cti.sms.generic import Rules, problems
from cti.sms.policy import Policy
from cti.sms.text import ALL_WORDS, MARKETING_WORDS

KINDS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "aliyun": (("key_id",), ("key_secret",), ("url", "region"), ()),
    "tencent": (("secret_id", "app_id"), ("secret_key",), ("url", "region"), ()),
    "huawei": (("app_key", "sender", "url"), ("app_secret",), ("auth", "push_key"), ("push_secret",)),
    "yunpian": ((), ("api_key",), ("url", "must_sign"), ()),
    "twilio": (("account", "sender"), ("auth_token",), ("url",), ()),
    "smpp": (("host", "user"), ("password",), ("port", "sender", "system_type"), ()),
    "generic": ((), (), (), ("send_password", "proof_secret")),
}
"{kind: (texts it needs, secrets it needs, texts it may have, secrets it may have)}."
MIN_SECRET: Final = 22
"Characters of a secret path or a token: 128 bits in base64."
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]+\Z")


class SmsPlatform(msgspec.Struct, frozen=True, kw_only=True):
    """[sms.platforms.<name>]: one account of one platform."""

    name: str
    kind: str
    options: dict[str, str] = {}
    "What its kind needs, secrets among it."
    rules: Rules | None = None
    "Of a generic one."
    hook_secrets: tuple[str, ...] = ()
    "What its callbacks' address ends with; two while one is replaced by another."
    allow: tuple[str, ...] = ()
    "Networks its callbacks come from; empty: any."
    price: float | None = None
    "Of a segment, in `currency`."
    timeout: float = 10.0

    def __repr__(self) -> str:
        """Without secrets."""
        return f"SmsPlatform(name={self.name!r}, kind={self.kind!r})"


class SmsToken(msgspec.Struct, frozen=True, kw_only=True):
    """[sms.tokens.<name>]: a program that may send."""

    name: str
    secret: str
    templates: tuple[str, ...] = ()
    "Ids it may use; empty: all."

    def __repr__(self) -> str:
        """Without the secret."""
        return f"SmsToken(name={self.name!r})"


class SmsHooks(msgspec.Struct, frozen=True, kw_only=True):
    """[sms.hooks]: the port for callbacks."""

    host: str = "127.0.0.1"
    port: int = 8082
    public_url: str = ""
    "Under which platforms reach it: scheme, host, port."
    proxies: tuple[str, ...] = ("127.0.0.1/32", "::1/128")
    "Networks whose X-Forwarded-For is believed."


class SmsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[sms]. Without platforms nothing is sent and no port is opened."""

    signature: str = ""
    "Approved at the platforms, without brackets."
    order: tuple[str, ...] = ()
    "Platforms for numbers at home, the preferred one first."
    abroad: tuple[str, ...] = ()
    "The same for other numbers."
    currency: str = "CNY"
    words: tuple[str, ...] = MARKETING_WORDS
    words_all: tuple[str, ...] = ALL_WORDS
    policy: Policy = Policy()
    expires_s: float = 3600.0
    "A message not begun within this is not sent any more."
    keep_raw_days: int = 180
    "How long callbacks are kept as they came."
    hooks: SmsHooks = SmsHooks()
    platforms: tuple[SmsPlatform, ...] = ()
    tokens: tuple[SmsToken, ...] = ()

    @property
    def enabled(self) -> bool:
        """Whether there is anything to send with."""
        return bool(self.platforms)


def read_sms(reader: Reader) -> SmsSettings:
    """[sms] of the settings file."""
    table = reader.section("sms")
    platforms = tuple(_platform(name, one, reader) for name, one in table.tables("platforms"))
    names = tuple(p.name for p in platforms)
    tokens = tuple(_token(name, one, reader) for name, one in table.tables("tokens"))
    hooks = _hooks(table, reader, needed=any(p.hook_secrets for p in platforms))
    default = SmsSettings()
    order, abroad = table.names("order", names), table.names("abroad", ())
    for key, listed in (("order", order), ("abroad", abroad)):
        for name in listed:
            if name not in names:
                reader.add(
                    f"sms.{key}", f"没有 {name} 这个平台", f"There is no platform {name}", f"[sms.platforms.{name}]"
                )
    signature = table.text("signature")
    if signature and (len(signature) > 30 or any(c in signature for c in "【】[]")):
        reader.add("sms.signature", "签名不带括号，最多 30 字", "A signature has no brackets and at most 30 characters")
    found = SmsSettings(
        signature=signature,
        order=order,
        abroad=abroad or order,
        currency=table.text("currency", "CNY"),
        words=table.names("words", default.words),
        words_all=table.names("words_all", default.words_all),
        policy=Policy(
            marketing_hours=_hours(table, reader, "marketing_hours", default.policy.marketing_hours),
            service_hours=_hours(table, reader, "service_hours", default.policy.service_hours),
            gap_s=table.seconds("gap", default.policy.gap_s, at_least=0.0),
            number_day=_count(table, "number_day", default.policy.number_day),
            template_hour=_count(table, "template_hour", default.policy.template_hour),
            template_day=_count(table, "template_day", default.policy.template_day),
            marketing_day=_count(table, "marketing_day", default.policy.marketing_day),
        ),
        expires_s=table.seconds("expires", default.expires_s, at_least=60.0),
        keep_raw_days=_count(table, "keep_raw_days", default.keep_raw_days),
        hooks=hooks,
        platforms=platforms,
        tokens=tokens,
    )
    table.end()
    return found


def _platform(name: str, table: Table, reader: Reader) -> SmsPlatform:
    where = f"sms.platforms.{name}"
    if not _NAME.match(name):
        reader.add(where, "名称应是小写字母、数字和 - _", "A name has small letters, digits, - and _")
    kind = table.text("kind", name if name in KINDS else "")
    if kind not in KINDS:
        known = " / ".join(KINDS)
        reader.add(f"{where}.kind", f"应是 {known} 之一", f"Must be one of {known}", 'kind = "aliyun"')
        return SmsPlatform(name=name, kind="")
    needed, secrets, optional, more = KINDS[kind]
    options = {key: table.text(key, required=True) for key in needed}
    options |= {key: table.secret(key, required=True) for key in secrets}
    options |= {key: text for key in optional if (text := table.text(key)) != ""}
    options |= {key: text for key in more if (text := table.secret(key, required=False)) != ""}
    url = options.get("url", "")
    if url and not _is_safe(url):
        reader.add(f"{where}.url", "应是 https 网址", "Must be an https address", 'url = "https://..."')
    old, new = table.secret("hook_secret_old", required=False), table.secret("hook_secret", required=False)
    hook_secrets = tuple(secret for secret in (new, old) if secret)
    for secret in hook_secrets:
        if len(secret) < MIN_SECRET or not _SECRET.match(secret):
            reader.add(
                f"{where}.hook_secret",
                f"至少 {MIN_SECRET} 个字母、数字、- 或 _",
                f"{MIN_SECRET} letters, digits, - or _ at least",
                "openssl rand -hex 16",
            )
    rules = _rules(where, table, options, reader) if kind == "generic" else None
    price = table.number("price", -1.0, at_least=0.0, at_most=1000.0)
    found = SmsPlatform(
        name=name,
        kind=kind,
        options=options,
        rules=rules,
        hook_secrets=hook_secrets,
        allow=_networks(table, reader, "allow", where),
        price=price if price >= 0 else None,
        timeout=table.seconds("timeout", 10.0, at_least=1.0),
    )
    table.end()
    return found


def _rules(where: str, table: Table, options: Mapping[str, str], reader: Reader) -> Rules | None:
    whole = table.raw("rules")
    try:
        rules = msgspec.convert(whole, Rules)
    except msgspec.ValidationError as error:
        # msgspec's words name a key and a type, never a value.
        reader.add(f"{where}.rules", f"有误：{error}", f"{error}", "docs/howto/sms.md")
        return None
    for wrong in problems(rules):
        reader.add(f"{where}.rules", f"不认识 {wrong}", f"{wrong} is not known")
    if not _is_safe(rules.send.url):
        reader.add(f"{where}.rules.send.url", "应是 https 网址", "Must be an https address")
    send, proof = rules.send, rules.proof
    if "send_password" in options:
        send = msgspec.structs.replace(send, password=options["send_password"])
    if "proof_secret" in options:
        proof = msgspec.structs.replace(proof, secret=options["proof_secret"])
    if proof.kind != "none" and not proof.secret:
        reader.add(f"{where}.proof_secret", "必须填写", "Must be set", "proof_secret_file")
    return msgspec.structs.replace(rules, send=send, proof=proof)


def _token(name: str, table: Table, reader: Reader) -> SmsToken:
    secret = table.secret("secret", required=True)
    if secret and (len(secret) < MIN_SECRET or not _SECRET.match(secret)):
        reader.add(
            f"sms.tokens.{name}.secret",
            f"至少 {MIN_SECRET} 个字母、数字、- 或 _",
            f"{MIN_SECRET} letters, digits, - or _ at least",
            "openssl rand -hex 24",
        )
    found = SmsToken(name=name, secret=secret, templates=table.names("templates", ()))
    table.end()
    return found


def _hooks(outer: Table, reader: Reader, *, needed: bool) -> SmsHooks:
    table = outer.table("hooks")
    default = SmsHooks()
    url = table.text("public_url").rstrip("/")
    if url and (urlsplit(url).scheme not in ("http", "https") or urlsplit(url).path or not urlsplit(url).hostname):
        reader.add(
            "sms.hooks.public_url",
            "应是协议、主机、端口",
            "Must be scheme, host and port",
            'public_url = "https://cti.example.com"',
        )
    elif needed and not url:
        reader.add(
            "sms.hooks.public_url",
            "要收回执和回复，须写平台能访问到的地址",
            "For receipts and replies the platforms need an address",
            'public_url = "https://cti.example.com"',
        )
    host = table.text("host", default.host)
    if host not in LOOPBACK and needed:
        reader.add(
            "sms.hooks.host",
            f"监听 {host} 超出本机：地址里的密钥会明文经过网络",
            f"Listening on {host} reaches beyond this machine: the secret in the address would pass in the open",
            "在本机前置 nginx 或 Caddy 提供 HTTPS",
            "Put nginx or Caddy with HTTPS before it on this machine",
        )
    proxies = _networks(table, reader, "proxies", "sms.hooks") or default.proxies
    found = SmsHooks(host=host, port=table.port("port", default.port), public_url=url, proxies=proxies)
    table.end()
    return found


def _count(table: Table, key: str, default: int) -> int:
    return int(table.number(key, default, at_least=1, at_most=10_000))


def _networks(table: Table, reader: Reader, key: str, where: str) -> tuple[str, ...]:
    found = []
    for text in table.names(key, ()):
        try:
            found.append(str(ipaddress.ip_network(text, strict=False)))
        except ValueError:
            reader.add(
                f"{where}.{key}", f"{text} 不是地址或网段", f"{text} is no address or network", '["47.1.2.0/24"]'
            )
    return tuple(found)


def _hours(table: Table, reader: Reader, key: str, default: tuple[int, int]) -> tuple[int, int]:
    text = table.text(key)
    if not text:
        return default
    found = re.fullmatch(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)", text.strip())
    if found is not None:
        a, b, c, d = (int(part) for part in found.groups())
        if a <= 24 and c <= 24 and b < 60 and d < 60 and a * 60 + b <= 1440 and c * 60 + d <= 1440:
            return a * 60 + b, c * 60 + d
    reader.add(f"sms.{key}", "应是时段", "Must be hours", f'{key} = "08:00-21:00"')
    return default


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
