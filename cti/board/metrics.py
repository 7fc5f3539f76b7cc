"""What "answered within 13 seconds" means: every service-level variant by name, and the counts that they are made of.

A wait is compared in whole milliseconds and exactly the target is still in time. An empty denominator is "no data"
(None), never 0 or 100 %. Formulas and who uses which: docs/topics/the-13-seconds.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

Variant = Literal["V1", "V2", "V2b", "V3", "V4", "V5", "V6", "V7", "V8"]
VARIANTS: Final[tuple[Variant, ...]] = get_args(Variant)
DEFAULT_VARIANT: Final[Variant] = "V2"

OUTFLOW: Final = frozenset({"timeout", "key", "empty", "withdrawn", "redirected"})
"Left the queue otherwise than by an answer or a hang-up."
ASIDE: Final = frozenset({"pbx_restart", "unknown", "refused"})
"Outside every denominator; shown apart with a mark."


def to_ms(seconds: float) -> int:
    """Whole milliseconds, the unit in which waits are compared and added."""
    return round(seconds * 1000)


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many waits ended how. T is the target, s the short-abandon limit."""

    answered: int = 0
    "A"
    answered_in_target: int = 0
    "A_T: answered with wait <= T"
    abandoned: int = 0
    "B: the caller hung up while waiting"
    abandoned_in_target: int = 0
    "B_T"
    abandoned_short: int = 0
    "B_s: with wait <= s"
    outflow: int = 0
    "O"
    callback: int = 0
    "C: asked to be called back"
    callback_in_target: int = 0
    "C_T"
    aside: int = 0
    "In no denominator."
    waiting: int = 0
    "Not decided yet."
    answered_wait_ms: int = 0
    "Sum of the waits of the answered."

    def plus(self, other: Counts, sign: int = 1) -> Counts:
        """Sum, or with `sign` -1 the difference, field by field."""
        return Counts(**{f: getattr(self, f) + sign * getattr(other, f) for f in Counts.__struct_fields__})


def count(outcome: str, wait_s: float | None, *, target_s: float, short_s: float = 5.0) -> Counts:
    """The counts of one wait. `outcome` is an events.Outcome, or waiting, callback or refused; seconds throughout.

    An answer, a hang-up or a call-back request whose wait is not known cannot be judged and stands aside.
    """
    if outcome == "waiting":
        return Counts(waiting=1)
    if outcome in OUTFLOW:
        return Counts(outflow=1)
    if wait_s is None or outcome not in ("answered", "abandoned", "callback"):
        return Counts(aside=1)
    wait = to_ms(wait_s)
    in_target = int(wait <= to_ms(target_s))
    if outcome == "answered":
        return Counts(answered=1, answered_in_target=in_target, answered_wait_ms=wait)
    if outcome == "abandoned":
        return Counts(abandoned=1, abandoned_in_target=in_target, abandoned_short=int(wait <= to_ms(short_s)))
    return Counts(callback=1, callback_in_target=in_target)


def service_level(c: Counts, variant: Variant = DEFAULT_VARIANT) -> float | None:
    """Share 0..1 by the named variant, None where there is no data."""
    t, a, b, o = c.answered_in_target, c.answered, c.abandoned, c.outflow
    match variant:
        case "V1":  # answered only
            return _share(t, a)
        case "V2":  # abandons hurt
            return _share(t, a + b)
        case "V2b":  # abandons and outflow hurt
            return _share(t, a + b + o)
        case "V3":  # abandons within the target ignored
            return _share(t, a + b - c.abandoned_in_target)
        case "V4":  # abandons within the target good
            return _share(t + c.abandoned_in_target, a + b)
        case "V5":  # short abandons removed
            return _share(t, a + b - c.abandoned_short)
        case "V6":  # short abandons good
            return _share(t + c.abandoned_short, a + b)
        case "V7":  # all abandons removed, outflow kept
            return _share(t, a + o)
        case "V8":  # out of the queue within the target, however
            return _share(t + c.abandoned_in_target + c.callback_in_target, a + b + o + c.callback)


def level_now(waiting: int, over: int) -> float | None:
    """Live "right now": the share of those who wait that are not past the target (1 - W_T/W), None if nobody waits."""
    return _share(waiting - over, waiting)


def level_event(c: Counts, over: int) -> float | None:
    """Live "SL event": V2 in which a caller who waits past the target stands in the denominator already."""
    return _share(c.answered_in_target, c.answered + c.abandoned + over)


def _share(good: int, base: int) -> float | None:
    return good / base if base > 0 else None


def percentages(
    waits: Iterable[tuple[str, float | None]], *, target_s: float, short_s: float = 5.0
) -> dict[Variant, float | None]:
    """Every variant in per cent with four decimals, from (outcome, wait in seconds) pairs."""
    total = Counts()
    for outcome, wait_s in waits:
        total = total.plus(count(outcome, wait_s, target_s=target_s, short_s=short_s))
    shares = {variant: service_level(total, variant) for variant in VARIANTS}
    return {variant: None if share is None else round(share * 100, 4) for variant, share in shares.items()}


def average_speed_of_answer(c: Counts) -> float | None:
    """Mean wait of the answered in seconds (arithmetic, not Asterisk's running average), None without an answer."""
    return c.answered_wait_ms / 1000 / c.answered if c.answered else None
