"""Opens the site's CRM: at the start, never in its way, again and again until it is there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from crm_bridge import sql
from crm_bridge.live import SiteCrm, open_crm, own_part
from crm_bridge.mapped import Mapping as MappingFile
from crm_bridge.mapped import MappingError
from crm_bridge.model import CrmError
from crm_bridge.numbers import Site
from crm_bridge.writeback import Outbox, Rules, rules_of
from crm_bridge.writeback.intents import KINDS
from cti.settings import CrmSettings

log = logging.getLogger(__name__)

FIRST_S: Final = 1.0
LONGEST_S: Final = 60.0
"Between two tries: doubled from the first to the longest."
PATIENCE_S: Final = 1.0
"How long a question waits for the first try to come to an end."


class Opening:
    """The CRM, once it is there; with a mapping also the outbox of what goes back to it."""

    def __init__(
        self,
        settings: CrmSettings,
        *,
        site: Site,
        timezone: str,
        on_numbers: Callable[[Mapping[str, tuple[str, ...]]], None] | None = None,
    ) -> None:
        """`on_numbers` is told, in another thread, which parties got which number keys."""
        self._settings = settings
        self._site = site
        self._timezone = timezone
        self._on_numbers = on_numbers
        self._crm: SiteCrm | None = None
        self._error: CrmError = CrmError("客户库正在打开", text_en="The CRM is being opened", permanent=False)
        self._lock = threading.Lock()
        self._tried = threading.Event()
        self._stop = threading.Event()
        self._hears: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None
        self._outbox_database: sql.Database | None = None
        self.outbox: Outbox | None = None
        "None until it is open, and where nothing is written back."
        self.rules: Rules | None = None
        self.rules_error: CrmError | None = None
        "Why the rules of the write-back cannot be used: what is to be written back is kept until they can."

    # --- from the event loop -----------------------------------------------------------------------------------

    def start(self, on_open: Callable[[], None] = lambda: None) -> None:
        """Begin; `on_open` is called in another thread when it is there."""
        self._hears.append(on_open)
        self._thread = threading.Thread(target=self._keep_trying, name="crm-open", daemon=True)
        self._thread.start()

    @property
    def ok(self) -> bool:
        """True while it is there, and the site's own behind it answers."""
        crm = self._crm
        return crm is not None and crm.source_ok

    @property
    def is_open(self) -> bool:
        """True once it is there."""
        return self._crm is not None

    def close(self) -> None:
        """Stop trying, and close what is open."""
        self._stop.set()
        with self._lock:
            crm, self._crm = self._crm, None
            database, self._outbox_database = self._outbox_database, None
        if crm is not None:
            crm.close()
        if database is not None:
            database.close()

    # --- from worker threads -----------------------------------------------------------------------------------

    def crm(self) -> SiteCrm:
        """The CRM. Raises CrmError while it is not there; waits a moment where it is just being opened."""
        crm = self._crm
        if crm is not None:
            return crm
        self._tried.wait(PATIENCE_S)
        crm = self._crm
        if crm is None:
            error = CrmError(self._error.text, text_en=self._error.text_en, permanent=False)
            error.guarded = True  # it is tried again here: nobody else need hold back
            raise error
        return crm

    # --- inside ------------------------------------------------------------------------------------------------

    def _keep_trying(self) -> None:
        pause = FIRST_S
        while not self._stop.is_set():
            try:
                crm = self._open()
            except CrmError as error:
                if error.text_en != self._error.text_en:
                    log.warning("the CRM cannot be opened: %s", error.text_en)
                self._error = error
            except Exception as error:
                log.warning("the CRM cannot be opened: %s", type(error).__name__)
                self._error = CrmError("客户库打不开", text_en="The CRM cannot be opened", permanent=False)
            else:
                self._opened(crm)
                return
            self._tried.set()
            self._stop.wait(pause)
            pause = min(LONGEST_S, pause * 2)

    def _opened(self, crm: SiteCrm) -> None:
        with self._lock:
            if not self._stop.is_set():
                self._crm = crm
        self._tried.set()
        if self._crm is not crm:
            crm.close()
            return
        for hear in self._hears:
            hear()

    def _open(self) -> SiteCrm:
        named = self._settings
        self._open_outbox()
        crm = open_crm(
            named.url,
            mapping=named.mapping,
            site=self._site,
            timezone=self._timezone,
            outbox=self.outbox,
            on_numbers=self._on_numbers,
        )
        try:
            # Our own part: theirs may be away, its customers' copies are here.
            own_part(crm).check()
        except BaseException:
            crm.close()
            raise
        return crm

    def _open_outbox(self) -> None:
        """The outbox beside our own tables, where the mapping has rules for it."""
        if not self._settings.mapping or self.outbox is not None:
            return
        path = Path(self._settings.mapping)
        try:
            table = MappingFile.load(path).writeback
        except MappingError as error:
            raise CrmError(error.text, text_en=error.text_en, permanent=True) from error
        if not table:
            return
        try:
            self.rules = rules_of(table, path.parent)
        except CrmError as error:
            log.error("nothing is written back: %s", error.text_en)
            self.rules_error = error
        try:
            database = self._outbox_database or sql.Database(self._settings.url, pool=2)
            self._outbox_database = database
        except sql.SqlError as error:
            raise CrmError(error.text, text_en=error.text_en, permanent=error.permanent) from error
        self.outbox = Outbox(database, kinds=KINDS if self.rules is None else self.rules.kinds)
