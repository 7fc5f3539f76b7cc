"""Settings: one TOML file and `CTI_...` variables, checked whole, then frozen.

A variable `CTI_SECTION_KEY` wins over the file; `CTI_SECTION_KEY_FILE` names a file that holds the value, so that a
secret need not stand in either. Everything wrong is told at once, each with its key and a suggestion. Secrets are
never printed: not by `repr`, not in a problem.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from cti.settings.check import LOOPBACK, Problem, Reader, SettingsError, Table, mask_url
from cti.settings.control import ControlSettings, read_control
from cti.settings.customers import CustomersSettings, PlatformSettings, read_chat, read_customers
from cti.settings.node import NodeSettings, RedisSettings, check_together, read_node, read_redis
from cti.settings.sms import SmsSettings, read_sms
from cti.settings.watching import WatchingSettings, read_watching

__all__ = [
    "ControlSettings",
    "CrmSettings",
    "CustomersSettings",
    "LogSettings",
    "NodeSettings",
    "PbxSettings",
    "PlatformSettings",
    "Problem",
    "PushSettings",
    "QueueSettings",
    "RedisSettings",
    "Settings",
    "SettingsError",
    "SiteSettings",
    "SmsSettings",
    "StoreSettings",
    "WatchingSettings",
    "WebSettings",
]

TARGET_S: Final = 13.0
"The promise of the name, in seconds."


class PbxSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[pbx], or one of [pbxs.<name>]: an Asterisk to follow."""

    name: str = "pbx"
    "What people call it; stands in events and rows."
    host: str
    port: int = 5038
    username: str
    secret: str
    trunks: tuple[str, ...] = ()
    "Channel name patterns (fnmatch) of the lines to the outside: what comes in there is a caller."
    systemname: str | None = None
    "asterisk.conf's systemname: events without it are rejected as forged."
    default_target: float = TARGET_S
    "Seconds within which a queue without a target of its own should answer."
    queue_log: str = ""
    "Path of the PBX's queue_log where this machine can read it: fills in what a gap hid."

    def __repr__(self) -> str:
        """Without the secret."""
        return f"PbxSettings(name={self.name!r}, host={self.host!r}, port={self.port}, username={self.username!r})"


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[queues.<name>]: what Asterisk does not know about a queue."""

    label: str
    target: float = TARGET_S
    "Seconds."
    goal: float = 0.9
    "Share of calls to be answered within the target, 0 to 1."
    wrapup: float | None = None
    "Seconds of wrap-up time; None: as the PBX says."
    short: float = 5.0
    "Seconds: whoever hangs up within them is a short abandon."


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[web]: pages and API."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_origins: tuple[str, ...] = ()
    "Origins under which browsers see the pages, exactly; empty: this host and port."
    allow_plain_http: bool = False
    "Serve beyond this machine without TLS."

    @property
    def origins(self) -> tuple[str, ...]:
        """The exact origins that pages may come from."""
        if self.public_origins:
            return self.public_origins
        hosts = ("127.0.0.1", "localhost") if self.host in LOOPBACK else (self.host,)
        return tuple(f"http://{f'[{host}]' if ':' in host else host}:{self.port}" for host in hosts)


class PushSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[push]: the WebSocket port."""

    host: str = "127.0.0.1"
    port: int = 8081


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[store]: where calls, users and messages are kept."""

    url: str = "sqlite:///cti.db"
    journal: str | None = None
    "Folder of the journals that take what the database does not take; '' for none, None: beside a SQLite file."

    @property
    def journal_folder(self) -> Path | None:
        """Where the journals are, None for nowhere; beside a server's store it is the working directory."""
        if self.journal is not None:
            return Path(self.journal) if self.journal else None
        beside = crm_default(self.url).partition(":///")
        if not beside[0].startswith("sqlite"):
            return Path("journal")
        file = beside[2].partition("?")[0]
        return Path(file).parent / "journal" if file not in ("", ":memory:") else None

    def __repr__(self) -> str:
        """Without the password."""
        return f"StoreSettings(url={mask_url(self.url)!r})"


class CrmSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[crm]: where customers are kept."""

    url: str
    mapping: str = ""
    "File that tells how to read the site's own CRM; '' for the embedded one alone."

    def __repr__(self) -> str:
        """Without the password."""
        return f"CrmSettings(url={mask_url(self.url)!r})"


class SiteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[site]: where the phones stand."""

    name: str = "十三秒"
    timezone: str = "Asia/Shanghai"
    area_code: str = ""
    "Without the 0; makes local callers' numbers whole."
    language: Literal["zh", "en"] = "zh"


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[log]."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"
    "auto: words on a terminal, JSON elsewhere."


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the daemon is told from outside."""

    pbx: PbxSettings
    "The PBX; of several the first."
    more_pbxs: tuple[PbxSettings, ...] = ()
    "The others of a site with several."
    node: NodeSettings = msgspec.field(default_factory=NodeSettings)
    redis: RedisSettings = msgspec.field(default_factory=RedisSettings)
    queues: Mapping[str, QueueSettings] = msgspec.field(default_factory=dict)
    lines: Mapping[str, str] = msgspec.field(default_factory=dict)
    "{dialled number: label}."
    menu: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    "{dialled number: {choice: label}}."
    web: WebSettings = msgspec.field(default_factory=WebSettings)
    push: PushSettings = msgspec.field(default_factory=PushSettings)
    store: StoreSettings = msgspec.field(default_factory=StoreSettings)
    crm: CrmSettings
    customers: CustomersSettings = msgspec.field(default_factory=CustomersSettings)
    chat: Mapping[str, PlatformSettings] = msgspec.field(default_factory=dict)
    "{platform: who may push messages}."
    sms: SmsSettings = msgspec.field(default_factory=SmsSettings)
    site: SiteSettings = msgspec.field(default_factory=SiteSettings)
    log: LogSettings = msgspec.field(default_factory=LogSettings)
    control: ControlSettings = msgspec.field(default_factory=ControlSettings)
    watching: WatchingSettings = msgspec.field(default_factory=WatchingSettings)

    @property
    def pbxs(self) -> tuple[PbxSettings, ...]:
        """All PBXs of the site."""
        return (self.pbx, *self.more_pbxs)

    @property
    def followed(self) -> tuple[PbxSettings, ...]:
        """Those that this node follows itself."""
        if "pbx" not in self.node.roles:
            return ()
        return tuple(pbx for pbx in self.pbxs if not self.node.follows or pbx.name in self.node.follows)

    @staticmethod
    def load(path: str | Path | None, environ: Mapping[str, str]) -> Settings:
        """Read, check and freeze; `path` None takes variables and defaults only. Raises SettingsError."""
        reader = Reader()
        tree = _read_file(path, reader)
        reader.begin(tree, environ, Path(path).parent if path is not None else Path())
        settings = _build(reader)
        if reader.problems or settings is None:
            raise SettingsError(reader.problems)
        return settings


def _read_file(path: str | Path | None, reader: Reader) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        # Notepad writes a byte order mark; TOML does not know it.
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        reader.add(
            str(path),
            "找不到配置文件",
            "There is no such file",
            "复制 config/cti.example.toml 再改",
            "Copy config/cti.example.toml and edit it",
        )
    except OSError as error:
        reader.add(str(path), f"读不了配置文件：{error.strerror}", f"The file cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        reader.add(
            str(path),
            "配置文件不是 UTF-8 编码",
            "The file is not UTF-8",
            "用编辑器另存为 UTF-8",
            "Save it as UTF-8",
        )
    except tomllib.TOMLDecodeError as error:
        # The parser's words name a line and column, never a value.
        reader.add(str(path), f"TOML 语法错误：{error}", f"TOML syntax: {error}")
    return {}


def _build(reader: Reader) -> Settings | None:
    if reader.problems:
        return None
    pbxs = _read_pbxs(reader)
    pbx_settings = pbxs[0]
    node_settings, redis_settings = read_node(reader, tuple(pbx.name for pbx in pbxs)), read_redis(reader)

    queues: dict[str, QueueSettings] = {}
    for name, queue in reader.tables("queues"):
        queues[name] = QueueSettings(
            label=queue.text("label", name),
            target=queue.seconds("target", pbx_settings.default_target, at_least=1.0),
            goal=queue.share("goal", 0.9),
            wrapup=queue.seconds("wrapup", None, at_least=0.0),
            short=queue.seconds("short", 5.0, at_least=0.0),
        )
        queue.end()
    lines: dict[str, str] = {}
    for number, line in reader.tables("lines"):
        lines[number] = line.text("label", number)
        line.end()
    menu = {number: choices.all_texts() for number, choices in reader.tables("menu")}

    web = reader.section("web")
    web_settings = WebSettings(
        host=web.text("host", "127.0.0.1"),
        port=web.port("port", 8080),
        public_origins=web.origins("public_origins"),
        allow_plain_http=web.flag("allow_plain_http", default=False),
    )
    web.end()
    push = reader.section("push")
    push_settings = PushSettings(host=push.text("host", web_settings.host), port=push.port("port", 8081))
    push.end()
    _check_listeners(web_settings, push_settings, reader)

    store = reader.section("store")
    store_settings = StoreSettings(url=store.database_url("url", "sqlite:///cti.db"), journal=store.folder("journal"))
    store.end()
    check_together(
        node_settings,
        redis_settings,
        pbxs=len(pbxs),
        one_file=store_settings.url.startswith("sqlite"),
        reader=reader,
    )
    crm = reader.section("crm")
    crm_settings = CrmSettings(
        url=crm.database_url("url", crm_default(store_settings.url)), mapping=crm.file("mapping")
    )
    crm.end()
    customers_settings, chat_settings = read_customers(reader), read_chat(reader)
    watching_settings = read_watching(
        reader, {name: (queue.target, queue.goal) for name, queue in queues.items()}, pbx_settings.default_target
    )
    control_settings = read_control(reader, queues)
    sms_settings = read_sms(reader)
    site = reader.section("site")
    site_settings = SiteSettings(
        name=site.text("name", "十三秒"),
        timezone=site.timezone("timezone", "Asia/Shanghai"),
        area_code=site.area_code("area_code"),
        language=site.choice("language", ("zh", "en")),
    )
    site.end()
    log = reader.section("log")
    log_settings = LogSettings(
        level=log.choice("level", ("info", "debug", "warning", "error")),
        format=log.choice("format", ("auto", "text", "json")),
    )
    log.end()
    reader.end()
    if reader.problems:
        return None
    return Settings(
        pbx=pbx_settings,
        more_pbxs=pbxs[1:],
        node=node_settings,
        redis=redis_settings,
        queues=queues,
        lines=lines,
        menu=menu,
        web=web_settings,
        push=push_settings,
        store=store_settings,
        crm=crm_settings,
        customers=customers_settings,
        chat=chat_settings,
        sms=sms_settings,
        site=site_settings,
        log=log_settings,
        control=control_settings,
        watching=watching_settings,
    )


def _read_pbxs(reader: Reader) -> tuple[PbxSettings, ...]:
    """[pbx], or each of [pbxs.<name>]."""
    several = [_read_pbx(table, name) for name, table in reader.tables("pbxs")]
    if not several:
        return (_read_pbx(reader.section("pbx"), "pbx"),)
    for pbx in several:
        if len(several) > 1 and not pbx.systemname:
            reader.add(
                f"pbxs.{pbx.name}.systemname",
                "有几台交换机时必须填写：通话编号靠它区分",
                "Must be set where there are several PBXs: it tells their calls apart",
                'systemname = "…"',
            )
    if len({pbx.systemname for pbx in several if pbx.systemname}) < sum(1 for pbx in several if pbx.systemname):
        reader.add("pbxs", "两台交换机的 systemname 相同", "Two PBXs have the same systemname")
    return tuple(several)


def _read_pbx(pbx: Table, name: str) -> PbxSettings:
    settings = PbxSettings(
        name=pbx.text("name", name),
        host=pbx.text("host", required=True),
        port=pbx.port("port", 5038),
        username=pbx.text("username", required=True),
        secret=pbx.secret("secret", required=True),
        trunks=pbx.texts("trunks", ()),
        systemname=pbx.text("systemname", "") or None,
        default_target=pbx.seconds("default_target", TARGET_S, at_least=1.0),
        queue_log=pbx.text("queue_log", ""),
    )
    for key in ("name", "host", "username", "secret"):
        pbx.refuse_control(key, getattr(settings, key))
    pbx.end()
    return settings


def crm_default(store_url: str) -> str:
    """Where the embedded CRM lives when nothing is said: beside a SQLite store, or in the same server database.

    >>> crm_default("sqlite:////var/lib/thirteen/cti.db")
    'sqlite:////var/lib/thirteen/crm.db'
    """
    scheme, separator, rest = store_url.partition(":///")
    if not separator or not scheme.startswith("sqlite"):
        return store_url
    path, _, query = rest.partition("?")
    if not path or path == ":memory:":
        return store_url
    folder, slash, name = path.rpartition("/")
    sibling = f"{folder}{slash}crm.db" if name != "crm.db" else path
    return f"{scheme}:///{sibling}" + (f"?{query}" if query else "")


def _check_listeners(web: WebSettings, push: PushSettings, reader: Reader) -> None:
    if web.port and web.port == push.port and web.host == push.host:
        reader.add(
            "push.port",
            "与 web.port 相同，两个端口不能一样",
            "Equal to web.port; the two listeners need a port each",
            "push.port = 8081",
        )
    if web.allow_plain_http:
        return
    why = "明文 HTTP 会让密码和客户资料在网络上可读"
    why_en = "plain HTTP lets the network read passwords and customers' records"
    cure = "在本机前置 nginx 或 Caddy 提供 HTTPS；只在可信内网时才设 web.allow_plain_http = true"
    cure_en = (
        "Put nginx or Caddy with HTTPS before it on this machine; in a trusted network set web.allow_plain_http = true"
    )
    for key, host in (("web.host", web.host), ("push.host", push.host)):
        if host not in LOOPBACK:
            reader.add(
                key,
                f"监听 {host} 超出本机，而{why}",
                f"Listening on {host} reaches beyond this machine, and {why_en}",
                cure,
                cure_en,
            )
    for origin in web.public_origins:
        parts = urlsplit(origin)
        if parts.scheme == "http" and (parts.hostname or "") not in LOOPBACK:
            reader.add(
                "web.public_origins",
                f"{origin} 是明文，而{why}",
                f"{origin} is not encrypted, and {why_en}",
                cure,
                cure_en,
            )
