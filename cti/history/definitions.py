"""What every number means, made from what computes it: name, words, formula, and a worked example (pure)."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from cti.board.metrics import VARIANTS, Counts, Variant, count, level_event, level_now, service_level
from cti.history.figures import FIGURES

VARIANT_TEXTS: Final[dict[Variant, tuple[str, str, str]]] = {
    "V1": ("仅看接起", "answered only", "A_T / A"),
    "V2": ("放弃计入", "offered, abandons hurt", "A_T / (A + B)"),
    "V2b": ("放弃与其他离开计入", "abandons and outflow hurt", "A_T / (A + B + O)"),
    "V3": ("目标内放弃不计", "abandons within T ignored", "A_T / (A + B − B_T)"),
    "V4": ("目标内放弃算达标", "abandons within T good", "(A_T + B_T) / (A + B)"),
    "V5": ("短放弃不计", "short abandons removed", "A_T / (A + B − B_s)"),
    "V6": ("短放弃算达标", "short abandons good", "(A_T + B_s) / (A + B)"),
    "V7": ("放弃都不计，其他离开计入", "abandons removed, outflow kept", "A_T / (A + O)"),
    "V8": ("目标内离开队列", "out of the queue within T", "(A_T + B_T + C_T) / (A + B + O + C)"),
}

WORKED: Final[tuple[tuple[str, float | None], ...]] = (
    *(("answered", w) for w in (0.4, 12.999, 13.0, 13.001, 13.9, 40.0)),
    *(("abandoned", w) for w in (2.0, 5.0, 5.001, 13.0, 30.0)),
    ("timeout", 60.0),
    ("key", 8.0),
    ("empty", 3.0),
    ("withdrawn", 20.0),
    ("callback", 12.0),
    ("callback", 50.0),
)
"The worked example: T = 13 s, s = 5 s."

LIVE_TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "live_now": ("此刻在等的", "those who wait right now", "1 − W_T / W"),
    "live_event": ("放弃计入，超时在等的先计入", "V2, the late who still wait counted already", "A_T / (A + B + W_T)"),
}
"The two of this moment: W wait, W_T of them past the target."
WORKED_LIVE: Final = (4, 1)
"The worked example's W and W_T."


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What a number means."""

    name: str
    label: str
    label_en: str
    formula: str
    unit: str
    kind: Literal["level", "live", "figure"] = "figure"
    "A service level of an interval, of this moment, or another figure."
    example: float | None = None
    "Its value in the worked example, service levels only."
    working: str = ""
    "How that comes: the formula with the example's counts."


def worked_counts() -> Counts:
    """The worked example's counts."""
    total = Counts()
    for outcome, wait_s in WORKED:
        total = total.plus(count(outcome, wait_s, target_s=13.0, short_s=5.0))
    return total


def definitions() -> list[Definition]:
    """Of all numbers, the service levels first."""
    total = worked_counts()
    values: dict[str, float | None] = {name: service_level(total, name) for name in VARIANTS}
    values |= {"live_now": level_now(*WORKED_LIVE), "live_event": level_event(total, WORKED_LIVE[1])}
    levels = [
        Definition(
            name=name,
            label=texts[0],
            label_en=texts[1],
            formula=texts[2],
            unit="share",
            kind="live" if name in LIVE_TEXTS else "level",
            example=_rounded(values[name]),
            working=_working(texts[2], total, values[name]),
        )
        for name, texts in (*VARIANT_TEXTS.items(), *LIVE_TEXTS.items())
    ]
    return levels + [
        Definition(name=f.name, label=f.label, label_en=f.label_en, formula=f.formula, unit=f.unit) for f in FIGURES
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _working(formula: str, c: Counts, value: float | None) -> str:
    """The formula with the example's counts in place of the symbols, and what it comes to."""
    waiting, over = WORKED_LIVE
    symbols = {
        "A_T": c.answered_in_target,
        "B_T": c.abandoned_in_target,
        "B_s": c.abandoned_short,
        "C_T": c.callback_in_target,
        "W_T": over,
        "A": c.answered,
        "B": c.abandoned,
        "C": c.callback,
        "O": c.outflow,
        "W": waiting,
    }
    filled = re.sub(r"[ABCOW](?:_[Ts])?", lambda found: str(symbols[found[0]]), formula)
    return f"{filled} = {'–' if value is None else f'{value * 100:.2f} %'}"
