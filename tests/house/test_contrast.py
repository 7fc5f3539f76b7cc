"""The colours of the pages: every pair in use is readable in both themes (WCAG 2 contrast)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path("cti/web/static/css/tokens.css")
TEXT_FLOOR, MARK_FLOOR = 4.5, 3.0
STATES = ("idle", "ringing", "busy", "wrap", "paused", "offline")
STEPS = ("calm", "warn", "hot")
SURFACES = ("surface", "bg", "hover", "selected")

TEXT = [
    *(("ink", ground) for ground in SURFACES),
    *(("ink-2", ground) for ground in ("surface", "bg", "hover", "sunken", "warn-soft", "k-over-soft")),
    *(("ink-3", ground) for ground in (*SURFACES, "sunken")),
    *(("accent", ground) for ground in ("surface", "selected", "accent-soft")),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("surface", "ink"),
    ("surface", "bad"),
    ("surface", "warn"),
    *((meaning, ground) for meaning in ("good", "warn", "bad") for ground in ("surface", f"{meaning}-soft")),
    ("info", "info-soft"),
    ("ink", "warn-soft"),
    ("ink", "st-ringing-soft"),
    *((f"st-{state}", ground) for state in STATES for ground in ("surface", f"st-{state}-soft")),
    *(("ink-2", f"st-{state}-soft") for state in ("idle", "ringing", "wrap", "paused")),
    *((f"k-{step}", "surface") for step in STEPS),
    ("on-over", "k-over-solid"),
    ("ink", "k-over-soft"),
    ("k-over", "st-busy-soft"),
    *((f"h{step}-ink", f"h{step}") for step in range(1, 6)),
]
"(text, ground) as the style sheets pair them."
MARKS = [
    ("focus", "surface"),
    ("focus", "bg"),
    ("line-ctl", "surface"),
    ("ch-line", "surface"),
    ("ch-low", "surface"),
    ("ch-late", "surface"),
    ("bad-solid", "surface"),
    ("k-hot-solid", "k-track"),
    ("k-over-solid", "k-track"),
    *((f"st-{state}-solid", "surface") for state in STATES if state != "paused"),
]
"""(mark, ground). Below the floor on purpose, each with a word beside it: calm and warn segments on their track, the
paused edge, disabled ink."""


def themes() -> dict[str, dict[str, str]]:
    """{theme: {token: colour}}; the dark one falls back on the light one."""
    light, dark = TOKENS.read_text(encoding="utf-8").split(':root[data-theme="dark"]')
    read = [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{6});", part)) for part in (light, dark)]
    return {"light": read[0], "dark": {**read[0], **read[1]}}


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_marks_stand_out_from_their_ground(theme: str) -> None:
    """Text reaches 4.5 and marks 3.0 on every ground they stand on."""
    colours = themes()[theme]
    wanted = [(a, b, TEXT_FLOOR) for a, b in TEXT] + [(a, b, MARK_FLOOR) for a, b in MARKS]
    weak = {f"{a} on {b}": round(c, 2) for a, b, floor in wanted if (c := contrast(colours[a], colours[b])) < floor}
    assert weak == {}


@pytest.mark.parametrize(("theme", "darker"), [("light", True), ("dark", False)])
def test_steps_of_the_countdown_are_told_apart_without_hue(theme: str, darker: bool) -> None:
    """From calm to over the segments grow steadily darker (in the dark theme lighter): order survives grey."""
    levels = [luminance(themes()[theme][f"k-{step}-solid"]) for step in (*STEPS, "over")]
    assert levels == sorted(levels, reverse=darker)
    assert len(set(levels)) == len(levels)


def test_style_sheets_name_roles_never_colours() -> None:
    """Colours are written down in tokens.css and nowhere else."""
    for sheet in TOKENS.parent.glob("*.css"):
        if sheet != TOKENS:
            assert re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"^#[\w-]+.*{", "", sheet.read_text(), flags=re.M)) == []
            used = set(
                re.findall(
                    r"var\(--((?:ink|bg|surface|accent|good|warn|bad|info|st|k|ch|line)[\w-]*)\)", sheet.read_text()
                )
            )
            known = set(themes()["light"]) | set(re.findall(r"--([\w-]+):", sheet.read_text()))
            assert used <= known, sheet.name
