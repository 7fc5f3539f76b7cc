"""QQ's text export: each edge of the format, as the program writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import pytest

from crm_bridge.chat.message import Message
from tests.crm.chat import corpus
from tests.crm.chat.conftest import SHANGHAI, Chat


def clock(message: Message) -> str:
    """The time in Shanghai."""
    return datetime.fromtimestamp(message.at, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def test_a_conversation_of_two_is_known_by_its_remark_name(chat: Chat, facts: Any) -> None:
    """Nicks without numbers: the peer is 消息对象, whoever is not the peer is we, and it is told as a guess."""
    read = chat.read(corpus.qq(corpus.PAIR))
    assert [facts(m) for m in read] == [
        ("周敏-屿衡", None, "in", "text", "早，宁波到汉堡现在什么价？\n\n40HQ 两个"),
        ("林夕", None, "out", "text", "稍等"),
        ("林夕", None, "out", "image", "[图片]"),
        ("林夕", None, "out", "image", "[图片]"),
        ("周敏-屿衡", None, "in", "text", "他们昨天这么说的：\n2019-07-15 18:00:00 王五(22334455)\n1850 全包"),
        ("周敏-屿衡", None, "in", "file", "[文件] FileRef:报价单.xls"),
    ]
    assert {m.peer for m in read} == {"周敏-屿衡"}
    assert not any(m.group for m in read)
    assert all(m.guessed for m in read)
    assert clock(read[0]) == "2019-07-16 09:05:03", "an hour without a leading zero"


def test_a_group_shows_titles_nicks_and_numbers(chat: Chat, facts: Any) -> None:
    """Titles are taken off, the id stands in the last brackets, whatever the nick holds."""
    read = chat.read(corpus.qq(corpus.GROUP))
    assert [facts(m) for m in read] == [
        ("此消彼长", "qq_g@163.com", "in", "text", "内贸有船吗"),
        ("地瓜", "23333233", "in", "text", "有"),
        ("老陈(a)<b>(c)", "87200175", "in", "text", "多层括号"),
        ("519870018", "519870018", "in", "text", "昵称就是号码"),
        ("", "61234567", "in", "text", "没有昵称"),
        ("نص عربي 🚢👨‍👩‍👧", "71234567", "in", "text", "怪名字"),
        ("系统消息", "10000", "in", "system", "地瓜撤回了一条消息"),
        ("系统消息", "1000000", "in", "system", "新人入群"),
        ("红薯", "23333233", "in", "text", "改过名了"),
    ]
    assert {m.peer for m in read} == {"华东货代（50）"}
    assert all(m.group for m in read)


def test_twelve_hours_and_slashes(chat: Chat) -> None:
    """AM, PM, 上午, 下午 and Windows' other ways to write a date; PM behind 20 o'clock begins a nick."""
    read = chat.read(corpus.qq(corpus.TWELVE))
    assert [clock(m) for m in read] == [
        "2019-09-23 20:43:38",
        "2019-09-23 00:00:01",
        "2019-09-23 12:00:02",
        "2019-09-03 20:43:38",
        "2019-09-23 20:43:38",
    ]
    assert read[-1].sender == "PM小王"


def test_one_file_of_many_objects(chat: Chat) -> None:
    """全部消息记录: the lines that switch the object end the message before them and leak into none."""
    read = chat.read(corpus.qq(corpus.PAIR, corpus.GROUP, corpus.TWELVE, corpus.section("陌生人", "过客")))
    assert [m.peer for m in read] == ["周敏-屿衡"] * 6 + ["华东货代（50）"] * 9 + ["海外仓"] * 5
    assert not [m for m in read if "消息" in m.text and m.kind != "system"]
    assert not [m for m in read if "====" in m.text]


def test_a_line_of_equals_signs_in_a_body_stays_there(chat: Chat) -> None:
    """Only a line of = that leads to 消息分组 or 消息对象 ends a message."""
    body = f"合计\n{corpus.RULE}\n1850"
    read = chat.read(corpus.qq(corpus.section("我的好友", "周敏"), f"2019-07-16 9:05:03 周敏\n{body}\n"))
    assert [m.text for m in read] == [body]


@pytest.mark.parametrize(("headers", "count"), [("auto", 3), ("any", 4), ("blank", 1)])
def test_files_without_blank_lines(chat: Chat, headers: Literal["auto", "any", "blank"], count: int) -> None:
    """Where none is used a header needs none; a quotation shows by going back in time; the switch decides it."""
    read = chat.read(corpus.qq(corpus.BARE), headers=headers)
    assert len(read) == count
    if headers == "auto":
        assert read[1].text == "引用：\n2019-07-15 10:00:00 阿一\n昨天的话"


def test_files_that_go_backwards(chat: Chat) -> None:
    """Newest first and without blank lines, every header is one."""
    lines = [f"2019-07-16 18:00:0{9 - n} 阿一(11223344)\n第{n}条" for n in range(6)]
    assert len(chat.read(corpus.qq(corpus.section("我的QQ群", "群"), *lines))) == 6


def test_named_accounts_decide_the_direction(chat: Chat) -> None:
    """A named account is ours in groups and under every remark; an id is trusted before a nick."""
    read = chat.read(corpus.qq(corpus.GROUP), ours=frozenset({"23333233"}))
    assert {m.sender for m in read if m.direction == "out"} == {"地瓜", "红薯"}
    assert not any(m.guessed for m in read if m.kind != "system")
    stolen = corpus.section("我的QQ群", "群") + "\n2019-07-16 18:15:05 地瓜(99999999)\n我是地瓜\n"
    assert chat.read(corpus.qq(stolen), ours=frozenset({"23333233", "地瓜"}))[0].direction == "in"
    pair = chat.read(corpus.qq(corpus.PAIR), ours=frozenset({"周敏-屿衡"}))
    assert [m.direction for m in pair] == ["out", "in", "in", "in", "out", "out"]


def test_local_times_are_the_sites(chat: Chat) -> None:
    """The file knows no zone: the same text an hour to the east is an hour earlier."""
    here = chat.read(corpus.qq(corpus.PAIR))[0].at
    from zoneinfo import ZoneInfo

    assert chat.read(corpus.qq(corpus.PAIR), zone=ZoneInfo("Asia/Tokyo"))[0].at == here - 3600


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(chat: Chat, encoding: str) -> None:
    """UTF-8, UTF-16 and GB18030, with and without a byte order mark, read the same."""
    section = corpus.PAIR
    want = [m.text for m in chat.read(corpus.qq(section))]
    assert [m.text for m in chat.read(corpus.qq(section, encoding=encoding))] == want


def test_spoilt_bytes_spoil_their_own_character_only(chat: Chat) -> None:
    """Bytes that are no UTF-8 do not turn a UTF-8 file into another encoding."""
    whole = corpus.qq(corpus.PAIR, corpus.GROUP, encoding="utf-8").replace(
        "稍等".encode(), b"\xff\xfe" + "稍等".encode()
    )
    read = chat.read(whole)
    assert "稍等" in read[1].text
    assert read[0].text.startswith("早，宁波到汉堡")


def test_what_is_no_time_is_no_header(chat: Chat) -> None:
    """The 13th month, the 25th hour and indented quotations are text."""
    body = "2019-13-16 18:15:05 甲(11111111)\n\n2019-07-16 25:15:05 乙(11111111)\n\n  2019-07-16 18:15:05 丙(11111111)"
    read = chat.read(corpus.qq(corpus.section("我的QQ群", "群"), f"\n2019-07-16 18:15:05 丁(22222222)\n{body}\n"))
    assert [m.text for m in read] == [body]


def test_a_remark_with_a_phone_number_is_a_name(chat: Chat) -> None:
    """Digits in brackets behind the peer's own remark are no QQ number."""
    section = corpus.section("我的好友", "周敏(13812345678)") + "\n2019-07-16 9:05:03 周敏(13812345678)\n在吗\n"
    (message,) = chat.read(corpus.qq(section))
    assert (message.sender, message.sender_id, message.direction) == ("周敏(13812345678)", None, "in")
