"""The demonstration's customers: rich, believable, the same for the same seed, at any hour of the day."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.numbers import canonical
from cti.demo import sample, site
from cti.store import Store

ZONE = ZoneInfo("Asia/Shanghai")


def at(hour: int, minute: int) -> float:
    """A time on a Wednesday."""
    return datetime(2026, 5, 20, hour, minute, tzinfo=ZONE).timestamp()


def filled(now: float) -> tuple[EmbeddedCrm, Store, sample.Sample]:
    """A CRM and a store, filled."""
    crm, store = EmbeddedCrm("sqlite://", clock=lambda: now), Store.open("sqlite://")
    return crm, store, sample.fill(crm, store, now, lambda word: f"hash of {word}")


def test_callers_are_mostly_customers() -> None:
    """Most callers are one customer exactly; some are strangers, some a switchboard of several, one withholds."""
    crm, _, made = filled(at(11, 0))
    found = [len(crm.lookup(caller)) for caller in made.callers]
    assert sum(n == 1 for n in found) / len(found) > 0.7
    assert 0.02 < sum(n == 0 for n in found) / len(found) < 0.2
    assert sum(n > 1 for n in found) >= 5
    assert {canonical(caller).cls for caller in made.callers} >= {"mobile", "landline", "international", "anonymous"}


def test_the_record_on_the_pictures_is_full() -> None:
    """The first caller's record has all six sections, an offer that ends today, a late ship, a lost call, a trend."""
    now = at(11, 0)
    crm, store, made = filled(now)
    (match,) = crm.lookup(made.callers[0])
    party = match.party.id
    assert (match.party.name, match.party.tier, match.party.owner_name) == ("周敏", "A", "陈晓雯")
    profile = crm.profile(party)
    assert sum(1 for f in profile.fields if f.show_in_pop and f.value) >= 6
    keys = [key for key in (canonical(p.value).key for p in profile.contact_points if p.kind == "phone") if key]
    quotes = crm.quotes(party)
    assert quotes.items[0].status == "sent"
    assert now < (quotes.items[0].valid_until or 0) < now + 86400
    assert quotes.trend is not None
    assert quotes.trend.n >= 12
    assert len(quotes.trend.points) >= 8
    business = crm.business(party).items
    assert any(b.eta and b.eta_planned and b.eta > b.eta_planned and b.eta > now for b in business)
    assert not crm.chats(party).items[0].answered
    assert store.calls_of_number(keys)[0].outcome == "abandoned"
    assert store.sms_of_number(keys)


def test_most_records_are_rich() -> None:
    """Four of five customers who call have business, quotes, chats and calls; every open offer's lane has a trend."""
    crm, store, made = filled(at(11, 0))
    full = all_of = 0
    for caller in dict.fromkeys(made.callers):
        matches = crm.lookup(caller)
        if len(matches) != 1 or matches[0].party.category in ("peer", "truck", "rail", "water"):
            continue
        party = matches[0].party.id
        all_of += 1
        key = canonical(caller).key or ""
        full += bool(crm.business(party).items and crm.quotes(party).items and store.calls_of_number([key]))
    assert full / all_of > 0.8


@pytest.mark.parametrize("hour", [(0, 10), (6, 0), (9, 5), (17, 45), (23, 58)])
def test_it_holds_at_any_hour(hour: tuple[int, int]) -> None:
    """Whenever the demonstration starts, past calls have ended, lie in order, and today has some."""
    now = at(*hour)
    _, store, _ = filled(now)
    calls = store.calls_since(0)
    assert store.open_calls() == []
    for call in calls:
        assert call.started_at is not None
        assert call.ended_at is not None
        assert call.started_at < call.ended_at < now
        for visit in call.visits:
            assert visit.joined_at is not None
            assert visit.left_at is not None
            assert visit.wait_s == pytest.approx(visit.left_at - visit.joined_at)
            assert call.started_at <= visit.joined_at <= visit.left_at <= call.ended_at
    assert len({call.id for call in calls}) == len(calls)
    assert len(store.calls_since(now - 86400)) > 8


def test_users_are_the_sites_agents_a_supervisor_and_an_admin() -> None:
    """Each phone has its agent with a login, and the password to print is the one that was hashed."""
    _, store, made = filled(at(11, 0))
    assert [user.interface for user in made.users] == [*(phone for phone, *_ in site.AGENTS), None, None]
    assert [user.role for user in made.users[-2:]] == ["supervisor", "admin"]
    for user in made.users:
        account = store.account(user.login)
        assert account is not None
        assert (account.name, account.role) == (user.name, user.role)
        assert account.password_hash == f"hash of {user.password}"
        assert len(user.password) >= 12
    assert set(store.teams().values()) == {team for *_, team in site.AGENTS}


def test_the_same_seed_makes_the_same_world() -> None:
    """Two fills at the same time are equal; a CRM that holds customers keeps them."""
    now = at(11, 0)
    crm, store, made = filled(now)
    other, _, again = filled(now)
    assert made.callers == again.callers
    party = crm.lookup(made.callers[0])[0].party.id
    assert crm.profile(party) == other.profile(party)
    assert crm.business(party) == other.business(party)
    crm.add_note(party, "留着", "lin", at=now)
    before = store.calls_since(0)
    third = sample.fill(crm, store, now + 9, lambda word: word, password="a longer password")
    assert third.callers == made.callers
    assert crm.profile(party).notes[0].text == "留着"
    assert store.calls_since(0) == before


def test_numbers_are_in_the_range_of_their_city() -> None:
    """Every customer's mobile has the region of its firm's city."""
    crm, _, made = filled(at(11, 0))
    for caller in dict.fromkeys(made.callers):
        for match in crm.lookup(caller):
            number = canonical(caller)
            if match.level == "exact" and number.cls == "mobile" and match.party.company and number.region:
                city = match.party.company[:2]
                assert city in number.region or match.party.category in ("peer", "truck", "sea", "water", "rail")
