"""What the customers' API needs from the rest of the service."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol, TypeVar

from crm_bridge.chat.intake import Receipt
from crm_bridge.live import SiteCrm
from cti import wire
from cti.auth import Identity
from cti.privacy import Sight
from cti.wire.customers import ImportAnswer, WriteBackAnswer

T = TypeVar("T")


class Customers(Protocol):
    """The site's customers. Every method raises Refusal."""

    async def ask(self, call: Callable[[SiteCrm], T]) -> T:
        """What `call` says of the CRM, in a worker thread and within a few seconds."""

    def audit(self, identity: Identity, action: str, subject: str, detail: str = "") -> None:
        """Write down who did what; the answer does not wait for it."""

    def sight(self, identity: Identity) -> Sight:
        """What somebody sees of customers."""

    def on_the_line(self, identity: Identity, party: str) -> bool:
        """True where the party is in a call of his own that he sees now."""

    def changed(self, parties: Collection[str], sections: Collection[wire.SectionName]) -> None:
        """Something of these parties, or of their companies, was saved: open pops read it again."""

    def numbers_changed(self, party: str) -> None:
        """Its numbers changed: past calls are linked anew."""

    def admit(self, platform: str, token: str) -> None:
        """Refuses a platform that is not configured, and a wrong token, alike."""

    async def push(self, platform: str, body: bytes, content_type: str) -> Receipt:
        """An admitted platform's messages."""

    async def import_chats(self, path: Path, name: str, ours: Collection[str], account: str) -> ImportAnswer:
        """A chat file's messages."""

    async def writeback(self, state: str | None, limit: int) -> WriteBackAnswer:
        """How the write-back is."""

    async def retry(self, key: str | None) -> int:
        """Send again at once; how many."""
