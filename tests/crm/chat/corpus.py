"""Chat files made for the tests: every edge of the formats, with invented people. Bytes as the programs write them."""

from __future__ import annotations

import json
from typing import Any

RULE = "=" * 64
HEAD = "消息记录（此消息记录为文本格式，不支持重新导入）"


def section(group: str, peer: str) -> str:
    """The head of an object in a QQ export."""
    return f"{RULE}\n消息分组:{group}\n{RULE}\n消息对象:{peer}\n{RULE}\n"


def qq(*sections: str, encoding: str = "utf-8-sig") -> bytes:
    """A QQ text as the message browser writes it: byte order mark, CRLF."""
    return "\n".join([HEAD, "", *sections]).replace("\n", "\r\n").encode(encoding)


PAIR = section("我的好友", "周敏-屿衡") + (
    "\n2019-07-16 9:05:03 周敏-屿衡\n早，宁波到汉堡现在什么价？\n\n40HQ 两个\n"
    "\n2019-07-16 9:06:10 林夕\n稍等\n"
    "\n2019-07-16 9:06:10 林夕\n[图片]\n"
    "\n2019-07-16 9:06:10 林夕\n[图片]\n"
    "\n2019-07-16 9:20:00 周敏-屿衡\n他们昨天这么说的：\n2019-07-15 18:00:00 王五(22334455)\n1850 全包\n"
    "\n2019-07-16 9:21:00 周敏-屿衡\n[文件] FileRef:报价单.xls\n"
    "\n"
)
GROUP = section("我的QQ群", "华东货代（50）") + (
    "\n2013-06-23 15:52:32 此消彼长<qq_g@163.com>\n内贸有船吗\n"
    "\n2019-07-16 18:15:05 【管理员】地瓜(23333233)\n有\n"
    "\n2019-07-16 18:15:05 【群主】【话唠】老陈(a)<b>(c)(87200175)\n多层括号\n"
    "\n2019-07-16 18:15:06 519870018(519870018)\n昵称就是号码\n"
    "\n2019-07-16 18:15:07 (61234567)\n没有昵称\n"
    "\n2019-07-16 18:15:08 \u202eنص عربي\u0007 🚢👨‍👩‍👧(71234567)\n怪名字\n"
    "\n2019-07-16 18:15:09 系统消息(10000)\n地瓜撤回了一条消息\n"
    "\n2019-07-16 18:15:10 系统消息(1000000)\n新人入群\n"
    "\n2019-07-16 18:15:11 【管理员】红薯(23333233)\n改过名了\n"
    "\n"
)
TWELVE = section("我的QQ群", "海外仓") + (
    "\n2019-09-23 8:43:38 PM 骰娘(87200175)\n晚\n"
    "\n2019-09-23 12:00:01 AM 骰娘(87200175)\n零点\n"
    "\n2019-09-23 12:00:02 PM 骰娘(87200175)\n正午\n"
    "\n2019/9/3 下午 8:43:38 骰娘(87200175)\n斜杠\n"
    "\n2019-09-23 20:43:38 PM小王(87200176)\n不是下午\n"
    "\n"
)
BARE = section("讨论组", "临时讨论") + (
    "2019-07-16 18:00:00 阿一\n没有空行\n"
    "2019-07-16 18:00:05 阿二\n引用：\n2019-07-15 10:00:00 阿一\n昨天的话\n"
    "2019-07-16 18:00:09 阿一\n好\n"
)


def mht(rows: str, *, pictures: bytes = b"", charset: str = "utf-8", transfer: str = "7bit") -> bytes:
    """A web archive as the message browser writes it."""
    mark = "----=_NextPart_A240C18D_603F_466a_8338.0D1C1796EFC3"
    top = (
        "From: <Save by Tencent MsgMgr>\r\nSubject: Tencent IM Message\r\nMIME-Version: 1.0\r\n"
        f'Content-Type:multipart/related;\r\n\tcharset="{charset}"\r\n\ttype="text/html";\r\n\tboundary="{mark}"\r\n\r\n'
        f"--{mark}\r\nContent-Type: text/html\r\nContent-Transfer-Encoding:{transfer}\r\n\r\n"
    )
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>QQ Message</title></head><body>'
        f"<table width=100% cellspacing=0>{rows}</table></body></html>"
    )
    body = page.encode(charset)
    if transfer == "base64":
        import base64

        body = base64.encodebytes(body)
    elif transfer == "quoted-printable":
        import quopri

        body = quopri.encodestring(body)
    image = (
        f"\r\n--{mark}\r\nContent-Type:image/jpeg\r\nContent-Transfer-Encoding:base64\r\n"
        "Content-Location:{33E8481F-D8C5-42c7-B3E0-FD1484C54196}.dat\r\n\r\n"
    ).encode()
    return top.encode() + body + image + pictures + f"\r\n--{mark}--\r\n".encode()


