"""Writing back by the site's own SQL: look whether the key is there, write, look again, commit.

The second look is the proof that a statement keeps the key: one that does not is rolled back and refused, for it would
write again at every try. With a unique index on the key's column even two services at once write once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.model import CrmError
from crm_bridge.writeback.intents import TIMES, Delivery, Kind, Outcome
from crm_bridge.writeback.rules import SqlRule


class SqlTarget:
    """The site's CRM by SQL. One thread: what hangs there is waited for in turn, and never overtaken by its retry."""

    def __init__(self, database: sql.Database, rules: Mapping[Kind, SqlRule], timezone: str = "Asia/Shanghai") -> None:
        """`database` belongs to the target from now on."""
        self._database = database
        self._rules = dict(rules)
        self._zone = ZoneInfo(timezone)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writeback-sql")

    async def deliver(self, delivery: Delivery) -> Outcome:
        """See `Target.deliver`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.write, delivery)

    async def close(self) -> None:
        """See `Target.close`."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._database.close()

    def write(self, delivery: Delivery) -> Outcome:
        """Write one intent, in the calling thread. Raises CrmError."""
        rule = self._rules[delivery.kind]
        bound = _Bound(values(delivery, self._zone))
        try:
            try:
                return self._write(rule, delivery, bound)
            except sql.SqlError as error:
                if not error.permanent:
                    raise
                # Perhaps somebody else wrote the key in the meantime and its index refused ours.
                with self._database.read() as connection:
                    found = bound.run(connection, rule.exists).first()
                if found is None:
                    raise
                return _outcome(found)
        except sql.SqlError as error:
            raise CrmError(
                f"客户库没有写入：{error.text}", text_en=f"Not written: {error.text_en}", permanent=error.permanent
            ) from error

    def _write(self, rule: SqlRule, delivery: Delivery, bound: _Bound) -> Outcome:
        with self._database.write() as connection:
            found = bound.run(connection, rule.exists).first()
            if found is not None:
                if delivery.revision > 1:
                    if not rule.updates:
                        raise CrmError(
                            "早先的内容已写入，但映射里没有 update 语句，修改没有写回",
                            text_en="An earlier version is there; the mapping has no update statement for this one",
                            permanent=True,
                        )
                    for statement in rule.updates:
                        bound.run(connection, statement)
                return _outcome(found)
            for statement in rule.statements:
                bound.run(connection, statement)
            found = bound.run(connection, rule.exists).first()
            if found is None:
                raise CrmError(
                    "语句执行了，但按 :key 查不到结果；已撤回，请检查映射",
                    text_en="The statement left nothing to be found by :key; it was taken back. Check the mapping",
                    permanent=True,
                )
            return _outcome(found)


class _Bound:
    """Values, each statement getting those it names; one that nobody gave is NULL."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def run(self, connection: sa.Connection, statement: str) -> Any:
        text = sa.text(statement)
        given = {name: self._given.get(name) for name in text.compile().params}
        moments = [sa.bindparam(name, type_=sa.DateTime) for name, one in given.items() if isinstance(one, datetime)]
        return connection.execute(text.bindparams(*moments), given)


def values(delivery: Delivery, zone: ZoneInfo) -> dict[str, Any]:
    """The parameters of an intent. A time is given thrice: epoch seconds, and as `..._utc` and `..._local`, naive."""
    party = delivery.party
    given: dict[str, Any] = {
        **delivery.payload,
        "key": delivery.key,
        "revision": delivery.revision,
        "kind": delivery.kind,
        "entity": party.entity if party else None,
        "party_id": party.id if party else delivery.after_id,
        "company_entity": party.company_entity if party else None,
        "company_id": party.company_id if party else None,
        "after_id": delivery.after_id,
        "created_at": delivery.created_at,
    }
    for name in TIMES & given.keys():
        at = given[name]
        if isinstance(at, (int, float)) and not isinstance(at, bool) and 0 <= at < 253402300800:
            given[f"{name}_utc"] = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
            given[f"{name}_local"] = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    return given


def _outcome(found: Any) -> Outcome:
    return Outcome(external_id=None if found[0] is None else str(found[0]))
