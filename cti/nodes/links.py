"""How the links to all PBXs of the site stand, and what of that the pages are told: the worst."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from cti.wire import LinkView

_WORST: Final = ("refused", "lost", "connecting", "resyncing", "live")


class _One(msgspec.Struct):
    state: Any
    text: str
    text_en: str


class Links:
    """`show` gets the fields of LinkView that change."""

    def __init__(self, names: Iterable[str], first: LinkView, show: Callable[..., None]) -> None:
        """All begin as `first` says."""
        self._show = show
        self._all = {name: _One(first.state, first.text, first.text_en) for name in names}

    def state(self, name: str) -> str:
        """How the link to this PBX stands."""
        return str(self._all[name].state)

    def live(self, name: str) -> bool:
        """True while what is known of this PBX is true."""
        return bool(self._all[name].state == "live")

    def put(self, name: str, state: str, text: str, text_en: str) -> None:
        """This one stands so now."""
        self._all[name] = _One(state, text, text_en)
        worst, one = min(self._all.items(), key=lambda item: _WORST.index(item[1].state))
        several = len(self._all) > 1 and one.state != "live"
        self._show(
            state=one.state,
            text=f"{worst}：{one.text}" if several else one.text,
            text_en=f"{worst}: {one.text_en}" if several else one.text_en,
        )
