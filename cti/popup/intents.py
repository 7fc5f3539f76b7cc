"""What stands at the head of a pop besides the caller: why he may be calling, and what to mind at once (pure).

Why he may be calling is decided by `crm_bridge.reasons`, each with its evidence; without evidence there is no hint.
What to mind are facts of the profile: he owes, or it is his birthday.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import Final

from crm_bridge.model import BusinessRecord, ChatMessage, Field, Note, Profile, Quote
from crm_bridge.reasons import reasons
from cti.wire import CallItem, Flag, Intent, clean_text

MOST: Final = 3
MAX_FLAG: Final = 40
"Characters of a fact at the head."
_NOTHING: Final = re.compile(r"[\s\-—/.,，。0¥$￥%元天日票笔days]*|无|没有|否|none|no|n/?a|null|false", re.IGNORECASE)
"What people and databases write for: he owes nothing."


def intents(
    now: float,
    zone: tzinfo | None,
    *,
    quotes: Sequence[Quote] = (),
    business: Sequence[BusinessRecord] = (),
    calls: Sequence[CallItem] = (),
    chats: Sequence[ChatMessage] = (),
    notes: Sequence[Note] = (),
) -> tuple[Intent, ...]:
    """Up to three hints, most pressing first. `now` and all times are epoch seconds, shown in `zone` (None: local)."""
    found = reasons(now, zone, quotes=quotes, business=business, calls=calls, chats=chats, notes=notes, most=MOST)
    return tuple(
        Intent(
            kind=reason.kind,
            today=reason.today,
            text=reason.text,
            text_en=reason.text_en,
            evidence=reason.evidence,
            evidence_en=reason.evidence_en,
        )
        for reason in found
    )


def call_notes(calls: Sequence[CallItem]) -> tuple[Note, ...]:
    """What agents wrote down in calls, as remarks made when the call was over."""
    return tuple(
        Note(
            id=call.id,
            at=call.at + (call.wait_s or 0.0) + (call.talk_s or 0.0),
            by=call.agent or "",
            text=call.note,
        )
        for call in calls
        if call.note
    )


def flags(now: float, zone: tzinfo | None, profile: Profile | None) -> tuple[Flag, ...]:
    """What an agent should mind before the first word: credit overdue, birthday today; () where nothing is known."""
    if profile is None:
        return ()
    found: list[Flag] = []
    told = {field.key: field for field in profile.fields if field.value}
    overdue = told.get("overdue")
    if overdue is not None and (owed := _owed(overdue)) is not None:
        found.append(Flag(kind="overdue", text=f"逾期{owed and ' ' + owed}", text_en=f"Overdue{owed and ' ' + owed}"))
    birthday = told.get("birthday")
    if birthday is not None and is_birthday(birthday.value, datetime.fromtimestamp(now, zone).date()):
        found.append(Flag(kind="birthday", text="今天生日", text_en="Birthday today"))
    return tuple(found)


def _owed(field: Field) -> str | None:
    """What is overdue in words, '' where it is only said that something is; None where nothing is."""
    if field.kind == "bool":
        return "" if field.value == "1" else None
    text = clean_text(field.value, MAX_FLAG)
    return None if _NOTHING.fullmatch(text) else text


def is_birthday(value: str, today: date) -> bool:
    """Whether a birthday as it is kept (YYYY-MM-DD or MM-DD) is today; 02-29 is kept on 02-28 where there is none.

    >>> is_birthday("1985-11-21", date(2026, 11, 21)), is_birthday("02-29", date(2027, 2, 28))
    (True, True)
    """
    hit = re.fullmatch(r"\s*(?:\d{4}[-/.])?(\d{1,2})[-/.](\d{1,2})(?:[ T].*)?", value[:40])
    if hit is None:
        return False
    month, day = int(hit[1]), int(hit[2])
    leap = today.year % 4 == 0 and (today.year % 100 != 0 or today.year % 400 == 0)
    if (month, day) == (2, 29) and not leap:
        day = 28
    return (month, day) == (today.month, today.day)
