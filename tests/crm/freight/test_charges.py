"""What a quote comes to, per container and in all; currencies stay apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.embedded.quoting import QuoteDraft
from crm_bridge.freight import charges, currencies
from crm_bridge.freight.charges import Cargo, Charge, Money, converted, margin, totals
from crm_bridge.model import Invalid, NotFound


def charge(code: str, price: str, currency: str = "USD", **rest: Any) -> Charge:
    """A charge of the table, per its usual basis."""
    known = charges.CODES[code]
    return Charge(code=code, currency=currency, price=Decimal(price), part=known.part, **{"basis": known.basis, **rest})


def money(*sums: str) -> tuple[Money, ...]:
    """`USD 12.50` as Money."""
    return tuple(Money(currency=one.split()[0], amount=Decimal(one.split()[1])) for one in sums)


OFFER = (
    charge("OF", "1300", container="20GP"),
    charge("OF", "2350", container="40HC"),
    charge("LSS", "40"),
    charge("THC", "585", "CNY", container="20GP"),
    charge("THC", "883", "CNY", container="40HQ"),
    charge("DOC", "500", "CNY"),
    charge("TLX", "450", "CNY"),
    charge("AMS", "35"),
)


def test_a_quote_is_added_up_per_container_by_currency() -> None:
    """Ocean, surcharges and local charges of each container and of all; dollars and yuan are never one sum."""
    total = totals(OFFER, Cargo(containers=(("20GP", 1), ("40HQ", 2)), bills=1))
    small, high = total.containers
    assert (small.each, high.each) == (money("CNY 585.00", "USD 1340.00"), money("CNY 883.00", "USD 2390.00"))
    assert high.all == money("CNY 1766.00", "USD 4780.00")
    assert high.parts == (
        ("ocean", money("USD 2350.00")),
        ("surcharge", money("USD 40.00")),
        ("local", money("CNY 883.00")),
    )
    assert total.shared == money("CNY 950.00", "USD 35.00")
    assert total.total == money("CNY 3301.00", "USD 6155.00")
    assert total.unpriced == ()


def test_a_container_without_ocean_freight_is_told() -> None:
    """A type of the cargo that nobody priced is named, so that its sum is not taken for the whole."""
    total = totals(OFFER, Cargo(containers=(("45HQ", 1),)))
    assert total.unpriced == ("45HQ",)
    assert total.containers[0].each == money("USD 40.00")


def test_other_bases_count_their_own_units() -> None:
    """Per TEU, per bill, W/M with its least, m³, tons and kilograms."""
    cargo = Cargo(containers=(("40HQ", 1), ("20GP", 1)), bills=2, cbm=Decimal("3.2"), tons=Decimal("4.5"))
    per_teu = totals([charge("BAF", "100", basis="teu")], cargo)
    assert [box.each for box in per_teu.containers] == [money("USD 200.00"), money("USD 100.00")]
    assert totals([charge("DOC", "450", "CNY")], cargo).shared == money("CNY 900.00")
    assert totals([charge("CFS", "60", "CNY")], cargo).shared == money("CNY 270.00")
    assert totals([charge("CFS", "60", "CNY", minimum=Decimal(500))], cargo).shared == money("CNY 500.00")
    assert totals([charge("CFS", "60", "CNY")], Cargo(cbm=Decimal("0.2"))).shared == money("CNY 60.00")
    assert totals([charge("OF", "10", basis="cbm")], cargo).shared == money("USD 32.00")
    assert totals([charge("OF", "10", basis="ton")], cargo).shared == money("USD 45.00")
    assert totals([charge("OF", "0.5", basis="kg")], cargo).shared == money("USD 2250.00")
    assert totals([charge("INS", "80")], cargo).shared == money("USD 80.00")


def test_converting_needs_every_rate() -> None:
    """One sum of several currencies only with a rate for each; without one it is refused, never left out."""
    sums = money("CNY 3301.00", "USD 6155.00")
    assert converted(sums, "CNY", {"USD": Decimal("7.1")}) == money("CNY 47001.50")[0]
    for rates in ({}, {"USD": Decimal(0)}, {"USD": Decimal("NaN")}, {"EUR": Decimal(8)}):
        with pytest.raises(ValueError, match="no rate"):
            converted(sums, "CNY", rates)


def test_a_gain_in_one_currency_does_not_hide_a_loss_in_another() -> None:
    """The margin is told currency by currency."""
    cargo = Cargo(containers=(("40HQ", 1),))
    sell = totals([charge("OF", "2350"), charge("THC", "800", "CNY")], cargo)
    buy = totals([charge("OF", "2100"), charge("THC", "883", "CNY")], cargo)
    assert margin(sell, buy) == money("CNY -83.00", "USD 250.00")


def test_amounts_are_exact_and_rounded_to_the_coin() -> None:
    """Ten times a tenth is one; yen have no smaller coin."""
    assert totals([charge("INS", "0.1")] * 10, Cargo()).total == money("USD 1.00")
    assert totals([charge("INS", "10.5", "JPY")], Cargo()).total == (Money(currency="JPY", amount=Decimal(11)),)
    with pytest.raises(ValueError, match="not a number"):
        totals([charge("INS", "Infinity")], Cargo())


def test_codes_and_currencies_are_known_by_what_people_write() -> None:
    """Old names, Chinese names, RMB; at least thirty currencies and forty charges, each under one code."""
    assert len(charges.CODES) >= 40
    assert len(currencies.CURRENCIES) >= 30
    assert [charges.code_of(t) for t in ("O/F", "电放费", "文件费", "faf", "nothing")] == [
        "OF",
        "TLX",
        "DOC",
        "BAF",
        None,
    ]
    written = ("RMB", "cnh", "人民币", "￥", "US$", "美金", "$", "€", "港币", "XXX", "")
    wanted = ["CNY", "CNY", "CNY", "CNY", "USD", "USD", "USD", "EUR", "HKD", None, None]
    assert [currencies.code_of(t) for t in written] == wanted
    for bad in ("", "viel", "1e400", "NaN", "--1"):
        with pytest.raises(ValueError, match="not an amount"):
            currencies.amount(bad)


@given(
    st.lists(st.tuples(st.sampled_from(["20GP", "40HQ"]), st.integers(0, 50)), max_size=4),
    st.lists(
        st.tuples(st.sampled_from(["USD", "CNY"]), st.integers(0, 10**7), st.sampled_from(["", "20GP", "40HQ"])),
        max_size=8,
    ),
)
def test_the_whole_is_the_sum_of_its_parts(boxes: list[tuple[str, int]], prices: list[tuple[str, int, str]]) -> None:
    """In each currency the total is what the containers come to, plus what is shared."""
    given_ = [
        Charge(code="OF", currency=currency, price=Decimal(cents) / 100, container=container)
        for currency, cents, container in prices
    ] + [charge("DOC", "1.25", "CNY")]
    total = totals(given_, Cargo(containers=tuple(boxes)))
    sums: dict[str, Decimal] = {}
    for one in (*total.shared, *(one for box in total.containers for one in box.all)):
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    assert {one.currency: one.amount for one in total.total} == sums


def party(crm: EmbeddedCrm, name: str = "周敏") -> str:
    """A customer."""
    return crm.create_party({"name": name, "category": "sea"}, None, "lin").party.id


def test_a_quote_is_kept_with_its_charges(crm: EmbeddedCrm) -> None:
    """Lines per container follow from the charges; all-in is told only where one currency makes it."""
    whom = party(crm)
    draft = QuoteDraft(
        pol="宁波",
        pod="汉堡",
        containers="20GP*1+40HC*2",
        charges=OFFER,
        carrier="北渡",
        valid_until=1_790_000_000.0,
        status="sent",
    )
    quote = crm.add_quote(whom, draft, "林知夏", key="call-1")
    assert crm.add_quote(whom, draft, "林知夏", key="call-1") == quote
    assert [(line.container, line.count, line.freight, line.all_in) for line in quote.lines] == [
        ("20GP", 1, 1300.0, None),
        ("40HQ", 2, 2350.0, None),
    ]
    assert crm.quotes(whom).items == (quote,)
    assert crm.quote_charges(quote.id)[1].container == "40HQ"
    assert crm.quote_total(quote.id).total == money("CNY 3301.00", "USD 6155.00")
    dollars = crm.add_quote(whom, QuoteDraft(pol="宁波", pod="汉堡", containers="40HQ", charges=OFFER[1:3]), "lin")
    assert dollars.lines[0].all_in == 2390.0
    assert dollars.number.endswith("-02")
    assert crm.set_quote_status(whom, dollars.id, "lost", "lin", "价格高").status == "lost"
    with pytest.raises(NotFound):
        crm.set_quote_status(party(crm, "别人"), dollars.id, "won", "lin")
    with pytest.raises(NotFound):
        crm.quote_total("nothing")


def test_an_enquiry_is_a_quote_without_a_price(crm: EmbeddedCrm) -> None:
    """What a customer asks for is kept open, with what he asked in words, and stands first."""
    whom = party(crm)
    asked = crm.add_quote(whom, QuoteDraft(pol="宁波", pod="汉堡", containers="40HQ*2", note="家具"), "lin")
    assert (asked.status, asked.lines, asked.note) == ("open", (), "40HQ*2 家具")
    assert crm.quotes(whom).items == (asked,)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"currency": "mussels"}, "currency"),
        ({"containers": "散货"}, "containers"),
        ({"charges": (Charge(code="OF", currency="RMB", price=Decimal(1)),)}, "charges.0"),
        ({"charges": (Charge(code="", currency="USD", price=Decimal(1)),)}, "charges.0"),
        ({"charges": (Charge(code="OF", currency="USD", price=Decimal("NaN")),)}, "charges.0"),
        ({"charges": OFFER[:1] * 81}, "charges"),
        ({"status": "maybe"}, "status"),
        ({"pol": "", "pod": "", "containers": "", "charges": ()}, "pol"),
    ],
)
def test_a_quote_that_is_none_is_refused(crm: EmbeddedCrm, change: dict[str, Any], key: str) -> None:
    """Unknown currencies, containers nobody understands, prices that are none: told by place, nothing kept."""
    whom = party(crm)
    values: dict[str, Any] = {"pol": "宁波", "pod": "汉堡", "containers": "40HQ", "charges": OFFER[1:2], **change}
    with pytest.raises(Invalid) as caught:
        crm.add_quote(whom, QuoteDraft(**values), "lin")
    assert key in {problem.key for problem in caught.value.problems}
    assert crm.quotes(whom).total == 0
