"""The CRM of a site that has none: real tables for all six sections, in SQLite or a server database."""

from crm_bridge.embedded import chat_tables, knowledge_tables  # noqa: F401 - the metadata is whole with them
from crm_bridge.embedded.crm import EmbeddedCrm

__all__ = ["EmbeddedCrm"]
