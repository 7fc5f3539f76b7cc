"""A page that is open for eight hours keeps nothing of the calls that were put away."""

from __future__ import annotations

import pytest

from tests.app.service import KNOWN, eventually
from tests.browser.conftest import Opened
from tests.browser.gauge import Gauge

pytestmark = pytest.mark.browser

KEPT = 100
"Nodes. One call with its record has more than a thousand."


async def test_desk_keeps_no_node_of_a_call_that_was_put_away(site: Opened) -> None:
    """Two calls of a customer with a full record, each put away."""
    running, pages = site
    desk = await pages.log_in("linzhixia")
    gauge = await Gauge.of(desk.page)
    for _ in range(2):
        await eventually(lambda: "PJSIP/8001" not in running.pbx.player.casting.taken)
        running.call("answered", KNOWN)
        await desk.shown("#sec-profile .ed-btn")
        await desk.find('.strip[data-state="ended"] .acts .primary').click()
        await desk.gone(".strip[data-pop]")
    held = await gauge.read()
    for _ in range(4):  # an answer that is still on its way holds a part of the page until it has come
        if held.kept >= KEPT:
            held = await gauge.read()
    print(f"kept of two calls: {held.kept} nodes; heap {held.heap_mb:.1f} MB")
    assert held.kept < KEPT
