"""Calls of every kind, for the tests of the store."""

from __future__ import annotations

from hypothesis import strategies as st

from cti.calls.record import Call, Missed, Refused, Talk, Transfer, Visit

T0 = 1_780_000_000.0

_text = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12))
_at = st.one_of(st.none(), st.floats(T0, T0 + 9000))
_span = st.one_of(st.none(), st.floats(0, 900))
_outcome = st.sampled_from(
    ["answered", "abandoned", "timeout", "empty", "key", "withdrawn", "redirected", "pbx_restart", "unknown"]
)
_missed = st.builds(Missed, agent=_text, interface=st.just("PJSIP/1001"), ring_s=st.floats(0, 60))
_visit = st.builds(
    Visit,
    queue=st.sampled_from(["europe", "seasia"]),
    joined_at=_at,
    left_at=_at,
    outcome=_outcome,
    answered_at=_at,
    wait_s=_span,
    agent=_text,
    interface=_text,
    missed=st.lists(_missed, max_size=2).map(tuple),
)
_refused = st.builds(Refused, queue=st.just("q"), reason=st.sampled_from(["full", "empty"]), at=st.just(T0))
calls = st.builds(
    Call,
    id=st.from_regex(r"[a-z0-9.\-]{1,20}", fullmatch=True),
    direction=st.sampled_from([None, "inbound", "outbound", "internal"]),
    caller=_text,
    dialed=_text,
    started_at=_at,
    ended_at=_at,
    refused=st.lists(st.builds(Refused, queue=st.just("q"), reason=st.just("full"), at=st.just(T0)), max_size=1).map(
        tuple
    ),
    visits=st.lists(_visit, max_size=3).map(tuple),
    talks=st.lists(
        st.builds(Talk, interface=st.just("PJSIP/1001"), agent=_text, from_=st.floats(T0, T0 + 99), to=_at), max_size=2
    ).map(tuple),
    transfers=st.lists(
        st.builds(Transfer, kind=st.sampled_from(["blind", "attended"]), by=_text, to=_text, at=st.just(T0)), max_size=2
    ).map(tuple),
    partial=st.booleans(),
    gap=st.booleans(),
)


def call(
    call_id: str = "c1",
    *,
    caller: str | None = "013812345678",
    at: float = T0,
    wait: float = 6.0,
    talk: float | None = 60.0,
    interface: str = "PJSIP/8001",
    missed: tuple[str, ...] = (),
    ended: bool = True,
) -> Call:
    """An inbound call to the queue europe, answered after `wait` seconds, or abandoned where `talk` is None."""
    joined = at + 5
    left = joined + wait
    visit = Visit(
        queue="europe",
        joined_at=joined,
        left_at=left,
        outcome="abandoned" if talk is None else "answered",
        answered_at=None if talk is None else left,
        wait_s=wait,
        agent=None if talk is None else "林知夏",
        interface=None if talk is None else interface,
        missed=tuple(Missed(agent=None, interface=phone, ring_s=10.0) for phone in missed),
    )
    end = left + (talk or 0.0)
    talks = () if talk is None else (Talk(interface=interface, agent="林知夏", from_=left, to=end if ended else None),)
    return Call(
        id=call_id,
        direction="inbound",
        caller=caller,
        dialed="4000001313",
        started_at=at,
        ended_at=end if ended else None,
        refused=(),
        visits=(visit,),
        talks=talks,
        transfers=(),
    )
