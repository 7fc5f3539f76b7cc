"""Categories of customers and their fields, changed without code; and a customer apart from any call."""

from __future__ import annotations

from aiohttp import web

from crm_bridge.embedded.shape import CatalogueView
from crm_bridge.live import SiteCrm, own_part
from crm_bridge.model import Option
from cti import privacy
from cti.web.api.reading import number_of
from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer
from cti.wire import customers as shapes

MAX_LABEL = 200
MAX_OPTIONS = 200


def _short(*texts: str | None) -> None:
    if any(text is not None and len(text) > MAX_LABEL for text in texts):
        raise Refusal(413, "too_long", "内容过长", "Too long")


async def catalogue(request: Request) -> web.StreamResponse:
    """All categories and fields, retired ones too."""
    return answer(await request.services.customers.ask(lambda crm: own_part(crm).catalogue_view()))


async def changes(request: Request) -> web.StreamResponse:
    """Who changed what."""
    limit = number_of(request, "limit", 100, 1, 1000)
    found = await request.services.customers.ask(lambda crm: own_part(crm).catalogue_changes(limit))
    return answer(shapes.ChangesAnswer(changes=tuple(found)))


async def add_category(request: Request) -> web.StreamResponse:
    """A new category."""
    body, by = await request.body(shapes.CategoryBody), request.who.login
    _short(body.key, body.label, body.label_en)
    view = await request.services.customers.ask(
        lambda crm: own_part(crm).add_category(
            body.key, body.label, body.label_en, by, position=body.position, version=body.version
        )
    )
    request.services.customers.audit(request.who, "catalogue.add", body.key)
    return answer(view, 201)


async def change_category(request: Request) -> web.StreamResponse:
    """Other labels, another place, retired or back."""
    body, by, key = await request.body(shapes.CategoryChange), request.who.login, request.path("key")
    _short(body.label, body.label_en)

    def change(crm: SiteCrm) -> CatalogueView:
        own = own_part(crm)
        if body.retired is None:
            return own.change_category(
                key, by, label=body.label, label_en=body.label_en, position=body.position, version=body.version
            )
        return (own.retire_category if body.retired else own.restore_category)(key, by, version=body.version)

    _one_thing(body.retired is not None, body.label, body.label_en, body.position)
    view = await request.services.customers.ask(change)
    request.services.customers.audit(request.who, "catalogue.change", key)
    return answer(view)


async def add_field(request: Request) -> web.StreamResponse:
    """A new field of a category, or of every one."""
    body, by = await request.body(shapes.FieldBody), request.who.login
    _short(body.category, body.key, body.label, body.label_en)
    _few(body.options)
    view = await request.services.customers.ask(
        lambda crm: own_part(crm).add_field(
            body.category,
            body.key,
            body.label,
            body.label_en,
            by,
            kind=body.kind,
            scope=body.scope,
            required=body.required,
            show_in_pop=body.show_in_pop,
            pii=body.pii,
            options=body.options,
            position=body.position,
            version=body.version,
        )
    )
    request.services.customers.audit(request.who, "catalogue.add", f"{body.category}.{body.key}")
    return answer(view, 201)


async def change_field(request: Request) -> web.StreamResponse:
    """Anything of a field but its key, kind and scope; retired or back."""
    body, by = await request.body(shapes.FieldChange), request.who.login
    category, key = request.path("category"), request.path("key")
    _short(body.label, body.label_en)
    _few(body.options or ())

    def change(crm: SiteCrm) -> CatalogueView:
        own = own_part(crm)
        if body.retired is None:
            return own.change_field(
                category,
                key,
                by,
                label=body.label,
                label_en=body.label_en,
                required=body.required,
                show_in_pop=body.show_in_pop,
                pii=body.pii,
                options=body.options,
                position=body.position,
                version=body.version,
            )
        return (own.retire_field if body.retired else own.restore_field)(category, key, by, version=body.version)

    _one_thing(
        body.retired is not None,
        body.label,
        body.label_en,
        body.required,
        body.show_in_pop,
        body.pii,
        body.options,
        body.position,
    )
    view = await request.services.customers.ask(change)
    request.services.customers.audit(request.who, "catalogue.change", f"{category}.{key}")
    return answer(view)


