"""Reads the plain kind of YAML that the project's own files are written in, and refuses every other.

Mappings and lists by indentation, flow lists and mappings in one line, quoted and bare words, comments. No anchors, no
tags, no text over several lines: whoever needs them has made the file harder than it must be.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(r"([A-Za-z0-9_.-]+|\"[^\"]*\"):(?:\s+(.*))?\Z")


class PlainYamlError(ValueError):
    """The file is not plain, or not well-formed; the text says in which line."""


def read(text: str) -> Any:
    """What the file says: dicts, lists, and strings (numbers and booleans stay strings)."""
    lines: list[tuple[int, int, str]] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = _without_comment(raw).rstrip()
        if not line:
            continue
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise PlainYamlError(f"line {number}: a tab in the indentation")
        lines.append((number, len(line) - len(line.lstrip(" ")), line.strip()))
    value, rest = _block(lines, lines[0][1] if lines else 0)
    if rest:
        raise PlainYamlError(f"line {rest[0][0]}: the indentation fits nothing before it")
    return value


def _without_comment(line: str) -> str:
    quote = ""
    for place, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#" and (place == 0 or line[place - 1] == " "):
            return line[:place]
    return line


def _block(lines: list[tuple[int, int, str]], indent: int) -> tuple[Any, list[tuple[int, int, str]]]:
    if lines and lines[0][2].startswith("- "):
        return _list(lines, indent)
    found: dict[str, Any] = {}
    while lines and lines[0][1] == indent:
        number, _, line = lines[0]
        match = _KEY.match(line)
        if match is None:
            raise PlainYamlError(f"line {number}: neither a key nor an item")
        key = match[1].strip('"')
        if key in found:
            raise PlainYamlError(f"line {number}: {key} stands twice")
        lines = lines[1:]
        if match[2]:
            found[key] = _scalar(match[2], number)
        elif lines and (lines[0][1] > indent or (lines[0][1] == indent and lines[0][2].startswith("- "))):
            found[key], lines = _block(lines, lines[0][1])
        else:
            found[key] = None
    return found, lines


def _list(lines: list[tuple[int, int, str]], indent: int) -> tuple[list[Any], list[tuple[int, int, str]]]:
    found: list[Any] = []
    while lines and lines[0][1] == indent and lines[0][2].startswith("- "):
        number, _, line = lines[0]
        inner = line[2:].strip()
        if _KEY.match(inner):
            lines = [(number, indent + 2, inner), *lines[1:]]
            value, lines = _block(lines, indent + 2)
        else:
            value, lines = _scalar(inner, number), lines[1:]
        found.append(value)
    return found, lines


def _scalar(text: str, number: int) -> Any:
    if text[0] in "[{":
        return _flow(text, number)
    if text[0] == "'":
        if len(text) < 2 or text[-1] != "'" or "'" in text[1:-1]:
            raise PlainYamlError(f"line {number}: a quote is not closed")
        return text[1:-1]
    if text[0] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            raise PlainYamlError(f"line {number}: a quote is not closed") from None
    if text[0] in "&*!|>%@`" or ": " in text:
        raise PlainYamlError(f"line {number}: not plain")
    return text


def _flow(text: str, number: int) -> Any:
    # Quoted parts stay as they are; bare words get quotes, and then it is JSON.
    quoted = re.sub(r"\"(?:[^\"\\]|\\.)*\"|[^\s\[\]{},:\"][^\[\]{},\"]*?(?=\s*(?:[,\]}]|:\s))", _quoted, text)
    try:
        return json.loads(quoted)
    except ValueError:
        raise PlainYamlError(f"line {number}: {text}") from None


def _quoted(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else json.dumps(match[0].strip(), ensure_ascii=False)
