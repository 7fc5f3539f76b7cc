"""Writes docs/reference/events.md from the docstrings of cti/events.py (run it after changing an event)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/reference/events.md"
_HEAD = """# Events

What happened on the phones, in the past tense. The core tells these, `cti replay FILE --events` prints them as JSON
objects, one a line, with the name in `event`. Every event has `at` (epoch seconds on the PBX's clock) and `pbx` (its
configured name). Call, visit and ring keys are opaque and do not change when a call is transferred. `null` means not
known or withheld. Written by `scripts/write_events_reference.py`.

"""


def _fields(node: ast.ClassDef) -> list[str]:
    rows = []
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            kind = ast.unparse(statement.annotation).replace("|", "\\|")
            said = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                said = " ".join(str(following.value.value).split())
            rows.append(f"| `{statement.target.id}` | `{kind}` | {said} |")
    return rows


def reference() -> str:
    """The page's text."""
    tree = ast.parse((ROOT / "cti/events.py").read_text())
    parts = [_HEAD, "## Words\n"]
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and "Literal[" in ast.unparse(node.value)
        ):
            words = [str(word.value) for word in ast.walk(node.value) if isinstance(word, ast.Constant)]
            parts.append(f"- `{node.targets[0].id}`: " + ", ".join(f"`{word}`" for word in words) + "\n")
    parts.append("\n")
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or node.name == "Event":
            continue
        rows = _fields(node)
        parts.append(f"## {node.name}\n{ast.get_docstring(node)}\n\n")
        if rows:
            parts.append("| field | type | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n\n")
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(reference())
    sys.stdout.write(f"{TARGET.relative_to(ROOT)} written\n")
