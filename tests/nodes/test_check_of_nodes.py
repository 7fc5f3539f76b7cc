"""`cti check` on a node of several: each PBX by its name, and whether nodes can tell each other anything."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cti.commands import check
from cti.demo.pbx import SECRET, USERNAME
from tests.nodes.cluster import Site
from tests.servers.redis import Redis


def config(folder: Path, site: Site, redis: str) -> str:
    """A settings file of a node."""
    pbxs = "\n".join(
        f'[pbxs.{name}]\nhost = "127.0.0.1"\nport = {pbx.port}\nusername = "{USERNAME}"\nsecret = "{SECRET}"\n'
        f'systemname = "{name}-5f0c9a"'
        for name, pbx in site.pbxs.items()
    )
    path = folder / "cti.toml"
    path.write_text(
        f"{pbxs}\n[queues.europe]\n[queues.seasia]\n[queues.nowhere]\n"
        f'[node]\nname = "node-a"\n[redis]\nurl = "{redis}"\n'
        f'[store]\nurl = "{site.store}"\n[web]\nport = 0\n[push]\nport = 0\n',
        encoding="utf-8",
    )
    return str(path)


async def test_each_pbx_and_redis_are_told_by_name(
    site_of_two: Site, relay_server: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Queues are looked for over all PBXs; a Redis that answers is ok, a dead one fails, without its password."""
    settings = config(tmp_path, site_of_two, relay_server.url)
    assert await asyncio.to_thread(check.run, settings) == 1
    out = capsys.readouterr().out
    assert "ok    ami north" in out
    assert "ok    ami south" in out
    assert "FAIL  queues.nowhere" in out
    assert "queues.europe" not in out
    assert "ok    redis" in out
    assert "node-a" in out
    settings = config(tmp_path, site_of_two, "redis://:geheim13@127.0.0.1:1/0")
    assert await asyncio.to_thread(check.run, settings) == 1
    out = capsys.readouterr().out
    assert "FAIL  redis" in out
    assert "geheim13" not in out
