"""A template's variables from the unified record (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

from crm_bridge import model

VARIABLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "customer": ("客户姓名", "Customer's name", "周敏"),
    "company": ("客户公司", "Customer's company", "甬江五金"),
    "site": ("本公司", "Our company", "十三秒货运"),
    "agent": ("坐席姓名", "Agent's name", "林静"),
    "line": ("拨打的线路", "Line dialled", "订舱热线"),
    "queue": ("队列", "Queue", "欧洲航线"),
    "minutes": ("承诺回电分钟数", "Minutes until we call back", "30"),
    "quote_no": ("报价单号", "Quote number", "Q2611-018"),
    "pol": ("起运港", "Port of loading", "宁波"),
    "pod": ("目的港", "Port of discharge", "汉堡"),
    "carrier": ("船公司", "Carrier", "COSCO"),
    "currency": ("币种", "Currency", "USD"),
    "valid_until": ("报价有效期", "Quote valid until", "11月30日"),
    "vessel": ("船名航次", "Vessel and voyage", "EVER GLORY 012W"),
    "bl_no": ("提单号", "Bill of lading", "COSU6281234560"),
    "etd": ("开船日", "Date of sailing", "11月25日"),
    "eta": ("到港日", "Date of arrival", "12月24日"),
}
"{name: (Chinese, English, an example)}; a template may use others, which its sender fills in."


def day(at: float, zone: tzinfo) -> str:
    """A date as people write it.

    >>> from datetime import UTC
    >>> day(1795255200.0, UTC)
    '11月21日'
    """
    local = datetime.fromtimestamp(at, zone)
    return f"{local.month}月{local.day}日"


def values_of(
    *,
    zone: tzinfo,
    site: str,
    agent: str = "",
    line: str = "",
    queue: str = "",
    party: model.Party | None = None,
    quotes: Sequence[model.Quote] = (),
    business: Sequence[model.BusinessRecord] = (),
) -> dict[str, str]:
    """What the record knows; what it does not know is left out. The newest quote and the newest shipment speak."""
    found = {"site": site, "agent": agent, "line": line, "queue": queue}
    if party is not None:
        found["customer"] = party.name
        found["company"] = party.company or ""
    # The lane comes from the quote where there is one: it is what the talk is of.
    if business:
        shipment = max(business, key=lambda one: one.at)
        found |= {"pol": shipment.pol, "pod": shipment.pod, "vessel": shipment.vessel, "bl_no": shipment.bl_no}
        found |= {name: day(at, zone) for name in ("etd", "eta") if (at := getattr(shipment, name)) is not None}
    if quotes:
        quote = max(quotes, key=lambda one: one.at)
        found |= {"quote_no": quote.number, "pol": quote.pol, "pod": quote.pod, "carrier": quote.carrier}
        found["currency"] = quote.currency
        if quote.valid_until is not None:
            found["valid_until"] = day(quote.valid_until, zone)
    return {name: value for name, value in found.items() if value}
