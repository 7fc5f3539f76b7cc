"""A node does what its roles say: pages and connections without a PBX, or a PBX without pages."""

from __future__ import annotations

import aiohttp
import pytest
from websockets.asyncio.client import connect

from tests.app.service import eventually
from tests.nodes.cluster import Site, node, play


async def test_a_node_without_a_pbx_serves_its_users_and_says_what_it_cannot_do(site_of_two: Site) -> None:
    """Pages and pops at one node, the PBXs at another: the pop comes; pausing is refused in words."""
    async with (
        node(site_of_two, "core", roles=["pbx"]) as core,
        node(site_of_two, "front", roles=["web", "push", "sms"]) as front,
    ):
        await front.live()
        await core.leads("north")
        async with front.browser("linzhixia") as agent:
            screen = await agent.screen()
            ended = play(site_of_two.pbxs["north"], "answered", "europe")
            shown = await screen.pop("talking")
            assert await screen.record(shown["id"])
            status, told = await agent.call("POST", "/me/pause", {"paused": True, "reason": "小休"})
            assert (status, told["error"]["code"]) == (409, "not_here")
            await ended
            await screen.pop("ended", id=shown["id"])
        await eventually(lambda: front.app.store.open_calls() == [])


async def test_a_node_without_pages_tells_how_it_is_and_nothing_else(site_of_two: Site) -> None:
    """Health, readiness and figures answer; the API, pages and push do not."""
    async with node(site_of_two, "core", roles=["pbx"]) as core, aiohttp.ClientSession() as http:
        await core.live()
        for path, wanted in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200)):
            async with http.get(core.base + path) as response:
                assert response.status == wanted, path
        for path in ("/api/v1/me", "/login", "/", "/desk"):
            async with http.get(core.base + path, allow_redirects=False) as response:
                assert response.status == 404, path
        with pytest.raises((OSError, TimeoutError)):
            async with connect(f"ws://127.0.0.1:{core.app.push_port}/push", open_timeout=1):
                pass
