"""What a CRM could not do, as a refusal for the page."""

from __future__ import annotations

from crm_bridge import model
from crm_bridge.chat.webhook import BadPush
from crm_bridge.embedded.quoting import QuoteChanged
from crm_bridge.embedded.shape import CatalogueChanged
from crm_bridge.knowledge import ArticleConflict, NoArticle
from cti import privacy
from cti.privacy import Sight
from cti.web.ports import Refusal

RETRY_S = 5.0
"When to come back to a CRM that is away."


def refusal_of(error: model.CrmError, sight: Sight = privacy.ALL) -> Refusal:
    """The refusal that tells an error; what it shows of a customer is as one of `sight` sees it."""
    text, text_en = error.text, error.text_en
    match error:
        case model.Conflict():
            return Refusal(409, "conflict", text, text_en, profile=privacy.profile(error.profile, sight))
        case ArticleConflict():
            return Refusal(409, "conflict", text, text_en, article=error.article)
        case QuoteChanged():
            sheet = error.sheet
            shown = {"quote": sheet.quote, "charges": sheet.charges, "total": sheet.total, "version": sheet.version}
            return Refusal(409, "conflict", text, text_en, **shown)
        case CatalogueChanged():
            return Refusal(409, "conflict", text, text_en, version=error.version)
        case model.Invalid():
            return Refusal(422, "invalid", text, text_en, problems=error.problems)
        case model.NotFound() | NoArticle():
            return Refusal(404, "not_found", text, text_en)
        case BadPush():
            return Refusal(
                413 if error.too_large else 400, "too_long" if error.too_large else "bad_body", text, text_en
            )
        case _:
            pass
    if error.permanent:
        return Refusal(422, "crm", text, text_en)
    return Refusal(503, "crm", text, text_en, retry_after=RETRY_S)
