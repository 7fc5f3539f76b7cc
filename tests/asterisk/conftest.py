"""What the live tests share: the performances, all played at once on several PBXs, each play once a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.asterisk import programs
from tests.asterisk.performance import Performance, perform_all
from tests.asterisk.plays_all import DISRUPTIVE
from tests.asterisk.site import RENAMED, Site

LANES = 4


def _wanted(session: pytest.Session, name: str) -> list[str]:
    """The plays that the selected tests ask for; those that end the PBX come last."""
    found: list[str] = [
        str(item.callspec.params[name])
        for item in session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec") and name in item.callspec.params
    ]
    return sorted(dict.fromkeys(found), key=lambda play: play in DISRUPTIVE)


@pytest.fixture(scope="session")
def performances(request: pytest.FixtureRequest) -> Mapping[tuple[str, str], Performance]:
    """{("plain" or "renamed", play): how it went}, for the plays that the selected tests ask for."""
    try:
        programs.asterisk_files("22")
    except programs.Unavailable as reason:
        pytest.skip(f"no Asterisk: {reason}")
    plain, renamed = _wanted(request.session, "live_play"), _wanted(request.session, "renamed_play")
    shares = [share for share in (plain[lane::LANES] for lane in range(LANES)) if share]
    programme = [(Site(), share) for share in shares]
    if renamed:
        programme.append((Site(names=RENAMED, hop="/n", systemname="9f2c41d07be3a6c8"), renamed))
    done = asyncio.run(perform_all(programme))
    kinds = ["plain"] * len(shares) + ["renamed"]
    return {(kind, p.play): p for kind, share in zip(kinds, done, strict=False) for p in share}
