"""The site's chat records, for the commands that change them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from crm_bridge.chat.archive import ChatArchive
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import CrmError
from crm_bridge.numbers import Site
from cti.commands.common import FAILED
from cti.settings import Settings

BY = "cti"
"Who links a conversation from the command line."


def add_config(parser: argparse.ArgumentParser) -> None:
    """Where the settings are."""
    parser.add_argument("--config", metavar="FILE", help="cti.toml (or the variable CTI_CONFIG)")


@contextmanager
def archive_of(settings: Settings) -> Iterator[ChatArchive]:
    """The archive of the site; what the database cannot do ends the command with a sentence and code 1."""
    try:
        crm = EmbeddedCrm(
            settings.crm.url, site=Site(area_code=settings.site.area_code), timezone=settings.site.timezone
        )
        try:
            crm.check()
            yield ChatArchive(crm)
        finally:
            crm.close()
    except CrmError as error:
        print(f"{error.text} / {error.text_en}", file=sys.stderr)
        raise SystemExit(FAILED) from None
