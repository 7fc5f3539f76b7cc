"""Who sees what of a customer: floor prices and personal fields by role, in one place (pure).

What the site shows in the pop reaches everybody who gets the pop. Personal fields that are not shown there, and what a
price leaves us (底价), are for the roles that the site names. Out of his calls such a role sees a customer's numbers
as 138****5678.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

import msgspec

from crm_bridge.freight.lanes import LanePrices
from crm_bridge.model import BusinessRecord, ContactPoint, Field, Profile
from cti.wire import Section

HIDDEN: Final = "••••"
"Stands for a value that the role may not read."


class Sight(msgspec.Struct, frozen=True):
    """What one sees."""

    floor: bool
    "底价, and what it gives away."
    personal: bool
    "Personal fields that are not shown in the pop, and whole numbers out of one's own calls."


ALL: Final = Sight(True, True)


class Privacy:
    """The site's rule."""

    def __init__(self, *, floor_roles: Collection[str], personal_roles: Collection[str]) -> None:
        self._floor = frozenset(floor_roles)
        self._personal = frozenset(personal_roles)

    def of(self, role: str) -> Sight:
        """What a role sees."""
        return Sight(role in self._floor, role in self._personal)


def section(whole: Section, sight: Sight) -> Section:
    """A section of the record as one sees it; the same object where nothing is hidden."""
    if sight == ALL or not whole.items:
        return whole
    if whole.name == "profile":
        items: tuple[Any, ...] = tuple(profile(item, sight) for item in whole.items)
    elif whole.name == "business":
        items = tuple(business(item, sight) for item in whole.items)
    else:
        return whole
    if all(new is old for new, old in zip(items, whole.items, strict=True)):
        return whole
    return msgspec.structs.replace(whole, items=items)


def profile(whole: Profile, sight: Sight, *, own_call: bool = True) -> Profile:
    """A profile as one sees it; `own_call`: it is shown for a call of his own."""
    if sight.personal:
        return whole
    fields = _each(whole.fields, _field)
    points = whole.contact_points if own_call else _each(whole.contact_points, _point)
    if fields is whole.fields and points is whole.contact_points:
        return whole
    return msgspec.structs.replace(whole, fields=fields, contact_points=points)


def business(record: BusinessRecord, sight: Sight) -> BusinessRecord:
    """A business record as one sees it."""
    if sight.floor or record.floor_price is None:
        return record
    return msgspec.structs.replace(record, floor_price=None)


def prices(whole: LanePrices, sight: Sight) -> LanePrices:
    """Prices of a lane as one sees them: the spread gives the floor price away."""
    if sight.floor:
        return whole
    periods = tuple(msgspec.structs.replace(period, spread=None) for period in whole.periods)
    return msgspec.structs.replace(whole, periods=periods)


def masked(value: str, kind: str = "text") -> str:
    """A value that only hints at what it is.

    >>> masked("13812345678", "phone"), masked("1985-05-21", "date"), masked("急性子")
    ('138****5678', '****-05-21', '••••')
    """
    digits = [place for place, char in enumerate(value) if char.isdigit()]
    if kind == "phone":
        if len(digits) < 7:
            return HIDDEN
        hide = set(digits[max(0, len(digits) - 8) : -4])
        return "".join("*" if place in hide else char for place, char in enumerate(value))
    if kind == "date" and len(value) == 10:
        return f"****{value[4:]}"
    return HIDDEN


def _field(one: Field) -> Field:
    # The name stands over the profile in any case: hiding it below would only keep it from being corrected.
    if not one.pii or one.show_in_pop or not one.value or one.key == "name":
        return one
    # Readonly: what stands in its place must never be saved over it.
    return msgspec.structs.replace(one, value=masked(one.value, one.kind), kind="text", readonly=True)


def _point(one: ContactPoint) -> ContactPoint:
    kind = "phone" if one.kind in ("phone", "qq", "whatsapp") else "text"
    return msgspec.structs.replace(one, value=masked(one.value, kind))


def _each(items: tuple[Any, ...], change: Callable[[Any], Any]) -> tuple[Any, ...]:
    changed: Iterable[Any] = tuple(change(item) for item in items)
    return items if all(new is old for new, old in zip(changed, items, strict=True)) else tuple(changed)


def is_masked(value: str) -> bool:
    """Whether a value is one that somebody could not read: it must not be saved.

    >>> is_masked("138****5678"), is_masked("13812345678")
    (True, False)
    """
    return "***" in value or HIDDEN in value
