"""mht, JSON exports, WeCom's archive, MSN's log and tables, as their programs write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.crm.chat import corpus
from tests.crm.chat.conftest import SHANGHAI, Chat


@pytest.mark.parametrize("transfer", ["7bit", "base64", "quoted-printable"])
def test_mht_rows_are_messages(chat: Chat, facts: Any, transfer: str) -> None:
    """The day stands in a row of its own, colours tell whose a message is, pictures are a word."""
    whole = corpus.MHT if transfer == "7bit" else None
    if whole is None:
        page = corpus.MHT.split(b"cellspacing=0>", 1)[1].split(b"</table>", 1)[0].decode()
        whole = corpus.mht(page, transfer=transfer)
    read = chat.read(whole, "chat.mht")
    assert [facts(m) for m in read] == [
        ("周敏", None, "in", "text", "价格 <1850> 行吗\n急[图片]"),
        ("林夕", None, "out", "text", "行"),
        ("周敏", None, "in", "image", "[图片][图片]"),
        ("大魔头", "demo@example.com", "in", "text", "有舱"),
        ("519870018", "519870018", "in", "text", "好"),
    ]
    assert [m.peer for m in read] == ["周敏"] * 3 + ["华东货代"] * 2
    times = [datetime.fromtimestamp(m.at, SHANGHAI).strftime("%m-%d %H:%M") for m in read]
    assert times == ["07-16 09:05", "07-16 09:06", "07-17 13:02", "07-18 12:28", "07-18 12:34"]
    assert not any(m.guessed for m in read)


def test_mht_in_gb18030(chat: Chat) -> None:
    """A page in another encoding than it declares is read as what it is."""
    rows = (
        corpus.row("消息对象:周敏")
        + corpus.row("日期: 2019-07-16")
        + corpus.said("周敏", "9:05:03", corpus.font("报价"))
    )
    assert [m.text for m in chat.read(corpus.mht(rows, charset="gb18030"), "a.mht")] == ["报价"]


def test_qq_chat_exporter(chat: Chat, facts: Any) -> None:
    """The file says which account is ours; elements tell the kind; a sender may have a uid only."""
    read = chat.read(corpus.EXPORTER, "friend.json")
    assert [facts(m) for m in read] == [
        ("周敏", "88880001", "in", "text", '引号 " 和 } 和 \\ 都在'),
        ("林夕", "40010001", "out", "image", "[图片]"),
        ("周敏", "u_peer", "in", "system", ""),
    ]
    assert {(m.peer, m.peer_id, m.native_id[:1]) for m in read} == {("周敏", "88880001", "7")}
    assert datetime.fromtimestamp(read[0].at, SHANGHAI).isoformat() == "2025-01-01T10:15:15+08:00"


def test_qq_chat_exporter_with_its_head_at_the_end(chat: Chat, facts: Any) -> None:
    """Version 4 has ISO times and cards in the raw message; the head may stand behind the messages."""
    (message,) = chat.read(corpus.EXPORTER_4, "group.json")
    assert facts(message) == ("群名片", "23333233", "in", "text", "群里说")
    assert (message.peer, message.group) == ("华东货代", True)
    assert message.at == datetime(2025, 1, 1, 2, 15, 15, tzinfo=UTC).timestamp()


def test_qq_chat_exporter_in_pieces(chat: Chat) -> None:
    """JSON lines in a folder take the head from the manifest beside them."""
    head = {key: value for key, value in corpus.EXPORTER.items() if key != "messages"}
    chat.write(head, "export/manifest.json")
    lines = "\n".join(json.dumps(m, ensure_ascii=False) for m in corpus.EXPORTER["messages"])
    read = chat.read(lines + "\n", "export/chunks/chunk_0001.jsonl")
    assert [m.direction for m in read] == ["in", "out", "in"]
    assert {m.peer_id for m in read} == {"88880001"}


def test_qqnt_export(chat: Chat, facts: Any) -> None:
    """A conversation is named by its file; groups name the sender; quotations are marked."""
    read = chat.read(corpus.QQNT_PAIR, "88880001.json")
    assert [facts(m) for m in read] == [
        ("88880001", "88880001", "in", "text", "在吗\n[表情] 微笑-14"),
        ("", None, "out", "image", "[图片] a.png 12.00KiB"),
        ("88880001", "88880001", "in", "text", "[回复] 在吗\n在"),
        ("88880001", "88880001", "in", "text", ""),
    ]
    group = chat.read(corpus.QQNT_GROUP, "华东货代.json")
    assert [facts(m) for m in group] == [
        ("老陈", "87200175", "in", "text", "[回复] 前面说的\n是这样"),
        ("", None, "in", "system", "[提示] 某人 加入本群"),
    ]
    assert {(m.peer, m.group) for m in group} == {("华东货代", True)}


@pytest.mark.parametrize("lines", [False, True])
def test_chatlab(chat: Chat, facts: Any, lines: bool) -> None:
    """Document and lines read the same; ownerId is ours."""
    content: object = corpus.CHATLAB
    if lines:
        parts = [{"_type": "header", "chatlab": corpus.CHATLAB["chatlab"], "meta": corpus.CHATLAB["meta"]}]
        parts += [{"_type": "member", **one} for one in corpus.CHATLAB["members"]]
        parts += [{"_type": "message", **one} for one in corpus.CHATLAB["messages"]]
        content = "# a remark\n" + "\n".join(json.dumps(part, ensure_ascii=False) for part in parts) + "\nbroken {\n"
    read = chat.read(content, "chatlab.jsonl" if lines else "chatlab.json")
    assert [facts(m) for m in read] == [
        ("周敏", "88880001", "in", "text", "在吗？"),
        ("林夕", "40010001", "out", "image", "[图片]"),
        ("周敏", "88880001", "in", "system", "撤回"),
        ("周敏", "88880001", "in", "text", "报价单收到"),
    ]
    assert {(m.peer, m.peer_id, m.channel) for m in read} == {("周敏", "88880001", "qq")}
    assert chat.tally.odd == int(lines)


@pytest.mark.parametrize("form", ["list", "lines", "chatdata"])
def test_wecom_archive(chat: Chat, facts: Any, form: str) -> None:
    """Outside contacts come in, staff go out; times are milliseconds, also as text; a switch is no message."""
    content: object = corpus.WECOM
    if form == "lines":
        content = "\n".join(json.dumps(m) for m in corpus.WECOM)
    elif form == "chatdata":
        content = {"errcode": 0, "chatdata": corpus.WECOM}
    read = chat.read(content, "archive.json")
    assert [facts(m) for m in read] == [
        ("wmAAAA", "wmAAAA", "in", "text", "有舱吗"),
        ("lin", "lin", "out", "file", "[文件] 报价.xls"),
        ("lin", "lin", "out", "system", "撤回了一条消息"),
        ("lin", "lin", "out", "text", "看图\n[图片]"),
    ]
    assert [m.peer_id for m in read] == ["wmAAAA"] * 3 + ["wrROOM"]
    assert [m.group for m in read] == [False] * 3 + [True]


def test_msn(chat: Chat, facts: Any) -> None:
    """UTC where it is told, else the local date whichever way round; a file's path stays out."""
    read = chat.read(corpus.MSN, "zhoumin1234567890.xml", ours=frozenset({"林夕"}))
    assert [facts(m) for m in read] == [
        ("周敏 & Co", None, "in", "text", "运费 <1850>"),
        ("林夕", None, "out", "text", "好"),
        ("周敏 & Co", None, "in", "file", "[文件] 报价.xls"),
        ("周敏 & Co", None, "in", "system", "left"),
    ]
    assert {(m.peer, m.channel) for m in read} == {("zhoumin", "msn")}
    assert read[0].at == datetime(2010, 9, 17, 1, 45, 43, 93000, tzinfo=UTC).timestamp()
    assert read[1].at == datetime(2005, 7, 15, 14, 47, 7, tzinfo=SHANGHAI).timestamp()


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_tables(chat: Chat, facts: Any, delimiter: str) -> None:
    """Columns are found by their names; a line without a time is left out and counted."""
    text = corpus.CSV if delimiter == "," else corpus.CSV.replace("汉堡,40", "汉堡，40").replace(",", delimiter)
    read = chat.read(text, "wangwang.csv", channel="wangwang")
    assert [facts(m)[:4] for m in read] == [("周敏", None, "in", "text"), ("林夕", None, "out", "image")]
    assert read[0].text.endswith("40HQ\n两个")
    assert {(m.peer, m.peer_id, m.channel) for m in read} == {("周敏", "yuheng_zm", "wangwang")}
    assert chat.tally.odd == 1


def test_a_site_names_columns_of_its_own(chat: Chat) -> None:
    """A table with unknown names is read by the names given."""
    from crm_bridge.chat.message import Options, Tally
    from crm_bridge.chat.reading import read_file

    path = chat.write("何时,谁说,说了\n2025-01-01 10:00:00,周敏,在\n", "x.csv")
    options = Options(zone=SHANGHAI, columns={"at": "何时", "text": "说了", "sender": "谁说"})
    assert [m.sender for m in read_file(path, options, Tally(), "csv")] == ["周敏"]
