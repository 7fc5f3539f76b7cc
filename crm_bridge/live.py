"""The CRM a site has said it uses: the embedded one, or its own by a mapping file with the embedded one beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.index import PhoneIndex
from crm_bridge.mapped import MappedCrm, MappingError
from crm_bridge.mapped import Mapping as MappingFile
from crm_bridge.mapped.crm import Outbox
from crm_bridge.model import CrmError
from crm_bridge.numbers import CHINA, Site
from crm_bridge.writeback import Outbox as KeptOutbox

__all__ = ["SiteCrm", "migrate", "open_crm", "own_part", "require"]

SiteCrm = EmbeddedCrm | MappedCrm


def open_crm(
    url: str,
    *,
    mapping: str | Path | None = None,
    site: Site = CHINA,
    timezone: str = "Asia/Shanghai",
    outbox: Outbox | None = None,
    on_numbers: Callable[[Mapping[str, tuple[str, ...]]], None] | None = None,
    keep: bool = True,
) -> SiteCrm:
    """Open it, and with a mapping keep its index current until it is closed (unless not `keep`). Raises CrmError.

    `url` is the embedded CRM's; with a mapping it holds the index and what is typed here. `on_numbers` is told which
    parties got which number keys, in the thread of the sync, so that past calls can be linked.
    """
    if not mapping:
        return EmbeddedCrm(url, site=site, timezone=timezone)
    try:
        file = MappingFile.load(mapping)
    except MappingError as error:
        raise CrmError(error.text, text_en=error.text_en, permanent=True) from error
    local = EmbeddedCrm(url, site=site, timezone=timezone)
    try:
        crm = MappedCrm(file, local, outbox=outbox, on_numbers=on_numbers)
    except BaseException:
        local.close()
        raise
    if keep:
        crm.start()
    return crm


def own_part(crm: SiteCrm) -> EmbeddedCrm:
    """The embedded CRM of either: where categories, chats, articles and what is typed here are kept."""
    return crm.local if isinstance(crm, MappedCrm) else crm


def migrate(url: str, *, mapping: str | Path | None = None) -> None:
    """Bring our own tables at `url` to this program's revisions, with a mapping those beside it, too. Raises CrmError.

    SQLite's migrate themselves when opened; a server's only here. Several programs may do it at once.
    """
    for part in _parts(url, mapping):
        part.migrate()


def require(url: str, *, mapping: str | Path | None = None) -> None:
    """Raises CrmError unless our own tables at `url` are this program's: permanent for older or newer ones."""
    for part in _parts(url, mapping):
        part.check()


def _parts(url: str, mapping: str | Path | None) -> Iterator[EmbeddedCrm | KeptOutbox | PhoneIndex]:
    crm = EmbeddedCrm(url)
    try:
        yield crm
        if mapping:
            yield KeptOutbox(crm.database)
            yield PhoneIndex(crm, "", clock=lambda: 0.0)
    finally:
        crm.close()
