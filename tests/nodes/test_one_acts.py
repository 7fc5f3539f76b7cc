"""Several nodes know everything: what acts by itself acts at one of them, what people do anywhere is seen at all."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import msgspec

from cti.settings import Settings
from cti.settings.watching import HookSettings
from cti.wire.watching import Limits
from tests.app.service import Screen, eventually
from tests.nodes.cluster import Node, Site, Stopped, node, play
from tests.watching.kit import Receiver, receiver

LIMITS = Limits(warn_s=0.5, late_s=1.0, goal=None, calls=10, missed=2, paused_s=900.0, no_agents_s=None)


def frames(screen: Screen, kind: str) -> list[dict[str, Any]]:
    """What a page was told of one kind."""
    return [frame for frame in screen.frames if frame["type"] == kind]


def confirmed(id: str) -> Any:
    """A page was told that an action took effect."""

    def found(screen: Screen) -> dict[str, Any] | None:
        told = [frame["action"] for frame in frames(screen, "action")]
        return next((one for one in told if one["id"] == id and one["state"] == "confirmed"), None)

    return found


def late_one(screen: Screen) -> dict[str, Any] | None:
    """The alert of a late caller that a board was told."""
    told = [alert for frame in frames(screen, "alerts") for alert in frame["raised"]]
    return next((alert for alert in told if alert["kind"] == "late"), None)


def with_alerts(hook: Receiver, settings: Settings) -> Settings:
    """A target of one second for calls ten times as fast."""
    queues = {name: msgspec.structs.replace(queue, target=1.0) for name, queue in settings.queues.items()}
    alerts = msgspec.structs.replace(settings.watching.alerts, default=LIMITS, queues=dict.fromkeys(queues, LIMITS))
    watching = msgspec.structs.replace(
        settings.watching,
        alerts=alerts,
        hooks=(HookSettings(name="ops", url=hook.url, secret="x" * 32, kinds=("late",)),),
    )
    return msgspec.structs.replace(settings, queues=queues, watching=watching)


async def site_leader(*nodes: Node) -> tuple[Node, Node]:
    """(the node that has the site's duties, another)."""
    await eventually(lambda: any(one.app.cluster.site.has for one in nodes))
    has = next(one for one in nodes if one.app.cluster.site.has)
    return has, next(one for one in nodes if one is not has)


async def test_an_action_asked_at_any_node_is_done_once_and_seen_at_all(site_of_two: Site) -> None:
    """Asked where nobody leads: the PBX does it, both boards and the agent at the other node see who, why and when."""
    async with node(site_of_two, "a") as a, node(site_of_two, "b") as b:
        await a.live()
        await b.live()
        leader, other = await site_leader(a, b)
        async with (
            other.browser("hansong") as boss,
            leader.browser("hansong") as second,
            leader.browser("linzhixia") as agent,
        ):
            boards = [await boss.screen("board"), await second.screen("board")]
            desk = await agent.screen()
            wish = {"kind": "member_pause", "id": "n-1", "interface": "PJSIP/8001", "queue": None, "reason": "培训"}
            assert (await boss.call("POST", "/control/actions", wish))[0] == 202
            for screen in (*boards, desk):
                assert (await screen.until(confirmed("n-1")))["reason"] == "培训"
            assert len([one for one in leader.app.store.actions(limit=10) if one.id == "n-1"]) == 1
            status, again = await second.call("POST", "/control/actions", wish)
            assert (status, again["id"]) == (202, "n-1")
            assert len(leader.app.store.actions(limit=10)) == 1


async def test_a_rule_made_at_any_node_acts_once_and_takes_back_over_the_end_of_its_node(site_of_two: Site) -> None:
    """Each helper is added once; the node that added them ends, and the other takes them back when it is quiet."""
    first, second = Stopped(site_of_two, "a"), Stopped(site_of_two, "b")
    nodes = [await first.start(), await second.start()]
    try:
        for one in nodes:
            await one.live()
        leader, other = await site_leader(*nodes)
        body = {
            "name": "支援",
            "queue": "seasia",
            "when": {"wait_s": 1, "idle": 8},
            "then": {"interfaces": ["PJSIP/8007"], "penalty": 3},
            "back": {"quiet_s": 5},
        }
        async with other.browser("hansong") as boss:
            _, made = await boss.call("POST", "/control/rules", body)
            status, _ = await boss.call("POST", f"/control/rules/{made['id']}/mode", {"mode": "live", "version": 1})
            assert status == 200
            await eventually(lambda: [rule.mode for rule in leader.app.supervision.rules.views()] == ["live"])
            play(site_of_two.pbxs["south"], "ring_all_nobody", "seasia")
            await eventually(lambda: "seasia" in {row.queue for row in other.app.exchanges.memberships("PJSIP/8007")})
            await eventually(lambda: [one.state for one in other.app.store.actions(limit=20)] == ["confirmed"])
            await (first if leader is nodes[0] else second).stop()
            await eventually(lambda: other.app.cluster.site.has)
            await eventually(
                lambda: "seasia" not in {row.queue for row in other.app.exchanges.memberships("PJSIP/8007")}
            )
            await eventually(
                lambda: sorted(one.kind for one in other.app.store.actions(limit=20)) == ["member_add", "member_remove"]
            )
    finally:
        await first.stop()
        await second.stop()


async def test_an_alert_is_shown_at_all_nodes_written_once_and_sent_once(site_of_two: Site) -> None:
    """A late caller: both boards are told, the log has one row, the webhook one delivery; a silence holds at both."""
    async with receiver() as hook:
        site_of_two.change = partial(with_alerts, hook)
        async with node(site_of_two, "a") as a, node(site_of_two, "b") as b:
            await a.live()
            await b.live()
            leader, other = await site_leader(a, b)
            async with other.browser("hansong") as one, leader.browser("hansong") as two:
                boards = [await one.screen("board"), await two.screen("board")]
                playing = play(site_of_two.pbxs["north"], "ring_all_nobody", "europe")
                late = [await board.until(late_one) for board in boards]
                assert late[0]["id"] == late[1]["id"]
                wish = {"alert": late[0]["id"], "minutes": 5, "for_all": True}
                assert (await one.call("POST", "/alerts/silences", wish))[0] == 201
                await eventually(lambda: leader.app.watching.bell.silences_of("hansong"))
                await playing
                await hook.until(1)
            await eventually(lambda: any(row.cleared_at for row in leader.app.store.alert_log() if row.kind == "late"))
            assert [row.id for row in leader.app.store.alert_log() if row.kind == "late"] == [late[0]["id"]]
            told = [json.loads(body) for _, body in hook.got]
            assert [one["type"] for one in told] == ["alert.raised"], "sent by both, or although somebody wants quiet"
