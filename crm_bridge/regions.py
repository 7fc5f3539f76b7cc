"""归属地: where a number comes from, in Chinese and English.

libphonenumber's geocoder costs half a second and a hundred megabytes, so it is loaded by the first question, not by
the import. A mobile's region is a hint: numbers move with their owners.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException

_NEIGHBOURS: Final[dict[int, tuple[str, str]]] = {
    852: ("中国香港", "Hong Kong"),
    853: ("中国澳门", "Macao"),
    886: ("中国台湾", "Taiwan"),
}
_SHORTER: Final = (
    ("壮族自治区", ""),
    ("回族自治区", ""),
    ("维吾尔自治区", ""),
    ("自治区", ""),
    ("省", ""),
)


@lru_cache(maxsize=8192)
def region(key: str | None, language: str) -> str | None:
    """Region of a key in E.164, `language` zh or en; None where the tables know nothing better than the country.

    Chinese is shortened as people say it: 浙江宁波, 北京; a foreign number gives its country.
    """
    if not key or not key.startswith("+"):
        return None
    from phonenumbers import geocoder  # here, because of what it costs (see the module)

    try:
        number = phonenumbers.parse(key)
    except NumberParseException:
        return None
    code = number.country_code or 0
    if code in _NEIGHBOURS:
        return _NEIGHBOURS[code][0 if language == "zh" else 1]
    if code != 86:
        country: str = geocoder.country_name_for_number(number, language)
        return country or None
    found: str = geocoder.description_for_valid_number(number, language)
    if not found or found in ("中国", "China"):
        return None
    return shorten(found) if language == "zh" else found


def shorten(found: str) -> str:
    """浙江省宁波市 as people say it: 浙江宁波.

    >>> shorten("内蒙古自治区包头市"), shorten("上海市"), shorten("湖北省恩施州")
    ('内蒙古包头', '上海', '湖北恩施州')
    """
    for ending, short in _SHORTER:
        head, cut, tail = found.partition(ending)
        if cut and len(head) >= 2 and tail:
            found = head + short + tail
            break
    return found.removesuffix("市") if len(found) > 2 else found
