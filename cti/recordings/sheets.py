"""Score sheets: what a form may be, what a sheet comes to, scores by agent (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from cti.wire.watching import AgentScores, Criterion, Form, Score

DEFAULT: Final = Form(
    version=0,
    title="通话质检",
    title_en="Call quality",
    criteria=(
        Criterion(key="greeting", label="问候与确认身份", label_en="Greeting and who is calling"),
        Criterion(
            key="need",
            label="听清需求（航线、箱型、船期）",
            label_en="The need (lane, container, schedule)",
            weight=2.0,
        ),
        Criterion(key="answer", label="答复准确", label_en="A right answer", weight=2.0),
        Criterion(key="manner", label="语气与耐心", label_en="Tone and patience"),
        Criterion(key="next", label="约定下一步", label_en="The next step is agreed"),
    ),
)
"The form of a site that has none of its own."
MOST_CRITERIA: Final = 40
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,29}\Z")


def fault(title: str, criteria: Sequence[Criterion]) -> tuple[str, str] | None:
    """Why this can be no form, in words; None where it can."""
    if not 0 < len(title.strip()) <= 80:
        return "标题应为 1 到 80 字", "The title has 1 to 80 characters"
    if not 0 < len(criteria) <= MOST_CRITERIA:
        return f"评分项应为 1 到 {MOST_CRITERIA} 条", f"There are 1 to {MOST_CRITERIA} criteria"
    if len({one.key for one in criteria}) < len(criteria) or not all(_KEY.match(one.key) for one in criteria):
        return "评分项的键不能重复，只用小写字母、数字、下划线", "Keys are unique: small letters, digits, underscores"
    for one in criteria:
        if not 0 < len(one.label.strip()) <= 80 or len(one.label_en) > 80:
            return "评分项名称应为 1 到 80 字", "A criterion's name has 1 to 80 characters"
        if not 1 <= one.max <= 10 or not 0.1 <= one.weight <= 10:
            return "满分 1 到 10，权重 0.1 到 10", "At most 1 to 10 points, a weight of 0.1 to 10"
    return None


def share(form: Form, points: Mapping[str, int]) -> float | None:
    """Weighted points of all that can be had, 0..1; None where the points do not fit the form."""
    if points.keys() != {one.key for one in form.criteria}:
        return None
    if any(not 0 <= points[one.key] <= one.max for one in form.criteria):
        return None
    best = sum(one.weight for one in form.criteria)
    return round(sum(one.weight * points[one.key] / one.max for one in form.criteria) / best, 4)


def by_agent(scores: Sequence[Score], forms: Mapping[int, Form]) -> list[AgentScores]:
    """Means over each agent's sheets, the whole and line by line; lines of the same key count together."""
    sheets: dict[str, list[Score]] = {}
    for score in scores:
        sheets.setdefault(score.agent, []).append(score)
    found = []
    for agent, some in sorted(sheets.items()):
        lines: dict[str, list[float]] = {}
        for score in some:
            most = {one.key: one.max for one in forms[score.form].criteria} if score.form in forms else {}
            for key, got in score.points.items():
                if key in most:
                    lines.setdefault(key, []).append(got / most[key])
        found.append(
            AgentScores(
                agent=agent,
                sheets=len(some),
                share=round(sum(score.share for score in some) / len(some), 4),
                criteria={key: round(sum(values) / len(values), 4) for key, values in lines.items()},
            )
        )
    return found
