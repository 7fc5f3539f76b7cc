"""A store that is closed leaves nothing open."""

from __future__ import annotations

import sqlalchemy as sa

from crm_bridge.sql import Database
from tests.servers.postgresql import Postgresql


def test_connection_in_use_at_the_close_is_closed_when_it_is_given_back(postgresql: Postgresql) -> None:
    """Whoever still reads reads on; afterwards the server has no connection of ours."""
    database = Database(postgresql.create("closed"))
    with database.read() as connection:
        connection.execute(sa.text("SELECT 1"))
        dbapi = connection.connection.dbapi_connection
        assert dbapi is not None
        database.close()
        connection.execute(sa.text("SELECT 1"))
    assert dbapi.closed
