"""Bodies and answers of the text messages' routes."""

from __future__ import annotations

import msgspec

from cti.wire import messages as shapes


class Written(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What somebody wrote: by a template, or in his own words."""

    template: str | None = None
    text: str = ""
    values: dict[str, str] = {}


class PreviewBody(Written, kw_only=True):
    """Body of POST /pops/{pop}/messages/preview."""

    to: str


class SendBody(Written, kw_only=True):
    """Body of POST /pops/{pop}/messages."""

    key: str
    "Made once for each message: the same again is the same message."
    to: str
    "A recipient's id of the conversation."


class ReplyBody(Written, kw_only=True):
    """Body of POST /messages/{id}/reply."""

    key: str


class MessageAnswer(msgspec.Struct, kw_only=True):
    """One message."""

    message: shapes.Message


class IncomingAnswer(msgspec.Struct, kw_only=True):
    """Customers' messages."""

    incoming: tuple[shapes.Incoming, ...]
    next: float | None
    unread: int


class SentAnswer(msgspec.Struct, kw_only=True):
    """Our messages."""

    messages: tuple[shapes.Message, ...]
    next: float | None


class CallbacksAnswer(msgspec.Struct, kw_only=True):
    """Promised calls."""

    callbacks: tuple[shapes.Callback, ...]


class Variable(msgspec.Struct, kw_only=True):
    """A variable that the record fills in."""

    name: str
    label: str
    label_en: str
    example: str


class PlatformName(msgspec.Struct, kw_only=True):
    """A platform that a template may have a code at."""

    name: str
    needs_code: bool


class TemplatesAnswer(msgspec.Struct, kw_only=True):
    """All templates, and what may stand in them."""

    templates: tuple[shapes.Template, ...]
    variables: tuple[Variable, ...]
    platforms: tuple[PlatformName, ...]


class TemplateBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of PUT /messages/templates/{id}."""

    name: str
    purpose: shapes.Purpose
    text: str
    codes: dict[str, str] = {}
    enabled: bool = True
    version: int = 0


class TemplateAnswer(msgspec.Struct, kw_only=True):
    """One template."""

    template: shapes.Template


class TrialBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /messages/templates/preview."""

    text: str
    purpose: shapes.Purpose = "service"
    values: dict[str, str] = {}


class RulesAnswer(msgspec.Struct, kw_only=True):
    """The three rules."""

    rules: tuple[shapes.Rule, ...]


class RuleBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of PUT /messages/rules/{trigger}."""

    enabled: bool
    template: str = ""
    queues: tuple[str, ...] = ()
    min_wait_s: float = 0.0
    delay_s: float = 0.0
    promise_s: float = 1800.0
    version: int = 0


class RuleAnswer(msgspec.Struct, kw_only=True):
    """One rule."""

    rule: shapes.Rule


class OptOutsAnswer(msgspec.Struct, kw_only=True):
    """Refusals."""

    optouts: tuple[shapes.OptOut, ...]
    next: float | None


class OptOutBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /messages/optouts."""

    number: str
    scope: shapes.Scope
    note: str = ""


class OptOutAnswer(msgspec.Struct, kw_only=True):
    """One refusal."""

    optout: shapes.OptOut


class NoteBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /messages/optouts/{id}/lift: how the customer agreed."""

    note: str


class ProgramBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /messages/send."""

    key: str
    number: str
    template: str = ""
    values: dict[str, str] = {}
    trigger: shapes.Trigger | None = None
    "By this rule, which has the template."


class ProgramAnswer(msgspec.Struct, kw_only=True):
    """What became of it so far."""

    id: str
    status: str
