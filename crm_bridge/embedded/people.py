"""What else of a party staff change: its contact points, its owner, its tags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import tables, writes
from crm_bridge.model import Conflict, ContactPoint, Invalid, InvalidField, NotFound, Profile
from crm_bridge.numbers import Site, canonical_all
from crm_bridge.quick import Reads

KINDS: Final = {
    "phone": "电话",
    "qq": "QQ",
    "wechat": "微信",
    "wangwang": "旺旺",
    "email": "邮箱",
    "msn": "MSN",
    "whatsapp": "WhatsApp",
    "wecom": "企业微信",
}
"{kind of a contact point: what it is called where nobody said}."
MOST_POINTS: Final = 40
MOST_TAGS: Final = 30


class PeopleEditing(ABC):
    """Methods of `EmbeddedCrm`. Each takes the version the editor saw and raises Conflict when that is stale."""

    site: Site
    _clock: Callable[[], float]

    @abstractmethod
    def read_profile(self, connection: Reads, party_id: int) -> Profile:
        """See `EmbeddedCrm.read_profile`."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[sa.Connection]:
        """One transaction. Raises CrmError."""

    def set_contact_points(self, party_id: str, points: Sequence[ContactPoint], version: int, by: str) -> Profile:
        """All contact points of this person or company, in their order, in place of those that stood there.

        The number index follows: a number taken away finds the party no longer, unless a text holds it. Points of the
        person's company stay. Raises Invalid for an unknown kind, an empty value or a phone without a number.
        """
        _check(points, self.site)
        return self._edit(party_id, version, by, lambda connection, row: self._put_points(connection, row, points))

    def assign(self, party_id: str, owner: str | None, owner_name: str | None, version: int, by: str) -> Profile:
        """Who looks after the customer: a login and the name to show; None for nobody, or the company's owner."""
        login = sql.clean(owner.strip(), 80) if owner else None
        name = sql.clean((owner_name or "").strip(), 80) or login if login else None
        return self._edit(party_id, version, by, lambda c, row: _set(c, row, owner=login, owner_name=name))

    def set_tags(self, party_id: str, tags: Sequence[str], version: int, by: str) -> Profile:
        """The party's own tags in place of those before; a person shows the company's besides."""
        clean = list(dict.fromkeys(t for tag in tags if (t := sql.clean(" ".join(tag.split()), 40))))
        if len(clean) > MOST_TAGS:
            text, text_en = f"标签最多 {MOST_TAGS} 个", f"At most {MOST_TAGS} tags"
            raise Invalid((InvalidField(key="tags", text=text, text_en=text_en),))
        return self._edit(party_id, version, by, lambda c, row: _set(c, row, tags=clean))

    def _edit(self, party_id: str, version: int, by: str, change: Callable[[sa.Connection, int], None]) -> Profile:
        if not (party_id.isascii() and party_id.isdigit() and len(party_id) <= 18):
            raise NotFound
        row = int(party_id)
        with self._write() as connection:
            current = self.read_profile(connection, row)
            if current.party.version != version:
                raise Conflict(current)
            change(connection, row)
            _set(
                connection,
                row,
                version=tables.party.c.version + 1,
                updated_at=self._clock(),
                updated_by=sql.clean(by, 80),
            )
            return self.read_profile(connection, row)

    def _put_points(self, connection: sa.Connection, row: int, points: Sequence[ContactPoint]) -> None:
        connection.execute(sa.delete(tables.contact_point).where(tables.contact_point.c.party_id == row))
        registered = (tables.phone.c.party_id == row) & (tables.phone.c.level != "text")
        connection.execute(sa.delete(tables.phone).where(registered))
        for position, point in enumerate(points):
            value, label = sql.clean(point.value.strip(), 200), sql.clean(point.label.strip(), 40)
            if point.kind == "phone":
                for number in canonical_all(value, self.site):
                    writes.add_phone(connection, row, number, label or writes.label_of(number), position)
                continue
            connection.execute(
                sa.insert(tables.contact_point),
                {
                    "party_id": row,
                    "kind": point.kind,
                    "value": value,
                    "label": label or KINDS[point.kind],
                    "position": position,
                },
            )


def _set(connection: sa.Connection, row: int, **values: Any) -> None:
    connection.execute(sa.update(tables.party).where(tables.party.c.id == row).values(**values))


def _check(points: Sequence[ContactPoint], site: Site) -> None:
    problems: list[InvalidField] = []
    if len(points) > MOST_POINTS:
        text, text_en = f"联系方式最多 {MOST_POINTS} 个", f"At most {MOST_POINTS} contact points"
        problems.append(InvalidField(key="points", text=text, text_en=text_en))
    for place, point in enumerate(points):
        key = f"points.{place}"
        if point.kind not in KINDS:
            problems.append(InvalidField(key=key, text="没有这种联系方式", text_en="There is no such kind of contact"))
        elif not point.value.strip():
            problems.append(InvalidField(key=key, text="联系方式是空的", text_en="The contact point is empty"))
        elif point.kind == "phone" and not canonical_all(point.value, site):
            problems.append(InvalidField(key=key, text="里面没有可用的号码", text_en="There is no usable number in it"))
    if problems:
        raise Invalid(tuple(problems))
