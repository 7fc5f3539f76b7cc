"""Write `crm_bridge/mobile_ranges.gz` anew: where mobile ranges are that libphonenumber's tables do not place.

    python -m scripts.mobile_ranges phone.dat

`phone.dat` is the table of the PyPI package `phone` (MIT; version 0.4.5 holds the allocations of December 2023). Only
allocations are taken, seven digits to a place, and only those that libphonenumber leaves open.
"""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

import phonenumbers
from phonenumbers import geocoder

TARGET = Path(__file__).resolve().parents[1] / "crm_bridge" / "mobile_ranges.gz"
MUNICIPALITIES = {"北京", "上海", "天津", "重庆"}
ENGLISH = {
    "德宏": "Dehong",
    "迪庆": "Diqing",
    "临河": "Linhe",
    "海拉尔": "Hailar",
    "锡林郭勒盟": "Xilingol",
    "集宁": "Jining",
    "西昌": "Xichang",
    "亳州": "Bozhou",
    "巢湖": "Chaohu",
    "莱芜": "Laiwu",
    "来宾": "Laibin",
    "贵港": "Guigang",
    "贺州": "Hezhou",
    "崇左": "Chongzuo",
    "克州": "Kizilsu",
    "博乐": "Bole",
    "博州": "Bortala",
    "奎屯": "Kuytun",
    "巴州": "Bayingolin",
    "库尔勒": "Korla",
    "雄安": "Xiong'an",
    "开封": "Kaifeng",
    "郑州": "Zhengzhou",
    "济源": "Jiyuan",
    "潢川": "Huangchuan",
    "江汉": "Jianghan",
    "神农架": "Shennongjia",
    "吉首": "Jishou",
    "株洲": "Zhuzhou",
    "湘潭": "Xiangtan",
    "长沙": "Changsha",
    "嘉峪关": "Jiayuguan",
    "金昌": "Jinchang",
    "格尔木": "Golmud",
    "海晏": "Haiyan",
    "天门": "Tianmen",
    "仙桃": "Xiantao",
    "潜江": "Qianjiang",
    "成都": "Chengdu",
    "眉山": "Meishan",
    "资阳": "Ziyang",
    "西安": "Xi'an",
    "咸阳": "Xianyang",
    "沈阳": "Shenyang",
    "铁岭": "Tieling",
    "抚顺": "Fushun",
    "本溪": "Benxi",
    "贵阳": "Guiyang",
    "遵义": "Zunyi",
    "安顺": "Anshun",
    "海口": "Haikou",
    "三亚": "Sanya",
    "延边": "Yanbian",
    "珲春": "Hunchun",
    "通化": "Tonghua",
    "吕梁": "Luliang",
    "晋中": "Jinzhong",
    "南宁": "Nanning",
    "日喀则": "Shigatse",
    "那曲": "Nagqu",
    "阿里": "Ngari",
}
"Places that share an area code with another, or are called otherwise by libphonenumber."
PROVINCES = {"内蒙古": "Inner Mongolia", "西藏": "Tibet", "山东": "Shandong"}


def main(source: Path) -> None:
    """Read the allocations, leave out what libphonenumber places, write the rest."""
    lacking = {prefix: place for prefix, place in allocations(source.read_bytes()) if not is_placed(prefix)}
    names = sorted({named(*place) for place in lacking.values()})
    number = {name: n for n, name in enumerate(names, 1)}
    heads = sorted({prefix // 10_000 for prefix in lacking})
    planes = b""
    for head in heads:
        row = [0] * 10_000
        for tail in range(10_000):
            if place := lacking.get(head * 10_000 + tail):
                row[tail] = number[named(*place)]
        planes += bytes(n & 255 for n in row) + bytes(n >> 8 for n in row)
    words = "\n".join(f"{zh}|{en}" for zh, en in names) + "\0" + ",".join(map(str, heads)) + "\0"
    TARGET.write_bytes(gzip.compress(words.encode() + planes, 9, mtime=0))
    print(f"{len(lacking)} ranges, {len(names)} places, {TARGET.stat().st_size} bytes")


def allocations(table: bytes) -> list[tuple[int, tuple[str, str, str]]]:
    """(first seven digits, (province, city, area code)) of every range."""
    (first,) = struct.unpack_from("<i", table, 4)
    found: list[tuple[int, tuple[str, str, str]]] = []
    for start in range(first, len(table) - 8, 9):
        prefix, text = struct.unpack_from("<ii", table, start)
        province, city, _, area = table[text : table.index(b"\0", text)].decode().split("|")
        found.append((prefix, (province, city, area)))
    return found


def is_placed(prefix: int) -> bool:
    """Whether libphonenumber knows the place, or does not take the range for a mobile's at all."""
    number = phonenumbers.PhoneNumber(country_code=86, national_number=prefix * 10_000)
    if not phonenumbers.is_valid_number(number):
        return True
    return geocoder.description_for_valid_number(number, "zh") not in ("", "中国")


def named(province: str, city: str, area: str) -> tuple[str, str]:
    """A place as people say it, in Chinese and English."""
    number = phonenumbers.PhoneNumber(country_code=86, national_number=int(area.lstrip("0") + "8888888"))
    known: str = geocoder.description_for_valid_number(number, "en")
    town, _, land = known.rpartition(", ")
    if province in MUNICIPALITIES:
        return province, land
    return province + city, f"{ENGLISH.get(city, town)}, {PROVINCES.get(province, land)}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
