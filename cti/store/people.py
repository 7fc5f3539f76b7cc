"""Users, their phones, their sessions: implements `cti.auth.Accounts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from crm_bridge import sql
from cti.auth import Account, StoredSession
from cti.store import tables
from cti.store.base import Base


class People(Base):
    """The part of the store that keeps users and sessions."""

    def add_user(self, account: Account, team: str = "") -> None:
        """Make a user, or replace the one of this login; a phone belongs to the last user it was given to."""
        row = {
            "login": account.login,
            "name": account.name,
            "role": account.role,
            "password": account.password_hash,
            "team": team,
            "language": account.language,
            "disabled": account.disabled,
        }
        with self._write() as connection:
            sql.upsert(connection, tables.user, [row])
            _set_interfaces(connection, account.login, account.interfaces)

    def account(self, login: str) -> Account | None:
        """The user of that login."""
        return next(iter(self._accounts(tables.user.c.login == login)), None)

    def accounts(self) -> list[Account]:
        """All users, by login."""
        return self._accounts(sa.true())

    def teams(self) -> dict[str, str]:
        """{interface: team} of every user's phones; the board groups by it."""
        query = sa.select(tables.interface.c.interface, tables.user.c.team).join_from(
            tables.interface, tables.user, tables.interface.c.login == tables.user.c.login
        )
        with self._read() as connection:
            return {row.interface: row.team for row in connection.execute(query) if row.team}

    def set_interfaces(self, login: str, interfaces: Sequence[str]) -> None:
        """The phones of a user from now on; those of others are taken away from them."""
        with self._write() as connection:
            _set_interfaces(connection, login, interfaces)

    def set_password(self, login: str, password_hash: str) -> bool:
        """Change a password and end all sessions of the user; False where there is no such user."""
        with self._write() as connection:
            changed = connection.execute(
                sa.update(tables.user).where(tables.user.c.login == login).values(password=password_hash)
            )
            connection.execute(sa.delete(tables.session).where(tables.session.c.login == login))
            return changed.rowcount > 0

    def set_language(self, login: str, language: str) -> None:
        """The language a user chose."""
        with self._write() as connection:
            connection.execute(sa.update(tables.user).where(tables.user.c.login == login).values(language=language))

    def _accounts(self, where: sa.ColumnElement[bool]) -> list[Account]:
        user, interface = tables.user, tables.interface
        query = (
            sa.select(user, interface.c.interface)
            .outerjoin_from(user, interface, interface.c.login == user.c.login)
            .where(where)
            .order_by(user.c.login, interface.c.interface)
        )
        phones: dict[str, list[str]] = {}
        found: dict[str, Any] = {}
        with self._read() as connection:
            for row in connection.execute(query):
                found[row.login] = row
                phones.setdefault(row.login, []).extend([row.interface] if row.interface else [])
        return [
            Account(
                login=login,
                name=row.name,
                role=row.role,
                password_hash=row.password,
                language=row.language,
                interfaces=tuple(phones[login]),
                disabled=row.disabled,
            )
            for login, row in found.items()
        ]

    def create_session(self, session: StoredSession) -> None:
        """Keep a session; the token itself never comes here."""
        row = {
            "token": session.token_hash,
            "login": session.login,
            "created_at": session.created_at,
            "seen_at": session.seen_at,
        }
        with self._write() as connection:
            sql.upsert(connection, tables.session, [row])

    def session(self, token_hash: str) -> StoredSession | None:
        """The session with that hash."""
        with self._read() as connection:
            row = connection.execute(sa.select(tables.session).where(tables.session.c.token == token_hash)).first()
        if row is None:
            return None
        return StoredSession(token_hash=row.token, login=row.login, created_at=row.created_at, seen_at=row.seen_at)

    def sessions(self) -> list[StoredSession]:
        """All sessions, as many as there are browsers."""
        with self._read() as connection:
            return [
                StoredSession(token_hash=row.token, login=row.login, created_at=row.created_at, seen_at=row.seen_at)
                for row in connection.execute(sa.select(tables.session))
            ]

    def touch_session(self, token_hash: str, at: float) -> None:
        """The session was used at `at`; it never looks older than it did."""
        session = tables.session
        with self._write() as connection:
            connection.execute(
                sa.update(session).where(session.c.token == token_hash, session.c.seen_at < at).values(seen_at=at)
            )

    def end_session(self, token_hash: str) -> None:
        """Forget a session."""
        with self._write() as connection:
            connection.execute(sa.delete(tables.session).where(tables.session.c.token == token_hash))

    def end_sessions(self, login: str) -> None:
        """Forget all sessions of a user."""
        with self._write() as connection:
            connection.execute(sa.delete(tables.session).where(tables.session.c.login == login))

    def forget_sessions(self, seen_before: float, created_before: float) -> None:
        """Forget sessions that are over by age."""
        session = tables.session
        with self._write() as connection:
            connection.execute(
                sa.delete(session).where((session.c.seen_at < seen_before) | (session.c.created_at < created_before))
            )


def _set_interfaces(connection: sa.Connection, login: str, interfaces: Sequence[str]) -> None:
    interface = tables.interface
    connection.execute(sa.delete(interface).where(interface.c.login == login))
    rows = [{"interface": phone, "login": login} for phone in dict.fromkeys(interfaces)]
    sql.upsert(connection, interface, rows)
