"""The CRM of a site that has none: real tables for all six sections, in SQLite or a server database."""

from crm_bridge.embedded.crm import EmbeddedCrm

__all__ = ["EmbeddedCrm"]
