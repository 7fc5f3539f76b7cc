"""The demonstration's site as plain constants: its phones, queues, lines and menu.

The replayed PBX (`demo.pbx`), the sample CRM (`demo.sample`) and the composition root read the same names here.
Everything is invented.
"""

from __future__ import annotations

from typing import Final

PBX: Final = "demo"
"Name of the replayed PBX."

AGENTS: Final[tuple[tuple[str, str, tuple[str, ...], str], ...]] = (
    ("PJSIP/8001", "林知夏", ("europe", "export"), "欧洲组"),
    ("PJSIP/8002", "陈晓雯", ("europe", "export"), "欧洲组"),
    ("PJSIP/8003", "乔岩", ("europe",), "欧洲组"),
    ("PJSIP/8004", "袁野", ("seasia", "export"), "东南亚组"),
    ("PJSIP/8005", "纪安", ("seasia",), "东南亚组"),
    ("PJSIP/8006", "梅青", ("seasia", "export"), "东南亚组"),
    ("PJSIP/8007", "程小婉", ("export",), "出口组"),
    ("PJSIP/8008", "范舟", ("export", "europe"), "出口组"),
)
"(interface, name, queues, group) of every phone; the queue members bear these names."

LOGINS: Final[dict[str, str]] = {
    "PJSIP/8001": "linzhixia",
    "PJSIP/8002": "chenxiaowen",
    "PJSIP/8003": "qiaoyan",
    "PJSIP/8004": "yuanye",
    "PJSIP/8005": "jian",
    "PJSIP/8006": "meiqing",
    "PJSIP/8007": "chengxiaowan",
    "PJSIP/8008": "fanzhou",
}
"The login of each phone's agent."

SUPERVISOR: Final = ("hansong", "韩松")
"(login, name) of the supervisor."

ADMIN: Final = ("guanli", "管理员")
"(login, name) of who keeps the settings, the write-back and chat files."

QUEUES: Final[dict[str, tuple[str, float]]] = {
    "europe": ("欧洲航线", 13.0),
    "seasia": ("东南亚航线", 13.0),
    "export": ("出口咨询", 13.0),
}
"{queue: (label, target seconds)}."

LINES: Final[dict[str, str]] = {
    "4000001313": "订舱热线",
    "4000001365": "客户服务",
}
"{dialled 400 number: label}."

MENU: Final[dict[str, dict[str, str]]] = {
    "4000001313": {"1": "订舱", "2": "出口报价", "3": "查货", "0": "人工"},
    "4000001365": {"1": "单证", "2": "对账", "3": "投诉建议", "0": "人工"},
}
"{dialled number: {key: label}}: what the callers may choose."
