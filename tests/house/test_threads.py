"""msgspec learns a type's fields when it first meets the type, and two threads at once bring the process down in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PLAIN: Final = {"Any", "bool", "bytes", "dict", "float", "int", "list", "str", "tuple"}
"Types without fields to learn."
ONE_THREAD: Final = {
    "cti/web/routes.py": "request bodies: on the loop",
    "cti/sms/forms.py": "push bodies: on the loop",
    "cti/web/api/sms.py": "a path's word: on the loop",
    "cti/settings/sms.py": "a file, read once before all else",
    "crm_bridge/mapped/mapping.py": "a file, read once by who opens the CRM",
    "crm_bridge/writeback/rules.py": "a file, read once by who opens the CRM",
    "crm_bridge/writeback/outbox.py": "what is to be delivered: by the one worker, one after the other",
    "crm_bridge/freight/charges.py": "a table, read at import",
}


def _first_meetings(source: str) -> Iterator[int]:
    """Lines that may be the first to show msgspec a type, at a time when other threads run."""
    tree = ast.parse(source)
    at_import = {
        id(node)
        for top in _unnested(tree)
        for node in ast.walk(top)
        if isinstance(node, ast.Call) and not isinstance(top, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).split("[")[0]
        if name.endswith(("json.decode", "msgpack.decode", "toml.decode", "yaml.decode")):
            shapes = [word.value for word in node.keywords if word.arg == "type"]
        elif name == "msgspec.convert":
            shapes = [*node.args[1:], *(word.value for word in node.keywords if word.arg == "type")]
        elif name.endswith("Decoder"):
            shapes = [] if id(node) in at_import else list(node.args)
        else:
            continue
        names = {one.id for shape in shapes for one in ast.walk(shape) if isinstance(one, ast.Name)}
        if names - PLAIN:
            yield node.lineno


def _unnested(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements run at import, and those of constructors, which run before the threads of what they make."""
    for top in tree.body:
        if isinstance(top, ast.ClassDef):
            for one in top.body:
                yield from one.body if isinstance(one, ast.FunctionDef) and one.name == "__init__" else [one]
        else:
            yield top


def test_types_are_made_known_to_msgspec_before_there_are_threads() -> None:
    """A Decoder made at import (or in a constructor) knows all its types; the rest is named above, with its reason."""
    found = [
        f"{path}:{line}"
        for folder in ("cti", "crm_bridge")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if (path := file.relative_to(ROOT).as_posix()) not in ONE_THREAD
        for line in _first_meetings(file.read_text("utf-8"))
    ]
    assert not found, "make a msgspec.json.Decoder at the top of the module: " + ", ".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "def f(raw): return msgspec.json.decode(raw, type=Doc)",
        "def f(raw): return msgspec.json.decode(raw, type=list[Doc])",
        "def f(raw): return msgspec.convert(raw, Doc)",
        "def f(raw): return msgspec.json.Decoder(Doc).decode(raw)",
        "class A:\n    def f(self, raw): return msgspec.json.Decoder(Doc).decode(raw)",
    ],
)
def test_a_type_met_late_is_found(line: str) -> None:
    """Each way in which the process once fell, or could."""
    assert list(_first_meetings(line))


@pytest.mark.parametrize(
    "line",
    [
        "_doc = msgspec.json.Decoder(Doc)\ndef f(raw): return _doc.decode(raw)",
        "def f(raw): return msgspec.json.decode(raw, type=list[str])",
        "def f(raw): return msgspec.json.decode(raw)",
        "class A:\n    def __init__(self, kind): self._kind = msgspec.json.Decoder(kind)",
    ],
)
def test_a_type_met_in_time_is_not(line: str) -> None:
    """What the rule asks for passes."""
    assert not list(_first_meetings(line))


def test_the_list_of_exceptions_names_files_that_need_it() -> None:
    """An exception that nothing needs would hide the next."""
    for path in ONE_THREAD:
        assert list(_first_meetings((ROOT / path).read_text("utf-8"))), path
