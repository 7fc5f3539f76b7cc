"""The tables of three more CRMs, and a world's rows in them."""

from __future__ import annotations

from tests.crm.mapped.schemas import ESPOCRM, START, SUITECRM, USER, VTIGER, Rows, Schema, stamp
from tests.crm.mapped.world import Person


def _e164(text: str) -> str | None:
    """What Odoo's `phone_sanitized` holds: only where the number was easy."""
    plain = text.replace(" ", "").replace("-", "")
    return plain if plain.startswith("+86") and plain[1:].isdigit() else None


ODOO = Schema(
    preset="odoo",
    server="postgresql",
    tables={
        "res_users": "id integer PRIMARY KEY, login varchar",
        "res_partner": "id integer PRIMARY KEY, name varchar, is_company boolean, parent_id integer, phone varchar,"
        " mobile varchar, phone_sanitized varchar, email varchar, function varchar, comment text, user_id integer,"
        " write_date timestamp, active boolean",
        "crm_lead": "id integer PRIMARY KEY, name varchar, contact_name varchar, partner_name varchar,"
        " partner_id integer, phone varchar, mobile varchar, phone_sanitized varchar, description text,"
        " expected_revenue numeric, probability double precision, date_deadline date, create_date timestamp,"
        " write_date timestamp, active boolean, user_id integer",
        "sale_order": "id integer PRIMARY KEY, name varchar, date_order timestamp, state varchar, validity_date date,"
        " amount_total numeric, partner_id integer, note text",
        "mail_message": "id integer PRIMARY KEY, model varchar, res_id integer, message_type varchar, body text,"
        " date timestamp, author_id integer",
    },
    base=lambda: [("res_users", {"id": 1, "login": USER})],
    firm=lambda f: [
        (
            "res_partner",
            {
                "id": f.id,
                "name": f.name,
                "is_company": True,
                "phone": f.phone or None,
                "phone_sanitized": _e164(f.phone),
                "comment": f.note or None,
                "user_id": 1,
                "write_date": stamp(f.id),
                "active": not f.deleted,
            },
        )
    ],
    person=lambda p: [
        (
            "res_partner",
            {
                "id": 1000 + p.id,
                "name": p.name,
                "is_company": False,
                "parent_id": p.firm,
                "phone": (f"{p.work} / {p.home}" if p.work and p.home else p.work or p.home) or None,
                "mobile": p.mobile or None,
                "phone_sanitized": _e164(p.mobile),
                "function": "采购",
                "comment": p.note or None,
                "user_id": 1,
                "write_date": stamp(p.id),
                "active": not p.deleted,
            },
        )
    ],
    history=lambda firm: [
        (
            "crm_lead",
            {
                "id": 1,
                "name": "轴承 2 柜",
                "partner_id": firm,
                "expected_revenue": 3700,
                "probability": 100.0,
                "create_date": START,
                "write_date": START,
                "active": True,
            },
        ),
        (
            "sale_order",
            {
                "id": 1,
                "name": "S01001",
                "date_order": START,
                "state": "sent",
                "validity_date": "2099-12-31",
                "amount_total": 3900,
                "partner_id": firm,
            },
        ),
        (
            "mail_message",
            {
                "id": 1,
                "model": "res.partner",
                "res_id": firm,
                "message_type": "comment",
                "body": "<p>月结 30 天</p>",
                "date": START,
            },
        ),
    ],
    sections=("business", "quotes", "notes"),
    person_table=("res_partner", "id", "mobile"),
)


