"""Names beside the numbers of a list: one customer's or none, and never a list that waits for the CRM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from crm_bridge import model
from cti.popup import whose
from cti.popup.whose import LOT, Whose
from tests.popup.scripts import match, party


class Crm:
    """Numbers of one customer, of two, of nobody."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def lookup(self, number: str | None) -> list[model.Match]:
        """By the first digit."""
        assert number is not None
        self.asked.append(number)
        of_two = [match(party("a", "周敏")), match(party("b", "罗一鸣"))]
        return {"1": of_two[:1], "2": of_two}.get(number[0], [])


async def test_a_number_has_a_name_where_one_customer_has_it() -> None:
    """Two who share a number, and a number that nobody has, stay numbers; each is asked for once."""
    crm = Crm()
    lots: list[int] = []

    async def ask(work: Callable[[model.Crm], Any]) -> Any:
        before = len(crm.asked)
        answer = work(cast(model.Crm, crm))
        lots.append(len(crm.asked) - before)
        return answer

    numbers = [f"1{n}" for n in range(2 * LOT)]
    found = await Whose(ask).parties([*numbers, "2", "3", None, "", "10", "3"])
    assert sorted(found) == sorted(numbers)
    assert {one.name for one in found.values()} == {"周敏"}
    assert len(crm.asked) == len(set(crm.asked)) == 2 * LOT + 2
    assert lots == [LOT, LOT, 2], "whoever rings is asked for in between"


async def test_a_list_does_not_wait_for_a_crm_that_is_slow_or_away(monkeypatch: Any) -> None:
    """What came before it fell silent is named, the rest are numbers."""
    monkeypatch.setattr(whose, "PATIENCE_S", 0.05)
    crm = Crm()

    async def silent(work: Callable[[model.Crm], Any]) -> Any:
        if crm.asked:
            await asyncio.Event().wait()
        return work(cast(model.Crm, crm))

    async def away(work: Callable[[model.Crm], Any]) -> Any:
        raise model.CrmError("客户库暂不可用", text_en="away", permanent=False)

    numbers = [f"1{n}" for n in range(LOT + 5)]
    async with asyncio.timeout(10):
        assert list(await Whose(silent).parties(numbers)) == numbers[:LOT]
        assert await Whose(away).parties(numbers) == {}
