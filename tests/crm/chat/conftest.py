"""Reading files of the corpus."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from crm_bridge.chat.message import Message, Options, Tally
from crm_bridge.chat.reading import read_file

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Chat:
    """Files of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tally = Tally()

    def write(self, content: object, name: str) -> Path:
        """A file of bytes, of text, or of a JSON document."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
        return path

    def read(self, content: object, name: str = "chat.txt", **options: Any) -> list[Message]:
        """The messages of a file; times are those of Shanghai unless `zone` says otherwise."""
        path = self.write(content, name)
        return list(read_file(path, Options(**{"zone": SHANGHAI, **options}), self.tally))


@pytest.fixture
def chat(tmp_path: Path) -> Chat:
    """Writes chat files and reads them."""
    return Chat(tmp_path)


@pytest.fixture
def facts() -> Callable[[Message], tuple[Any, ...]]:
    """(sender, id, direction, kind, text) of a message."""

    def of(message: Message) -> tuple[Any, ...]:
        known = msgspec.structs.asdict(message)
        return tuple(known[name] for name in ("sender", "sender_id", "direction", "kind", "text"))

    return of