DOLIBARR = Schema(
    preset="dolibarr",
    server="mariadb",
    tables={
        "llx_user": "rowid int PRIMARY KEY, login varchar(50)",
        "llx_societe": "rowid int PRIMARY KEY, nom varchar(128), phone varchar(30), fax varchar(30),"
        " email varchar(128), client tinyint, note_private text, tms timestamp NULL",
        "llx_societe_commerciaux": "rowid int AUTO_INCREMENT PRIMARY KEY, fk_soc int, fk_user int, KEY (fk_soc)",
        "llx_socpeople": "rowid int PRIMARY KEY, fk_soc int, firstname varchar(50), lastname varchar(50),"
        " poste varchar(80), phone varchar(30), phone_perso varchar(30), phone_mobile varchar(30), fax varchar(30),"
        " email varchar(255), birthday date, note_private text, statut tinyint, tms timestamp NULL",
        "llx_propal": "rowid int PRIMARY KEY, ref varchar(30), fk_soc int, datep date, fin_validite datetime,"
        " fk_statut smallint, total_ht double(24,8), multicurrency_code varchar(3), note_public text, KEY (fk_soc)",
        "llx_commande": "rowid int PRIMARY KEY, ref varchar(30), fk_soc int, date_commande date,"
        " total_ht double(24,8), multicurrency_code varchar(3), note_public text, KEY (fk_soc)",
        "llx_actioncomm": "id int PRIMARY KEY, fk_soc int, fk_user_author int, datep datetime, label varchar(255),"
        " note text, KEY (fk_soc)",
    },
    base=lambda: [("llx_user", {"rowid": 1, "login": USER})],
    firm=lambda f: [
        (
            "llx_societe",
            {
                "rowid": f.id,
                "nom": f.name + ("（停用）" if f.deleted else ""),
                "phone": "" if f.deleted else f.phone,
                "client": 1,
                "note_private": f.note,
                "tms": stamp(f.id),
            },
        ),
        ("llx_societe_commerciaux", {"fk_soc": f.id, "fk_user": 1}),
    ],
    person=lambda p: [
        (
            "llx_socpeople",
            {
                "rowid": p.id,
                "fk_soc": p.firm,
                "firstname": p.given,
                "lastname": p.family,
                "poste": "采购",
                "phone": p.work,
                "phone_perso": p.home,
                "phone_mobile": p.mobile,
                "note_private": p.note,
                "statut": int(not p.deleted),
                "tms": stamp(p.id),
            },
        )
    ],
    history=lambda firm: [
        (
            "llx_commande",
            {
                "rowid": 1,
                "ref": "轴承 2 柜",
                "fk_soc": firm,
                "date_commande": "2026-03-01",
                "total_ht": 3700,
                "multicurrency_code": "USD",
            },
        ),
        (
            "llx_propal",
            {
                "rowid": 1,
                "ref": "PR1001",
                "fk_soc": firm,
                "datep": "2026-03-01",
                "fin_validite": "2099-12-31",
                "fk_statut": 1,
                "total_ht": 3900,
            },
        ),
        (
            "llx_actioncomm",
            {"id": 1, "fk_soc": firm, "fk_user_author": 1, "datep": START, "label": "月结 30 天", "note": ""},
        ),
    ],
    sections=("business", "quotes", "notes"),
    person_table=("llx_socpeople", "rowid", "phone_mobile"),
)


def _wukong_person(p: Person) -> Rows:
    rows: Rows = [
        (
            "wk_crm_contacts",
            {
                "contacts_id": p.id,
                "name": p.name,
                "mobile": p.mobile,
                "telephone": p.work,
                "post": "采购",
                "customer_id": p.firm or 0,
                "remark": p.note,
                "owner_user_id": 1,
                "update_time": stamp(p.id),
                "batch_id": f"p{p.id:031d}",
            },
        )
    ]
    if p.home:  # a field of the site's own
        data = {
            "field_id": 31,
            "name": "field_home",
            "value": p.home,
            "batch_id": f"p{p.id:031d}",
            "create_time": START,
        }
        rows.append(("wk_crm_contacts_data", data))
    return [] if p.deleted else rows


_DATA = (
    "id int AUTO_INCREMENT PRIMARY KEY, field_id int, name varchar(255), value longtext, create_time datetime,"
    " batch_id varchar(32), KEY (batch_id), KEY (name)"
)

