"""From the rules of a mapping to where intents go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_bridge import sql
from crm_bridge.model import CrmError
from crm_bridge.writeback.http_target import HttpTarget
from crm_bridge.writeback.intents import Delivery, Kind, Outcome, Target
from crm_bridge.writeback.rules import Rules, RulesError
from crm_bridge.writeback.sql_target import SqlTarget


class ByKind:
    """Sends each kind its own way."""

    def __init__(self, ways: Mapping[Kind, Target]) -> None:
        self._ways = dict(ways)

    async def deliver(self, delivery: Delivery) -> Outcome:
        """See `Target.deliver`."""
        way = self._ways.get(delivery.kind)
        if way is None:
            # Put in while there was a rule: it waits to be seen, and goes when the rule is back.
            raise CrmError(
                "映射里没有这一类的回写规则", text_en="The mapping has no rule for this kind", permanent=True
            )
        return await way.deliver(delivery)

    async def close(self) -> None:
        """See `Target.close`."""
        for way in dict.fromkeys(self._ways.values()):
            await way.close()


def rules_of(table: Mapping[str, Any], folder: Path) -> Rules:
    """Rules of a `[writeback]` table; `database_file` and a call's `secret_file` are read, relative to `folder`.

    Raises RulesError with everything that is wrong.
    """
    tree: dict[str, Any] = {}
    for name, value in table.items():
        given = dict(value) if isinstance(value, Mapping) else value
        if isinstance(given, dict) and "secret_file" in given:
            given["secret"] = _secret(folder, given.pop("secret_file"), f"writeback.{name}.secret_file")
        tree[name] = given
    if "database_file" in tree:
        tree["database"] = _secret(folder, tree.pop("database_file"), "writeback.database_file")
    return Rules.parse(tree)


def _secret(folder: Path, named: object, where: str) -> str:
    try:
        return (folder / str(named)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        raise RulesError([(f"读不了 {where}", f"{where} cannot be read")]) from None


def targets(rules: Rules) -> ByKind:
    """Where a mapping's intents go. Raises CrmError for a database address that cannot be used."""
    ways: dict[Kind, Target] = {}
    if rules.by_http:
        http = HttpTarget(rules.by_http)
        ways.update(dict.fromkeys(rules.by_http, http))
    if rules.by_sql:
        try:
            database = sql.Database(rules.database, pool=2)
        except sql.SqlError as error:
            raise CrmError(error.text, text_en=error.text_en, permanent=error.permanent) from error
        by_sql = SqlTarget(database, rules.by_sql, rules.timezone)
        ways.update(dict.fromkeys(rules.by_sql, by_sql))
    return ByKind(ways)
