"""Somebody else's CRM, read by a mapping file: which tables hold the customers, which columns their numbers.

Nothing here writes to that database. `mapping` is the file, `connect` the only way to the database (read-only, with
deadlines and a breaker), `entities` and `sections` turn its rows into ours, `crm` answers as `crm_bridge.model.Crm`,
`check` tells a site how well its mapping fits. Presets for well-known CRMs are TOML files in `presets/`.
"""

from crm_bridge.mapped.crm import MappedCrm
from crm_bridge.mapped.mapping import Mapping, MappingError

__all__ = ["MappedCrm", "Mapping", "MappingError"]
