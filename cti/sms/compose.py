"""From what somebody wrote, or a rule wants said, to a wish for the outbox, or to the reasons why not (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from crm_bridge.numbers import Number
from cti.sms.platform import Purpose
from cti.sms.text import Measured, faults, has_way_out, measure, render
from cti.sms.wishes import Origin, Wish

MAX_TYPED: Final = 1000
"Characters that are looked at at all."


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A platform as far as composing needs to know it."""

    name: str
    needs_code: bool
    price: float | None = None


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """A template, or a text of one's own (then without an id)."""

    id: str = ""
    text: str
    purpose: Purpose = "service"
    codes: Mapping[str, str] = {}
    enabled: bool = True


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """A message that may go, or why it may not: `problems` are keys of `policy.WORDS`."""

    measured: Measured
    problems: tuple[str, ...]
    missing: tuple[str, ...]
    values: dict[str, str]
    text: str
    platforms: tuple[str, ...]
    cost: float | None
    domestic: bool
    key: str

    def wish(
        self,
        *,
        id: str,
        intent: str,
        wording: Wording,
        signature: str,
        origin: Origin,
        now: float,
        due_at: float,
        expires_s: float,
        by: str = "",
        login: str = "",
        call: str | None = None,
        party: str | None = None,
    ) -> Wish:
        """The wish of it."""
        return Wish(
            id=id,
            intent=intent,
            number=self.key,
            key=self.key,
            text=self.text,
            signature=signature,
            purpose=wording.purpose,
            template=wording.id,
            codes=dict(wording.codes),
            values=self.values,
            platforms=self.platforms,
            by=by,
            login=login,
            origin=origin,
            call=call,
            party=party,
            segments=self.measured.segments,
            cost=self.cost,
            created_at=now,
            due_at=due_at,
            expires_at=due_at + expires_s,
        )


def takes_messages(number: Number) -> bool:
    """Mobile phones do, and numbers abroad may."""
    return number.key is not None and number.key.startswith("+") and number.cls in ("mobile", "international")


def is_domestic(number: Number) -> bool:
    """Mainland China: its own rules for signatures and lengths."""
    return (number.key or "").startswith("+86")


def channels_for(
    number: Number, home: Sequence[Channel], abroad: Sequence[Channel], wording: Wording | None = None
) -> tuple[Channel, ...]:
    """Platforms that can carry this wording to this number, in their order."""
    listed = home if is_domestic(number) else abroad
    if wording is None:
        return tuple(listed)
    return tuple(one for one in listed if not one.needs_code or wording.codes.get(one.name))


def compose(
    number: Number,
    wording: Wording,
    values: Mapping[str, str],
    *,
    signature: str,
    home: Sequence[Channel],
    abroad: Sequence[Channel],
) -> Composed:
    """Put a message together."""
    domestic = is_domestic(number)
    written = wording.text[:MAX_TYPED]
    text, used, missing = render(written, values) if wording.id else (written.strip(), {}, ())
    measured = measure(text, signature, domestic=domestic)
    channels = channels_for(number, home, abroad, wording)
    problems = list(faults(text, domestic=domestic))
    if not takes_messages(number):
        problems.append("not_mobile")
    if missing:
        problems.append("missing")
    if wording.id and not wording.enabled:
        problems.append("no_template")
    if wording.purpose == "marketing" and not has_way_out(text):
        problems.append("no_way_out")
    if not channels:
        coded = not wording.id and bool(channels_for(number, home, abroad))
        problems.append("needs_template" if coded else "no_platform")
    price = channels[0].price if channels else None
    return Composed(
        measured=measured,
        problems=tuple(problems),
        missing=missing,
        values=used,
        text=text,
        platforms=tuple(one.name for one in channels),
        cost=None if price is None else round(price * measured.segments, 4),
        domestic=domestic,
        key=number.key or "",
    )
