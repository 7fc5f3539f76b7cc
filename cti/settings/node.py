"""[node] and [redis]: one of several machines of a site, and through what they tell each other."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Final

import msgspec

from cti.settings.check import Reader
from cti.settings.redis_url import RedisUrlError, parse, shown

ROLES: Final = ("pbx", "push", "web", "sms")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[node]: which machine this is, and what it does."""

    name: str = "node"
    "Different on each node; stands in leases, logs and metrics."
    roles: tuple[str, ...] = ROLES
    "pbx: follows the PBXs; push: keeps the pages' connections; web: pages and API; sms: texts and their callbacks."
    follows: tuple[str, ...] = ()
    "Names of the PBXs this node follows; () for all. Of the others it hears through Redis."


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[redis]: through which nodes tell each other what happens. It holds nothing of record."""

    url: str = ""
    "redis:// or rediss:// (TLS), or a Sentinel's; '' for a site of one node."
    stream: str = "thirteen"
    "Name of the site's stream: sites that share a Redis need one each."

    def __repr__(self) -> str:
        """Without the password."""
        return f"RedisSettings(url={shown(self.url) if self.url else ''!r}, stream={self.stream!r})"


def read_node(reader: Reader, pbxs: tuple[str, ...]) -> NodeSettings:
    """[node]; `pbxs` are the names of the site's PBXs."""
    node = reader.section("node")
    fallback = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:40].lstrip("._-") or "node"
    name = node.text("name", fallback)
    if not _NAME.fullmatch(name):
        reader.add(
            "node.name",
            "只能用字母、数字和 . _ -，以字母或数字开头，不超过 40 个",
            "Letters, digits and . _ - only, beginning with a letter or digit, at most 40",
            'node.name = "node-a"',
        )
    roles, follows = node.texts("roles", ROLES), node.names("follows", ())
    for key, given, known in (("roles", roles, ROLES), ("follows", follows, pbxs)):
        for one in given:
            if one not in known:
                reader.unknown(f"node.{key}", one, known)
    node.end()
    return NodeSettings(name=name, roles=roles, follows=follows)


def read_redis(reader: Reader) -> RedisSettings:
    """[redis]."""
    table = reader.section("redis")
    url = table.secret("url", required=False)
    stream = table.text("stream", "thirteen")
    table.refuse_control("stream", stream)
    table.end()
    try:
        files = parse(url).files if url else ()
    except RedisUrlError as wrong:
        reader.add("redis.url", wrong.text, wrong.text_en, 'redis.url = "redis://127.0.0.1:6379/0"')
    else:
        for name in files:
            if not Path(name).is_file():
                reader.add("redis.url", f"找不到文件 {name}", f"There is no file {name}", "看路径", "See the path")
    return RedisSettings(url=url, stream=stream)


def check_together(node: NodeSettings, redis: RedisSettings, *, pbxs: int, one_file: bool, reader: Reader) -> None:
    """What holds only of all of it: a SQLite store serves one node, and whoever does not follow must hear."""
    if redis.url and one_file:
        reader.add(
            "redis.url",
            "几台机器要共用数据库，SQLite 只能由一台使用",
            "Several nodes share a database, and SQLite serves one",
            'store.url = "postgresql://cti@db/cti"',
        )
    follows_all = "pbx" in node.roles and (not node.follows or len(set(node.follows)) == pbxs)
    if not follows_all and not redis.url:
        reader.add(
            "redis.url",
            "本机不跟踪全部交换机，要经 Redis 才能知道来电",
            "This node does not follow every PBX and hears of their calls through Redis only",
            'redis.url = "redis://127.0.0.1:6379/0"',
        )
