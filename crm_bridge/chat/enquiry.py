"""Whether a message asks for a price, and for what (pure)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import msgspec

from crm_bridge.freight import containers

_WORDS: Final = re.compile(
    r"询价|询盘|报价|报个价|报下价|多少钱|什么价|价格|运费|海运费|舱位|订舱|怎么收费|费用多少"
    r"|\b(?:quote|quotation|rates?|freight|enquiry|inquiry|how much|price)\b",
    re.IGNORECASE,
)
_PLACE: Final = r"[\u4e00-\u9fff]{2,8}|[A-Za-z][A-Za-z .']{2,24}"
_LANE: Final = re.compile(rf"(?:从|from\s+)?({_PLACE}?)\s*(?:到|至|去|->|→|—|–|-|\bto\b)\s*({_PLACE})", re.IGNORECASE)
_ONLY_TO: Final = re.compile(rf"(?:运到|发往|发到|去|到|\bto\b)\s*({_PLACE})", re.IGNORECASE)
_BEFORE: Final = re.compile(
    r"^.*(?:你好|您好|请问|请报|帮忙|麻烦|报价|询价|报|从|问下|一下|有|要|走|发|我们|我|个|票|柜|的)", re.DOTALL
)
_AFTER: Final = re.compile(
    r"(?:的|多少|什么|价格|运费|海运|费用|报价|怎么|现在|大概|一个|[一二两三四五六七八九十]+个|港?有|[，。？?！!,]).*$",
    re.DOTALL,
)
_BOX: Final = re.compile(
    r"(?:\d{1,3}\s*[*xX×]\s*)?(?:20|40|45)\s*['尺]?\s*(?:GP|HQ|HC|RF|RH|OT|FR|TK|NOR)(?:\s*[*xX×]\s*\d{1,3})?|小柜|大柜|高柜|平柜|冻柜",
    re.IGNORECASE,
)
_MAX_TEXT: Final = 2000


class Enquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks a price for; '' and () where it is not said."""

    pol: str = ""
    pod: str = ""
    boxes: tuple[tuple[str, int], ...] = ()


def enquiry_in(text: str) -> Enquiry | None:
    """The enquiry in a message, None where there is none.

    >>> enquiry_in("你好，宁波到汉堡 40HQ*2 什么价？")
    Enquiry(pol='宁波', pod='汉堡', boxes=(('40HQ', 2),))
    >>> enquiry_in("在吗") is None
    True
    """
    plain = unicodedata.normalize("NFKC", text[:_MAX_TEXT])
    boxes: dict[str, int] = {}
    for hit in list(_BOX.finditer(plain))[:12]:
        for name, count in containers.parse(hit.group()):
            boxes[name] = boxes.get(name, 0) + count
    if not (_WORDS.search(plain) or boxes):
        return None
    pol, pod = _lane(plain)
    if boxes and not (pod or _WORDS.search(plain)):
        return None
    return Enquiry(pol=pol, pod=pod, boxes=tuple(boxes.items()))


def _lane(plain: str) -> tuple[str, str]:
    for hit in list(_LANE.finditer(_BOX.sub("，", plain)))[:12]:
        pol = _BEFORE.sub("", hit[1] or "").strip()
        pod = _AFTER.sub("", hit[2]).strip()
        if 2 <= len(pod) <= 25 and (not pol or 2 <= len(pol) <= 25) and (pol or hit[1] == ""):
            return pol, pod
    for hit in list(_ONLY_TO.finditer(_BOX.sub("，", plain)))[:12]:
        pod = _AFTER.sub("", hit[1]).strip()
        if 2 <= len(pod) <= 25:
            return "", pod
    return "", ""