def row(text: str) -> str:
    """A row that names the group, the object or the day."""
    return f"<tr><td><div style=padding-left:10px;>{text}</div></td></tr>"


def said(name: str, time: str, body: str, colour: str = "006EFE") -> str:
    """A row with a message."""
    return (
        f"<tr><td><div style=color:#{colour};padding-left:10px;><div style=float:left;margin-right:6px;>{name}</div>"
        f"{time}</div><div style=padding-left:20px;>{body}</div></td></tr>"
    )


def font(text: str) -> str:
    """Text as it stands in a message's body."""
    return f"<font style=\"font-size:9pt;font-family:'宋体','MS Sans Serif',sans-serif;\" color='000000'>{text}</font>"


MHT = mht(
    row("消息分组:我的好友")
    + row("消息对象:周敏")
    + row("&nbsp;")
    + row("日期: 2019-07-16")
    + said("周敏", "9:05:03", font("价格 &lt;1850&gt; 行吗<br>急") + '<IMG src="{3D48C238}.dat">')
    + "\r\n"
    + said("林夕", "9:06:10", font("行"), "42B475")
    + row("日期: 2019/7/17")
    + said("周敏", "下午 1:02:03", '<IMG src="{1}.dat"><IMG src="{2}.dat">')
    + row("消息分组:我的QQ群")
    + row("消息对象:华东货代")
    + row("日期: 2019-07-18")
    + said("【管理员】大魔头&lt;demo@example.com&gt;", "12:28:18", font("有舱"))
    + said("519870018(519870018)", "12:34:43", font("好")),
    pictures=b"/9j/4AAQSkZJRgABAQAAAQABAAD\r\n" * 2000,
)

