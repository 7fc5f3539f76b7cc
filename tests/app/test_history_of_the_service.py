"""The service as a whole: what was played is what the history tells, over HTTP, to each role its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cti.demo.sample import Sample
from tests.app.service import Browser, Service, eventually, service, with_pbx


async def _report(browser: Browser, query: str) -> dict[str, object]:
    status, body = await browser.call("GET", f"/history/report?{query}")
    assert status == 200, body
    told: dict[str, object] = body["total"]["values"]
    return told


async def test_a_played_call_is_counted_with_its_agents_time(running: Service) -> None:
    """After one more call there is one more answer, talk time, and agents' time; its list names the caller."""
    async with running.browser("hansong") as browser:
        today = datetime.fromtimestamp(running.app.pbx_now(), ZoneInfo("Asia/Shanghai")).date().isoformat()
        before = await _report(browser, f"from={today}")
        await running.call("answered")
        await running.pop("ended")
        assert await running.app.writer.flush(30)

        async def counted() -> bool:
            await running.app.exchange.scribe.keeper.write(with_teams=True)
            after = await _report(browser, f"from={today}")
            return after["answered"] == int(str(before["answered"])) + 1 and bool(after["logged_in_s"])

        await eventually_async(counted)
        status, listed = await browser.call("GET", f"/history/calls?from={today}&which=answered")
        assert status == 200
        assert listed["rows"][0]["caller"]
        assert listed["rows"][0]["party"]["name"] == "周敏"
        status, causes = await browser.call("GET", f"/history/causes?from={today}&by=hour")
        assert (status, causes["by"]) == (200, "hour")
        status, told = await browser.call("GET", "/history/definitions")
        assert {d["name"] for d in told["definitions"]} >= {"V2", "asa_s", "occupancy"}
        assert running.app.store.history_targets()["europe"][0].target_ms == 13_000
        assert running.app.store.team_steps()


async def eventually_async(ask: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(60):
        while not await ask():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_bad_questions_are_refused_in_words(running: Service) -> None:
    """A misspelt name, a value that makes no sense, no session: each says why, and nothing fails inside."""
    async with running.browser("hansong") as browser:
        for query in ("form=2026-11-21", "by=nonsense", "from=yesterday", "hours=8-20", "target=-3"):
            status, body = await browser.call("GET", f"/history/report?{query}")
            assert (status, body["error"]["code"]) == (400, "bad_query"), query
    async with running.browser() as stranger:
        assert (await stranger.call("GET", "/history/report"))[0] == 401


async def test_a_file_comes_as_a_download(running: Service) -> None:
    """The export has a name, a type and no cache."""
    async with running.browser("hansong") as browser:
        url = f"{browser.base}/api/v1/history/export?format=csv&by=queue"
        async with browser.http.get(url) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            assert answer.headers["Content-Disposition"].startswith('attachment; filename="thirteen-queue-')
            assert answer.headers["Cache-Control"] == "no-store"
            assert (await answer.read()).startswith(b"\xef\xbb\xbf")


async def test_the_log_is_followed_by_the_service(folder: Path, made: Sample, tmp_path: Path) -> None:
    """With pbx.queue_log set, what is written there after the start is read, and the missing call is inserted."""
    log = tmp_path / "queue_log"
    log.write_bytes(b"")
    async with service(folder, made, change=lambda s: with_pbx(s, queue_log=str(log))) as running:
        follower = running.app.exchange.scribe.follower
        assert follower is not None
        await eventually(lambda: running.app.store.log_state(str(log))[0] is not None)
        at = int(running.app.pbx_now()) - 60
        lines = [
            f"{at}|{at}.77777|europe|NONE|ENTERQUEUE||013800001111|1",
            f"{at + 20}|{at}.77777|europe|NONE|ABANDON|1|1|20",
        ]
        log.write_text("\n".join(lines) + "\n")
        await eventually(lambda: running.app.store.call(f"{at}.77777") is not None)
        call = running.app.store.call(f"{at}.77777")
        assert call is not None
        assert (call.visits[0].outcome, call.visits[0].wait_s, call.gap) == ("abandoned", 20.0, True)
        assert follower.counters["inserted"] == 1
