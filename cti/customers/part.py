"""The customers of one service: the CRM, what comes from chat platforms, what goes back, and what pages ask."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from crm_bridge.chat.archive import ChatArchive, Stored
from crm_bridge.chat.intake import Intake, Receipt
from crm_bridge.chat.message import Options, Tally
from crm_bridge.chat.reading import read_file
from crm_bridge.live import SiteCrm, own_part
from crm_bridge.mapped import MappedCrm
from crm_bridge.model import CrmError
from crm_bridge.numbers import Site, canonical
from crm_bridge.writeback import Counts
from cti import events, wire
from cti.auth import Identity
from cti.customers.back import Back
from cti.customers.opening import Opening
from cti.customers.relink import Relink
from cti.floor import Floor
from cti.nodes.sharing import Reread, Sharing
from cti.popup.lanes import Away, Lane, Late
from cti.privacy import Privacy, Sight
from cti.settings import Settings
from cti.store import Store, StoreError
from cti.ticker import steady_clock
from cti.web.ports import Refusal
from cti.web.refusing import RETRY_S, refusal_of
from cti.wire.customers import ImportAnswer, WriteBackAnswer

T = TypeVar("T")
log = logging.getLogger(__name__)

ASK_S: Final = 5.0
PUSH_S: Final = 10.0
BULK_S: Final = 600.0
NONE: Final = Counts(waiting=0, retrying=0, refused=0, done=0, oldest=None)


class Customers:
    """Everything of one site's customers; implements `web.ports.customers.Customers`."""

    def __init__(
        self,
        settings: Settings,
        opening: Opening,
        store: Store,
        floor: Floor,
        privacy: Privacy,
        sharing: Sharing,
        *,
        clock: Callable[[], float],
    ) -> None:
        """`opening` is started by whoever made it; `clock` is the PBX's."""
        self.opening = opening
        self._privacy = privacy
        site = Site(area_code=settings.site.area_code)
        self._store = store
        self._floor = floor
        self._sharing = sharing
        self._clock = clock
        self._platforms = settings.chat
        self._zone = ZoneInfo(settings.site.timezone)
        self._intakes: dict[str, Intake] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        # What pages search never takes a thread from the pops, a file never from the pages.
        self._asking = _lane("crm-pages", 2, ASK_S)
        self._pushing = _lane("crm-intake", 2, PUSH_S)
        self._bulk = _lane("crm-bulk", 1, BULK_S)
        self._upkeep = _lane("crm-upkeep", 1, 60.0)
        self.back = Back(store, opening, run=self._upkeep.run, clock=clock)
        self.relink = Relink(
            store,
            opening.crm,
            run=self._upkeep.run,
            clock=clock,
            on_link=self.back.relinked,
            on_keys=lambda keys: floor.look_again(keys, lambda number: canonical(number, site).key),
        )
        self._tasks: set[asyncio.Task[None]] = set()

    # --- life --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write back and link past calls, for ever."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.back.run())
            tasks.create_task(self.relink.run())

    def on_event(self, event: events.Event) -> None:
        """Hears the bus."""
        self.back.on_event(event)

    def opened(self) -> None:
        """The CRM is there; from another thread."""
        self.back.opened()

    async def close(self) -> None:
        """Wait for what is still to be written down, and let the threads go."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in (self._asking, self._pushing, self._bulk, self._upkeep):
            lane.close()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """For the metrics."""
        return (self._asking, self._pushing, self._bulk, self._upkeep)

    # --- what pages ask ----------------------------------------------------------------------------------------

    async def ask(self, call: Callable[[SiteCrm], T]) -> T:
        """See the port."""
        return await self._refusing(self._asking.run(lambda: call(self.opening.crm())))

    def sight(self, identity: Identity) -> Sight:
        """See the port."""
        return self._privacy.of(identity.role)

    def on_the_line(self, identity: Identity, party: str) -> bool:
        """See the port."""
        for pop in self._floor.session.pops_of(identity.login):
            if pop.party is not None and pop.party.id == party:
                return True
        return False

    def audit(self, identity: Identity, action: str, subject: str, detail: str = "") -> None:
        """See the port."""
        at = self._clock()
        self._later(lambda: self._store.add_audit(at, identity.login, action, subject, detail), action)

    def changed(self, parties: Collection[str], sections: Collection[wire.SectionName]) -> None:
        """See the port."""
        self._sharing.share(Reread(parties=tuple(parties), sections=tuple(sections)))

    def noted(self, call: str) -> None:
        """A note of a call was saved, or somebody said whose it was."""
        self.back.noted(call)

    def numbers_changed(self, party: str) -> None:
        """See the port."""
        self.relink.party(party)

    # --- chats -------------------------------------------------------------------------------------------------

    def admit(self, platform: str, token: str) -> None:
        """See the port."""
        known = self._platforms.get(platform)
        right = known.token if known is not None else "\0" * 32
        # Compared whole also where there is no such platform: the time it takes says nothing.
        if not hmac.compare_digest(right.encode(), token.encode("utf-8", "replace")) or known is None:
            raise Refusal(401, "no_token", "平台或令牌不对", "No such platform, or the wrong token")

    async def push(self, platform: str, body: bytes, content_type: str) -> Receipt:
        """See the port."""
        return await self._refusing(
            self._pushing.run(lambda: self._intake(platform).push(platform, body, content_type))
        )

    def _intake(self, platform: str) -> Intake:
        own = own_part(self.opening.crm())
        intake = self._intakes.get(platform)
        if intake is None:
            told = self._platforms[platform]
            intake = self._intakes[platform] = Intake(
                own,
                zone=self._zone,
                shapes={platform: told.shape},
                accounts={platform: told.accounts},
                on_arrival=self._arrived,
                prospects=told.prospects,
                prospect_category=told.prospect_category,
            )
        return intake

    def _arrived(self, stored: Stored) -> None:
        """A new message, in the thread of its push."""
        crm = self.opening.crm()
        if stored.prospect and stored.party_id is not None and isinstance(crm, MappedCrm):
            crm.tell_prospect(stored.party_id)
        if stored.account_id is None or self._loop is None:
            return
        parties = {stored.account_id, stored.party_id or stored.account_id}
        sections: tuple[wire.SectionName, ...] = ("chat", "quotes") if stored.enquiry else ("chat",)
        self._loop.call_soon_threadsafe(self.changed, parties, sections)

    async def import_chats(self, path: Path, name: str, ours: Collection[str], account: str) -> ImportAnswer:
        """See the port."""
        stem = Path(name).stem
        options = Options(zone=self._zone, ours=frozenset(ours), name=stem)

        def read() -> ImportAnswer:
            tally = Tally()
            archive = ChatArchive(own_part(self.opening.crm()))
            report = archive.add(read_file(path, options, tally), account=account)
            return ImportAnswer(report=report, odd=tally.odd)

        return await self._refusing(self._bulk.run(read))

    # --- write-back --------------------------------------------------------------------------------------------

    async def writeback(self, state: Any, limit: int) -> WriteBackAnswer:
        """See the port."""
        outbox, rules = self.opening.outbox, self.opening.rules
        if outbox is None:
            text, text_en = "没有配置回写", "Nothing is written back"
            return WriteBackAnswer(state="off", text=text, text_en=text_en, kinds=(), counts=NONE, entries=())
        counts, entries = await self._refusing(
            self._asking.run(lambda: (outbox.counts(), tuple(outbox.entries(state, limit))))
        )
        shown, text, text_en = self.back.state()
        kinds = () if rules is None else tuple(sorted(rules.kinds))
        return WriteBackAnswer(state=shown, text=text, text_en=text_en, kinds=kinds, counts=counts, entries=entries)

    async def retry(self, key: str | None) -> int:
        """See the port."""
        outbox = self.opening.outbox
        if outbox is None:
            return 0
        count = await self._refusing(self._asking.run(lambda: outbox.retry(key)))
        if key is not None and not count:
            raise Refusal(404, "not_found", "没有这一条，或已经写入", "No such entry, or it is done")
        return count

    # --- inside ------------------------------------------------------------------------------------------------

    async def _refusing(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except CrmError as error:
            raise refusal_of(error) from None
        except Away:
            raise Refusal(503, "crm", "客户库暂不可用", "The CRM is away", retry_after=RETRY_S) from None
        except Late:
            text, text_en = "客户库没有及时答复，是否已保存尚不确定", "The CRM is slow; perhaps saved"
            raise Refusal(503, "crm", text, text_en, retry_after=RETRY_S) from None

    def _later(self, work: Callable[[], None], what: str) -> None:
        async def run() -> None:
            try:
                await self._upkeep.run(work)
            except (StoreError, Away, Late) as error:
                log.error("not written down: %s (%s)", what, type(error).__name__)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _lane(name: str, workers: int, deadline_s: float) -> Lane:
    return Lane(name, workers, deadline_s=deadline_s, clock=steady_clock, counts=_is_outage)


def _is_outage(error: BaseException) -> bool:
    return not (isinstance(error, CrmError | StoreError) and (error.permanent or getattr(error, "guarded", False)))
