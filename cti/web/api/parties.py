"""Customers: search, forms, new ones, changed fields, remarks and business records."""

from __future__ import annotations

import msgspec
from aiohttp import web

from crm_bridge import model
from cti import privacy
from cti.web.api.reading import number_of
from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer
from cti.wire import customers as shapes

MAX_VALUE = 4000
"Characters of one value."
MAX_FIELDS = 100


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """Body of PATCH /parties/{id}."""

    fields: dict[str, str]
    version: int
    "The party's version the change was made from."


class NewParty(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /parties."""

    fields: dict[str, str]
    number: str | None = None
    call: str | None = None
    "The call the customer is on: he is chosen for it."


class NewBusiness(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /parties/{id}/business."""

    fields: dict[str, str]


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /parties/{id}/notes."""

    text: str
    call: str | None = None


class ProfileAnswer(msgspec.Struct, kw_only=True):
    """A party's profile."""

    profile: model.Profile


class BusinessAnswer(msgspec.Struct, kw_only=True):
    """A business record as it was saved."""

    record: model.BusinessRecord


class NoteAnswer(msgspec.Struct, kw_only=True):
    """A remark as it was saved."""

    note: model.Note


class PartiesAnswer(msgspec.Struct, kw_only=True):
    """What a search found."""

    parties: tuple[model.Party, ...]


class FormAnswer(msgspec.Struct, kw_only=True):
    """An empty form, and the categories to choose from."""

    fields: tuple[model.Field, ...]
    categories: tuple[model.Category, ...]


def _checked(fields: dict[str, str]) -> dict[str, str]:
    if len(fields) > MAX_FIELDS or any(len(k) > 100 or len(v) > MAX_VALUE for k, v in fields.items()):
        raise Refusal(413, "too_long", "内容过长", "Too long")
    if any(privacy.is_masked(value) for value in fields.values()):
        raise Refusal(422, "masked", "遮盖的内容不能保存", "What is masked cannot be saved")
    return fields


async def change(request: Request) -> web.StreamResponse:
    """Change fields of a party."""
    body = await request.body(Changes)
    profile = await request.desk.save_fields(request.who, request.path("id"), _checked(body.fields), body.version)
    return answer(ProfileAnswer(profile=profile))


async def create(request: Request) -> web.StreamResponse:
    """A new customer."""
    body = await request.body(NewParty)
    if body.number is not None and len(body.number) > 256:
        raise Refusal(413, "too_long", "号码过长", "The number is too long")
    profile = await request.desk.create_party(request.who, _checked(body.fields), body.number, body.call)
    return answer(ProfileAnswer(profile=profile), 201)


async def business_of(request: Request) -> web.StreamResponse:
    """A customer's business records, newest first."""
    customers, key = request.services.customers, request.path("id")
    limit = number_of(request, "limit", 50, 1, 200)
    found = await customers.ask(lambda crm: crm.business(key, limit))
    customers.audit(request.who, "party.business", key)
    sight = customers.sight(request.who)
    records = tuple(privacy.business(record, sight) for record in found.items)
    return answer(shapes.BusinessListAnswer(records=records, total=found.total))


async def chats_of(request: Request) -> web.StreamResponse:
    """A customer's chat messages, newest first."""
    customers, key = request.services.customers, request.path("id")
    limit = number_of(request, "limit", 50, 1, 200)
    found = await customers.ask(lambda crm: crm.chats(key, limit))
    customers.audit(request.who, "party.chats", key)
    return answer(shapes.ChatListAnswer(messages=found.items, total=found.total))


async def business(request: Request) -> web.StreamResponse:
    """A new business record."""
    body = await request.body(NewBusiness)
    record = await request.desk.add_business(request.who, request.path("id"), _checked(body.fields))
    return answer(BusinessAnswer(record=record), 201)


async def note(request: Request) -> web.StreamResponse:
    """A new remark."""
    body = await request.body(NewNote)
    if not body.text.strip():
        raise Refusal(422, "empty", "备注是空的", "The note is empty")
    if len(body.text) > MAX_VALUE:
        raise Refusal(413, "too_long", f"备注最多 {MAX_VALUE} 字", f"A note holds {MAX_VALUE} characters")
    saved = await request.desk.add_note(request.who, request.path("id"), body.text, body.call)
    return answer(NoteAnswer(note=saved), 201)


async def search(request: Request) -> web.StreamResponse:
    """Search the customers."""
    text = (request.query("q") or "").strip()
    if not text:
        return answer(PartiesAnswer(parties=()))
    if len(text) > 100:
        raise Refusal(413, "too_long", "搜索词过长", "The search text is too long")
    return answer(PartiesAnswer(parties=tuple(await request.desk.search(request.who, text))))


async def form(request: Request) -> web.StreamResponse:
    """The empty form of a category."""
    fields, categories = await request.desk.form(request.who, request.path("category"))
    return answer(FormAnswer(fields=tuple(fields), categories=tuple(categories)))


ROUTES = (
    Route(
        method="GET",
        path="/parties",
        right="desk",
        handler=search,
        summary="Search customers",
        answer=PartiesAnswer,
        query=("q",),
    ),
    Route(
        method="POST",
        path="/parties",
        right="edit",
        handler=create,
        summary="A new customer",
        body=NewParty,
        answer=ProfileAnswer,
        status=201,
    ),
    Route(
        method="PATCH",
        path="/parties/{id}",
        right="edit",
        handler=change,
        summary="Change fields",
        body=Changes,
        answer=ProfileAnswer,
    ),
    Route(
        method="GET",
        path="/parties/{id}/business",
        right="customers",
        handler=business_of,
        summary="A customer's business records",
        answer=shapes.BusinessListAnswer,
        query=("limit",),
    ),
    Route(
        method="GET",
        path="/parties/{id}/chats",
        right="customers",
        handler=chats_of,
        summary="A customer's chat messages",
        answer=shapes.ChatListAnswer,
        query=("limit",),
    ),
    Route(
        method="POST",
        path="/parties/{id}/business",
        right="edit",
        handler=business,
        summary="A new business record",
        body=NewBusiness,
        answer=BusinessAnswer,
        status=201,
    ),
    Route(
        method="POST",
        path="/parties/{id}/notes",
        right="edit",
        handler=note,
        summary="A new remark",
        body=NewNote,
        answer=NoteAnswer,
        status=201,
    ),
    Route(
        method="GET",
        path="/forms/{category}",
        right="desk",
        handler=form,
        summary="The empty form of a category",
        answer=FormAnswer,
    ),
)
