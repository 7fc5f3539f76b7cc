"""`cti crm chat FILE`, the contract others rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.crm.chat import corpus
from tests.crm.chat.conftest import Chat

KEYS = ["at", "peer", "sender", "sender_id", "direction", "kind", "text"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The program as it is called."""
    command = [sys.executable, "-m", "cti", "crm", "chat", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_messages_are_printed_as_json_lines(chat: Chat) -> None:
    """One object a line with the seven keys, the time with its zone."""
    done = run(chat.write(corpus.qq(corpus.PAIR, corpus.GROUP), "全部消息记录.txt"))
    assert done.returncode == 0
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(one) for one in printed] == [KEYS] * 15
    assert printed[0] == {
        "at": "2019-07-16T09:05:03+08:00",
        "peer": "周敏-屿衡",
        "sender": "周敏-屿衡",
        "sender_id": None,
        "direction": "in",
        "kind": "text",
        "text": "早，宁波到汉堡现在什么价？\n\n40HQ 两个",
    }
    assert printed[7]["sender_id"] == "23333233"
    assert "--ours" in done.stderr, "that directions are a guess is said"


def test_accounts_of_ours_are_named_or_found(chat: Chat) -> None:
    """--who ranks who may be ours, --ours makes the directions certain."""
    other = corpus.section("我的好友", "王五") + "\n2019-07-16 9:05:03 林夕\n在\n"
    path = chat.write(corpus.qq(corpus.PAIR, other), "a.txt")
    assert json.loads(run(path, "--who").stdout.splitlines()[0]) == {
        "sender": "林夕",
        "sender_id": None,
        "conversations": 2,
        "messages": 4,
    }
    done = run(path, "--ours", "林夕")
    assert done.stderr == ""
    assert [json.loads(line)["direction"] for line in done.stdout.splitlines()] == [
        "in", "out", "out", "out", "in", "in", "out",
    ]  # fmt: skip


def test_nothing_is_stored(chat: Chat) -> None:
    """The command leaves no file behind."""
    path = chat.write(corpus.MHT, "a.mht")
    before = sorted(chat.folder.rglob("*"))
    assert len(run(path, "--zone", "UTC").stdout.splitlines()) == 5
    assert sorted(chat.folder.rglob("*")) == before


def test_what_cannot_be_read_is_said(chat: Chat) -> None:
    """An unknown or missing file ends with code 2 and a sentence in both languages."""
    for path in (chat.write(b"PK\x03\x04zip", "a.zip"), chat.folder / "missing.txt"):
        done = run(path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert " / " in done.stderr
        assert "Traceback" not in done.stderr
