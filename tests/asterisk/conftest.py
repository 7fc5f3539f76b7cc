"""What the live tests share: the performances, all played at once on several PBXs, each play once a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

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
    renamed_site = Site(names=RENAMED, hop="/n", systemname="9f2c41d07be3a6c8")
    return _perform(
        "22",
        [
            *(("plain", Site(), share) for share in _shares(_wanted(request.session, "live_play"))),
            ("renamed", renamed_site, _wanted(request.session, "renamed_play")),
        ],
    )


@pytest.fixture(scope="session")
def performances_on_16(request: pytest.FixtureRequest) -> Mapping[tuple[str, str], Performance]:
    """The same on Asterisk 16."""
    shares = _shares(_wanted(request.session, "play_on_16"))
    return _perform("16", [("plain", Site(version="16"), share) for share in shares])


def _shares(plays: Sequence[str]) -> list[Sequence[str]]:
    return [plays[lane::LANES] for lane in range(LANES)]


def _perform(version: str, programme: Sequence[tuple[str, Site, Sequence[str]]]) -> dict[tuple[str, str], Performance]:
    """Perform on several PBXs at once."""
    programs.asterisk_files(version)
    lanes = [(kind, site, plays) for kind, site, plays in programme if plays]
    done = asyncio.run(perform_all([(site, plays) for _, site, plays in lanes]))
    return {(kind, p.play): p for (kind, _, _), lane in zip(lanes, done, strict=True) for p in lane}