def _one_thing(retiring: bool, *others: object) -> None:
    if retiring and any(other is not None for other in others):
        raise Refusal(422, "invalid", "停用或恢复要单独提交", "Retiring or restoring goes alone, without other changes")


def _few(options: tuple[Option, ...]) -> None:
    if len(options) > MAX_OPTIONS or any(len(o.value) + len(o.label) + len(o.label_en) > MAX_LABEL for o in options):
        raise Refusal(413, "too_long", "选项过多或过长", "Too many or too long options")


async def party(request: Request) -> web.StreamResponse:
    """A customer's profile, as far as the role may see it."""
    customers, key = request.services.customers, request.path("id")
    profile = await customers.ask(lambda crm: crm.profile(key))
    customers.audit(request.who, "party.read", key)
    own = customers.on_the_line(request.who, key)
    return answer(shapes.PartyAnswer(profile=privacy.profile(profile, customers.sight(request.who), own_call=own)))


async def contacts(request: Request) -> web.StreamResponse:
    """All contact points of a customer; past calls of a new number are linked to it."""
    body, by, key = await request.body(shapes.ContactsBody), request.who.login, request.path("id")
    if len(body.points) > 100 or any(len(p.value) > 200 or len(p.label) > 80 for p in body.points):
        raise Refusal(413, "too_long", "内容过长", "Too long")
    if any(privacy.is_masked(point.value) for point in body.points):
        raise Refusal(422, "masked", "带 * 的号码不能保存", "A masked number cannot be saved")
    customers = request.services.customers
    profile = await customers.ask(lambda crm: crm.set_contact_points(key, body.points, body.version, by))
    customers.audit(request.who, "party.contacts", key)
    customers.numbers_changed(key)
    customers.changed((key,), ("profile", "calls", "sms"))
    own = customers.on_the_line(request.who, key)
    return answer(shapes.PartyAnswer(profile=privacy.profile(profile, customers.sight(request.who), own_call=own)))


ROUTES = (
    Route(
        method="GET",
        path="/catalogue",
        right="catalogue",
        handler=catalogue,
        summary="Categories and fields, retired ones too",
        answer=CatalogueView,
    ),
    Route(
        method="GET",
        path="/catalogue/changes",
        right="catalogue",
        handler=changes,
        summary="Who changed what in the catalogue",
        answer=shapes.ChangesAnswer,
        query=("limit",),
    ),
    Route(
        method="POST",
        path="/catalogue/categories",
        right="catalogue",
        handler=add_category,
        summary="A new category",
        body=shapes.CategoryBody,
        answer=CatalogueView,
        status=201,
    ),
    Route(
        method="PATCH",
        path="/catalogue/categories/{key}",
        right="catalogue",
        handler=change_category,
        summary="Change, retire or restore a category",
        body=shapes.CategoryChange,
        answer=CatalogueView,
    ),
    Route(
        method="POST",
        path="/catalogue/fields",
        right="catalogue",
        handler=add_field,
        summary="A new field",
        body=shapes.FieldBody,
        answer=CatalogueView,
        status=201,
    ),
    Route(
        method="PATCH",
        path="/catalogue/fields/{category}/{key}",
        right="catalogue",
        handler=change_field,
        summary="Change, retire or restore a field",
        body=shapes.FieldChange,
        answer=CatalogueView,
    ),
    Route(
        method="GET",
        path="/parties/{id}",
        right="customers",
        handler=party,
        summary="A customer's profile",
        answer=shapes.PartyAnswer,
    ),
    Route(
        method="PUT",
        path="/parties/{id}/contacts",
        right="edit",
        handler=contacts,
        summary="All contact points of a customer",
        body=shapes.ContactsBody,
        answer=shapes.PartyAnswer,
    ),
)