WUKONG = Schema(
    preset="wukong11",
    server="mariadb",
    tables={
        "wk_admin_user": "user_id bigint PRIMARY KEY, username varchar(255), realname varchar(50)",
        "wk_crm_customer": "customer_id int PRIMARY KEY, customer_name varchar(255), mobile varchar(255),"
        " telephone varchar(255), email varchar(225), remark varchar(3000), owner_user_id bigint,"
        " update_time datetime, last_time datetime, status int, batch_id varchar(32), KEY (update_time)",
        "wk_crm_contacts": "contacts_id int PRIMARY KEY, name varchar(100), mobile varchar(255),"
        " telephone varchar(255), email varchar(255), post varchar(255), customer_id int, remark varchar(2048),"
        " owner_user_id bigint, update_time datetime, last_time datetime, batch_id varchar(32), KEY (customer_id)",
        "wk_crm_leads": "leads_id int PRIMARY KEY, leads_name varchar(255), mobile varchar(255),"
        " telephone varchar(255), email varchar(255), remark varchar(2048), owner_user_id bigint,"
        " is_transform int, update_time datetime, batch_id varchar(32)",
        "wk_crm_field": "field_id int PRIMARY KEY, field_name varchar(255), name varchar(255), type int",
        "wk_crm_customer_data": _DATA,
        "wk_crm_contacts_data": _DATA,
        "wk_crm_business": "business_id int PRIMARY KEY, business_name varchar(255), money decimal(18,2),"
        " remark varchar(1024), status_id int, status int, is_end int, deal_date datetime, create_time datetime,"
        " customer_id int, owner_user_id bigint",
        "wk_crm_business_status": "status_id int PRIMARY KEY, name varchar(50)",
        "wk_crm_activity": "activity_id int PRIMARY KEY, type int, activity_type int, activity_type_id int,"
        " content text, create_user_id bigint, create_time datetime, KEY (activity_type_id)",
    },
    base=lambda: [
        ("wk_admin_user", {"user_id": 1, "username": USER, "realname": "林知夏"}),
        ("wk_crm_field", {"field_id": 30, "field_name": "level", "name": "客户级别", "type": 3}),
        ("wk_crm_field", {"field_id": 31, "field_name": "field_home", "name": "家庭电话", "type": 7}),
    ],
    firm=lambda f: [
        (
            "wk_crm_customer",
            {
                "customer_id": f.id,
                "customer_name": f.name,
                "mobile": f.other,
                "telephone": f.phone,
                "remark": f.note,
                "owner_user_id": 1,
                "update_time": stamp(f.id),
                "status": 3 if f.deleted else 1,
                "batch_id": f"c{f.id:031d}",
            },
        ),
        (
            "wk_crm_customer_data",
            {"field_id": 30, "name": "level", "value": "A", "batch_id": f"c{f.id:031d}", "create_time": START},
        ),
    ],
    person=_wukong_person,
    history=lambda firm: [
        ("wk_crm_business_status", {"status_id": 1, "name": "方案/报价"}),
        (
            "wk_crm_business",
            {
                "business_id": 1,
                "business_name": "轴承 2 柜",
                "money": 3700,
                "status_id": 1,
                "status": 1,
                "is_end": 1,
                "create_time": START,
                "customer_id": firm,
                "owner_user_id": 1,
            },
        ),
        (
            "wk_crm_activity",
            {
                "activity_id": 1,
                "type": 1,
                "activity_type": 2,
                "activity_type_id": firm,
                "content": "月结 30 天",
                "create_user_id": 1,
                "create_time": START,
            },
        ),
    ],
    sections=("business", "notes"),
    person_table=("wk_crm_contacts", "contacts_id", "mobile"),
)

ALL = (SUITECRM, ESPOCRM, VTIGER, ODOO, DOLIBARR, WUKONG)