EXPORTER: dict[str, Any] = {
    "metadata": {"name": "QQChatExporter", "version": "5.0.0"},
    "chatInfo": {
        "name": "周敏",
        "type": "private",
        "selfUid": "u_self",
        "selfUin": "40010001",
        "selfName": "林夕",
        "peerUid": "u_peer",
        "peerUin": "88880001",
    },
    "statistics": {"totalMessages": 4},
    "messages": [
        {
            "id": "7001",
            "timestamp": 1735697715000,
            "sender": {"uid": "u_peer", "uin": "88880001", "name": "周敏"},
            "type": "type_1",
            "content": {"text": '引号 " 和 } 和 \\ 都在', "elements": [{"type": "text", "data": {"text": "x"}}]},
        },
        {
            "id": "7002",
            "timestamp": 1735697716000,
            "sender": {"uid": "u_self", "uin": "40010001", "name": "林夕"},
            "content": {"text": "", "elements": [{"type": "image", "data": {}}], "resources": [{"type": "image"}]},
        },
        {
            "id": "7003",
            "timestamp": 1735697717000,
            "sender": {"uid": "u_peer", "name": "周敏"},
            "recalled": True,
            "content": {"text": ""},
        },
    ],
}
EXPORTER_4: dict[str, Any] = {
    "messages": [
        {
            "messageId": "9",
            "timestamp": "2025-01-01T02:15:15.000Z",
            "sender": {"uid": "u_1", "uin": "23333233", "name": "x"},
            "messageType": 2,
            "isSystemMessage": False,
            "content": {"text": "群里说", "elements": []},
            "rawMessage": {"sendNickName": "昵称", "sendMemberName": "群名片"},
        }
    ],
    "chatInfo": {"name": "华东货代", "type": "group"},
    "metadata": {"version": "4.1.0"},
}
QQNT_PAIR: list[Any] = [
    {"time": "2025-01-01 10:25:15", "direction": "收", "contents": [["[文本]", "在吗"], ["[表情]", "微笑-14"]]},
    {"time": "2025-01-01 10:25:16", "direction": "发", "contents": [["[图片]", "a.png 12.00KiB"]]},
    {
        "time": "2025-01-01 10:25:17",
        "direction": "收",
        "contents": [["[被引用的消息][文本]", "在吗"], ["[文本]", "在"]],
    },
    {"time": "2025-01-01 10:25:18", "direction": "收", "contents": [[None, None]]},
]
QQNT_GROUP: list[Any] = [
    {
        "time": "2025-01-01 10:25:15",
        "sender": "老陈",
        "sender_qq": 87200175,
        "contents": [["[文本]前面说的", "reply"], ["[文本]", "是这样"]],
    },
    {"time": "2025-01-01 10:25:16", "sender": "", "sender_qq": 0, "contents": [["[提示]", "某人 加入本群"]]},
]
CHATLAB: dict[str, Any] = {
    "chatlab": {"version": "0.0.2", "exportedAt": 1703001600},
    "meta": {"name": "与周敏的对话", "platform": "qq", "type": "private", "ownerId": "40010001"},
    "members": [
        {"platformId": "40010001", "accountName": "林夕"},
        {"platformId": "88880001", "accountName": "周敏"},
    ],
    "messages": [
        {"sender": "88880001", "accountName": "周敏", "timestamp": 1703001600, "type": 0, "content": "在吗？"},
        {"sender": "40010001", "accountName": "林夕", "timestamp": 1703001601, "type": 1, "content": None},
        {"sender": "88880001", "accountName": "周敏", "timestamp": 1703001602, "type": 81, "content": "撤回"},
        {
            "platformMessageId": "m4",
            "sender": "88880001",
            "accountName": "周敏",
            "timestamp": 1703001603,
            "type": 25,
            "content": "报价单收到",
        },
    ],
}
WECOM: list[Any] = [
    {
        "msgid": "1_external",
        "action": "send",
        "from": "wmAAAA",
        "tolist": ["lin"],
        "roomid": "",
        "msgtime": 1735697715000,
        "msgtype": "text",
        "text": {"content": "有舱吗"},
    },
    {
        "msgid": "2",
        "action": "send",
        "from": "lin",
        "tolist": ["wmAAAA"],
        "roomid": "",
        "msgtime": "1735697716000",
        "msgtype": "file",
        "file": {"filename": "报价.xls", "filesize": 1},
    },
    {
        "msgid": "3",
        "action": "recall",
        "from": "lin",
        "tolist": ["wmAAAA"],
        "msgtime": 1735697717000,
        "msgtype": "revoke",
    },
    {
        "msgid": "4",
        "action": "send",
        "from": "lin",
        "tolist": ["wmAAAA", "wmBBBB"],
        "roomid": "wrROOM",
        "msgtime": 1735697718000,
        "msgtype": "mixed",
        "mixed": {
            "item": [
                {"type": "text", "content": json.dumps({"content": "看图"})},
                {"type": "image", "content": json.dumps({"md5sum": "x"})},
            ]
        },
    },
    {"msgid": "5", "action": "switch", "time": 1735697719000, "user": "lin"},
]
MSN = (
    "<?xml version=\"1.0\"?>\n<?xml-stylesheet type='text/xsl' href='MessageLog.xsl'?>\n"
    '<Log FirstSessionID="1" LastSessionID="2">'
    '<Message Date="16/9/2010" Time="22:45:43" DateTime="2010-09-17T01:45:43.093Z" SessionID="1">'
    '<From><User FriendlyName="周敏 &amp; Co"/></From><To><User FriendlyName="林夕"/></To>'
    '<Text Style="color:#545454; ">运费 &lt;1850&gt;</Text></Message>'
    '<Message Date="7/15/2005" Time="2:47:07 PM" SessionID="1">'
    '<From><User FriendlyName="林夕"/></From><To><User FriendlyName="周敏 &amp; Co"/></To><Text>好</Text></Message>'
    '<InvitationResponse Date="16/9/2010" Time="22:46:00" DateTime="2010-09-17T01:46:00.000Z" SessionID="2">'
    '<From><User FriendlyName="周敏 &amp; Co"/></From><File>C:\\Users\\lin\\报价.xls</File>'
    "<Text>You have received it.</Text></InvitationResponse>"
    '<Leave Date="16/9/2010" Time="22:47:00" DateTime="2010-09-17T01:47:00.000Z" SessionID="2">'
    '<User FriendlyName="周敏 &amp; Co"/><Text>left</Text></Leave></Log>'
)
CSV = (
    "时间,客户,旺旺号,发送人,方向,类型,消息内容\n"
    '2025-01-01 10:25:15,周敏,yuheng_zm,周敏,收,文本,"宁波到汉堡,40HQ\n两个"\n'
    "2025/1/1 10:26:00,周敏,yuheng_zm,林夕,发,图片,\n"
    ",周敏,yuheng_zm,林夕,发,文本,没有时间\n"
)
