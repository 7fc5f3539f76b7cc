"""The tables of six CRMs, from what is known of their columns, and a world's rows in them.

Only what a mapping reads stands here, and the columns beside it that could be mistaken for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tests.crm.mapped.world import Firm, Person, World

Rows = list[tuple[str, dict[str, Any]]]
START = datetime.fromisoformat("2026-03-01 08:00:00")
"Of all rows; many share a second, as after an import."
USER = "lin"


def stamp(n: int) -> datetime:
    """A change mark: eight rows each second."""
    return START + timedelta(seconds=n // 8)


def uuid(kind: str, n: int) -> str:
    """An id like those CRMs make them."""
    return f"{kind}{n:08d}-5f1e-4c2a-9d3b-0123456789ab"[:36]


@dataclass
class Schema:
    """One CRM: its server, its tables and how a world stands in them."""

    preset: str
    server: str
    tables: dict[str, str]
    base: Callable[[], Rows]
    firm: Callable[[Firm], Rows]
    person: Callable[[Person], Rows]
    history: Callable[[int], Rows]
    "Business, quotes and notes of a company."
    sections: tuple[str, ...]
    person_table: tuple[str, str, str]
    "(table, key, mobile column) of a row to change; '' for a number in a table of its own."

    def build(self, engine: sa.Engine, world: World) -> None:
        """Make the tables and fill them."""
        quote = engine.dialect.identifier_preparer.quote
        rows = self.base()
        for firm in world.firms:
            rows += self.firm(firm)
        for person in world.people:
            rows += self.person(person)
        rows += self.history(world.firms[0].id)
        with engine.begin() as connection:
            for table, columns in self.tables.items():
                connection.exec_driver_sql(f"CREATE TABLE {quote(table)} ({columns})")
            insert(connection, rows)


def insert(connection: sa.Connection, rows: Rows) -> None:
    """Put rows into tables, each as it stands."""
    batches: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}
    for table, row in rows:
        batches.setdefault((table, tuple(row)), []).append(row)
    for (table, names), batch in batches.items():
        target = sa.table(table, *(sa.column(name) for name in names))
        connection.execute(sa.insert(target), batch)


def _suite_person(p: Person) -> Rows:
    key = uuid("c", p.id)
    rows: Rows = [
        (
            "contacts",
            {
                "id": key,
                "first_name": p.given,
                "last_name": p.family,
                "title": "采购",
                "phone_mobile": p.mobile,
                "phone_work": p.work,
                "phone_home": p.home,
                "description": p.note,
                "date_modified": stamp(p.id),
                "deleted": int(p.deleted),
                "assigned_user_id": uuid("u", 1),
            },
        )
    ]
    if p.firm:
        link = {"id": uuid("l", p.id), "contact_id": key, "account_id": uuid("a", p.firm), "deleted": 0}
        rows.append(("accounts_contacts", link))
    return rows


SUITECRM = Schema(
    preset="suitecrm",
    server="mariadb",
    tables={
        "users": "id char(36) PRIMARY KEY, user_name varchar(60)",
        "accounts": "id char(36) PRIMARY KEY, name varchar(150), account_type varchar(50), phone_office varchar(100),"
        " phone_alternate varchar(100), phone_fax varchar(100), description text, date_modified datetime,"
        " deleted tinyint(1), assigned_user_id char(36)",
        "contacts": "id char(36) PRIMARY KEY, first_name varchar(100), last_name varchar(100), title varchar(100),"
        " phone_mobile varchar(100), phone_work varchar(100), phone_home varchar(100), phone_other varchar(100),"
        " phone_fax varchar(100), assistant_phone varchar(100), description text, birthdate date,"
        " date_modified datetime, deleted tinyint(1), assigned_user_id char(36)",
        "leads": "id char(36) PRIMARY KEY, first_name varchar(100), last_name varchar(100), title varchar(100),"
        " account_name varchar(255), phone_mobile varchar(100), phone_work varchar(100), phone_home varchar(100),"
        " phone_other varchar(100), phone_fax varchar(100), description text, converted tinyint(1),"
        " date_modified datetime, deleted tinyint(1), assigned_user_id char(36)",
        "accounts_contacts": "id char(36) PRIMARY KEY, contact_id char(36), account_id char(36), deleted tinyint(1),"
        " KEY (contact_id)",
        "email_addresses": "id char(36) PRIMARY KEY, email_address varchar(255)",
        "email_addr_bean_rel": "id char(36) PRIMARY KEY, email_address_id char(36), bean_id char(36),"
        " primary_address tinyint(1), deleted tinyint(1), KEY (bean_id)",
        "opportunities": "id char(36) PRIMARY KEY, name varchar(150), description text, amount double,"
        " sales_stage varchar(50), date_closed date, date_entered datetime, deleted tinyint(1)",
        "accounts_opportunities": "id char(36) PRIMARY KEY, opportunity_id char(36), account_id char(36),"
        " deleted tinyint(1), KEY (account_id)",
        "aos_quotes": "id char(36) PRIMARY KEY, number int, name varchar(255), stage varchar(100), expiration date,"
        " total_amount decimal(26,6), billing_account_id char(36), date_entered datetime, deleted tinyint(1)",
        "notes": "id char(36) PRIMARY KEY, parent_id char(36), contact_id char(36), description text,"
        " created_by char(36), date_entered datetime, deleted tinyint(1)",
    },
    base=lambda: [("users", {"id": uuid("u", 1), "user_name": USER})],
    firm=lambda f: [
        (
            "accounts",
            {
                "id": uuid("a", f.id),
                "name": f.name,
                "account_type": "Customer",
                "phone_office": f.phone,
                "phone_alternate": f.other,
                "description": f.note,
                "date_modified": stamp(f.id),
                "deleted": int(f.deleted),
                "assigned_user_id": uuid("u", 1),
            },
        )
    ],
    person=_suite_person,
    history=lambda firm: [
        (
            "opportunities",
            {
                "id": uuid("o", 1),
                "name": "轴承 2 柜",
                "amount": 3700.0,
                "sales_stage": "Closed Won",
                "date_closed": "2026-04-01",
                "date_entered": START,
                "deleted": 0,
            },
        ),
        (
            "accounts_opportunities",
            {"id": uuid("p", 1), "opportunity_id": uuid("o", 1), "account_id": uuid("a", firm), "deleted": 0},
        ),
        (
            "aos_quotes",
            {
                "id": uuid("q", 1),
                "number": 1001,
                "name": "40HQ",
                "stage": "Delivered",
                "expiration": "2099-12-31",
                "total_amount": 3900,
                "billing_account_id": uuid("a", firm),
                "date_entered": START,
                "deleted": 0,
            },
        ),
        (
            "notes",
            {
                "id": uuid("n", 1),
                "parent_id": uuid("a", firm),
                "description": "月结 30 天",
                "date_entered": START,
                "deleted": 0,
            },
        ),
    ],
    sections=("business", "quotes", "notes"),
    person_table=("contacts", "id", "phone_mobile"),
)


def _espo_phones(kind: str, entity: str, numbers: list[tuple[str, str]]) -> Rows:
    rows: Rows = []
    for place, (text, label) in enumerate(numbers):
        if not text:
            continue
        key = f"{entity[0]}{place}{entity[-22:]}"
        digits = "".join(c for c in text if c in "0123456789")
        rows.append(
            (
                "phone_number",
                {
                    "id": key,
                    "name": text[:36],
                    "numeric": digits[:36],
                    "type": label,
                    "invalid": 0,
                    "opt_out": 0,
                    "deleted": 0,
                },
            )
        )
        link = {
            "entity_id": entity,
            "phone_number_id": key,
            "entity_type": kind,
            "primary": int(not place),
            "deleted": 0,
        }
        rows.append(("entity_phone_number", link))
    return rows


ESPOCRM = Schema(
    preset="espocrm",
    server="mariadb",
    tables={
        "user": "id varchar(24) PRIMARY KEY, user_name varchar(50)",
        "account": "id varchar(24) PRIMARY KEY, name varchar(249), type varchar(255), description mediumtext,"
        " modified_at datetime, deleted tinyint(1), assigned_user_id varchar(24)",
        "contact": "id varchar(24) PRIMARY KEY, first_name varchar(100), last_name varchar(100),"
        " account_id varchar(24), description mediumtext, modified_at datetime, deleted tinyint(1),"
        " assigned_user_id varchar(24)",
        "lead": "id varchar(24) PRIMARY KEY, first_name varchar(100), last_name varchar(100),"
        " account_name varchar(100), description mediumtext, modified_at datetime, deleted tinyint(1),"
        " assigned_user_id varchar(24)",
        "phone_number": "id varchar(24) PRIMARY KEY, name varchar(36), `numeric` varchar(36), type varchar(255),"
        " invalid tinyint(1), opt_out tinyint(1), deleted tinyint(1), KEY (name), KEY (`numeric`)",
        "entity_phone_number": "id int AUTO_INCREMENT PRIMARY KEY, entity_id varchar(24), phone_number_id varchar(24),"
        " entity_type varchar(100), `primary` tinyint(1), deleted tinyint(1), KEY (entity_id), KEY (phone_number_id)",
        "opportunity": "id varchar(24) PRIMARY KEY, name varchar(249), description mediumtext, amount double,"
        " amount_currency varchar(3), stage varchar(255), close_date date, account_id varchar(24),"
        " created_at datetime, deleted tinyint(1), KEY (account_id)",
        "note": "id varchar(24) PRIMARY KEY, parent_id varchar(24), parent_type varchar(100), type varchar(24),"
        " post mediumtext, created_at datetime, created_by_id varchar(24), deleted tinyint(1), KEY (parent_id)",
    },
    base=lambda: [("user", {"id": "u1", "user_name": USER})],
    firm=lambda f: [
        (
            "account",
            {
                "id": f"a{f.id:023d}",
                "name": f.name,
                "type": "Customer",
                "description": f.note,
                "modified_at": stamp(f.id),
                "deleted": int(f.deleted),
                "assigned_user_id": "u1",
            },
        ),
        *_espo_phones("Account", f"a{f.id:023d}", [(f.phone, "Office")]),
    ],
    person=lambda p: [
        (
            "contact",
            {
                "id": f"c{p.id:023d}",
                "first_name": p.given,
                "last_name": p.family,
                "account_id": f"a{p.firm:023d}" if p.firm else None,
                "description": p.note,
                "modified_at": stamp(p.id),
                "deleted": int(p.deleted),
                "assigned_user_id": "u1",
            },
        ),
        *_espo_phones("Contact", f"c{p.id:023d}", [(p.mobile, "Mobile"), (p.work, "Office"), (p.home, "Home")]),
    ],
    history=lambda firm: [
        (
            "opportunity",
            {
                "id": "o1",
                "name": "轴承 2 柜",
                "amount": 3700.0,
                "amount_currency": "USD",
                "stage": "Closed Won",
                "close_date": "2026-04-01",
                "account_id": f"a{firm:023d}",
                "created_at": START,
                "deleted": 0,
            },
        ),
        (
            "note",
            {
                "id": "n1",
                "parent_id": f"a{firm:023d}",
                "parent_type": "Account",
                "type": "Post",
                "post": "月结 30 天",
                "created_at": START,
                "created_by_id": "u1",
                "deleted": 0,
            },
        ),
    ],
    sections=("business", "notes"),
    person_table=("contact", "id", ""),
)


def _vtiger_entity(crmid: int, kind: str, n: int, note: str, deleted: bool) -> tuple[str, dict[str, Any]]:
    return (
        "vtiger_crmentity",
        {
            "crmid": crmid,
            "setype": kind,
            "smownerid": 1,
            "description": note,
            "createdtime": START,
            "modifiedtime": stamp(n),
            "deleted": int(deleted),
        },
    )


VTIGER = Schema(
    preset="vtiger",
    server="mariadb",
    tables={
        "vtiger_users": "id int PRIMARY KEY, user_name varchar(255)",
        "vtiger_crmentity": "crmid int PRIMARY KEY, setype varchar(100), smownerid int, description mediumtext,"
        " createdtime datetime, modifiedtime datetime, deleted int, KEY (modifiedtime)",
        "vtiger_account": "accountid int PRIMARY KEY, accountname varchar(100), account_type varchar(200),"
        " phone varchar(30), otherphone varchar(30), fax varchar(30), email1 varchar(100)",
        "vtiger_contactdetails": "contactid int PRIMARY KEY, accountid int, firstname varchar(40),"
        " lastname varchar(80), title varchar(50), phone varchar(50), mobile varchar(50), fax varchar(50),"
        " email varchar(100)",
        "vtiger_contactsubdetails": "contactsubscriptionid int PRIMARY KEY, homephone varchar(50),"
        " otherphone varchar(50), birthday date",
        "vtiger_leaddetails": "leadid int PRIMARY KEY, firstname varchar(40), lastname varchar(80),"
        " company varchar(100), designation varchar(50), email varchar(100), converted int",
        "vtiger_leadaddress": "leadaddressid int PRIMARY KEY, phone varchar(50), mobile varchar(50), fax varchar(50)",
        "vtiger_potential": "potentialid int PRIMARY KEY, potentialname varchar(120), amount decimal(25,8),"
        " sales_stage varchar(200), closingdate date, related_to int, KEY (related_to)",
        "vtiger_quotes": "quoteid int PRIMARY KEY, quote_no varchar(100), subject varchar(100),"
        " quotestage varchar(200), validtill date, total decimal(25,8), accountid int, KEY (accountid)",
        "vtiger_modcomments": "modcommentsid int PRIMARY KEY, commentcontent text, related_to int, KEY (related_to)",
    },
    base=lambda: [("vtiger_users", {"id": 1, "user_name": USER})],
    firm=lambda f: [
        _vtiger_entity(f.id, "Accounts", f.id, f.note, f.deleted),
        (
            "vtiger_account",
            {
                "accountid": f.id,
                "accountname": f.name,
                "account_type": "Customer",
                "phone": f.phone,
                "otherphone": f.other,
            },
        ),
    ],
    person=lambda p: [
        _vtiger_entity(1000 + p.id, "Contacts", p.id, p.note, p.deleted),
        (
            "vtiger_contactdetails",
            {
                "contactid": 1000 + p.id,
                "accountid": p.firm or 0,
                "firstname": p.given,
                "lastname": p.family,
                "title": "采购",
                "phone": p.work,
                "mobile": p.mobile,
            },
        ),
        ("vtiger_contactsubdetails", {"contactsubscriptionid": 1000 + p.id, "homephone": p.home}),
    ],
    history=lambda firm: [
        _vtiger_entity(9001, "Potentials", 1, "", False),
        (
            "vtiger_potential",
            {
                "potentialid": 9001,
                "potentialname": "轴承 2 柜",
                "amount": 3700,
                "sales_stage": "Closed Won",
                "closingdate": "2026-04-01",
                "related_to": firm,
            },
        ),
        _vtiger_entity(9002, "Quotes", 1, "", False),
        (
            "vtiger_quotes",
            {
                "quoteid": 9002,
                "quote_no": "QUO1001",
                "subject": "40HQ",
                "quotestage": "Delivered",
                "validtill": "2099-12-31",
                "total": 3900,
                "accountid": firm,
            },
        ),
        _vtiger_entity(9003, "ModComments", 1, "", False),
        ("vtiger_modcomments", {"modcommentsid": 9003, "commentcontent": "月结 30 天", "related_to": firm}),
    ],
    sections=("business", "quotes", "notes"),
    person_table=("vtiger_contactdetails", "contactid", "mobile"),
)
