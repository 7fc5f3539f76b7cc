"""Chat conversations nobody is known for yet, chat files, and the write-back to the site's own CRM."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from aiohttp import web

from crm_bridge.chat.archive import ChatArchive, Peer
from crm_bridge.chat.linking import Suggestion
from crm_bridge.live import SiteCrm, own_part
from crm_bridge.model import ChatMessage
from cti.web.api.reading import number_of, one_of
from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer
from cti.wire import customers as shapes

MAX_FILE: Final = 64 * 1024 * 1024
"Bytes of an uploaded chat file; larger ones go by `cti crm import`."
_STATES: Final = ("waiting", "refused", "done")


def _shown(crm: SiteCrm, archive: ChatArchive, peer: Peer) -> shapes.Conversation:
    messages, held = archive.held(peer.id, 1)
    party = None if peer.party_id is None else crm.party(peer.party_id)
    return shapes.Conversation(peer=peer, party=party, last=messages[0] if messages else None, held=held)


async def conversations(request: Request) -> web.StreamResponse:
    """Conversations, those with the newest messages first."""
    linked = one_of(request, "linked", ("0", "1"))
    limit = number_of(request, "limit", 50, 1, 200)

    def read(crm: SiteCrm) -> shapes.ConversationsAnswer:
        archive = ChatArchive(own_part(crm))
        peers = archive.peers(linked=None if linked is None else linked == "1", limit=limit)
        shown = tuple(_shown(crm, archive, peer) for peer in peers)
        return shapes.ConversationsAnswer(conversations=shown, unlinked=archive.unlinked())

    return answer(await request.services.customers.ask(read))


async def conversation(request: Request) -> web.StreamResponse:
    """One conversation: what it holds, and whose it may be."""
    key = request.path("id")

    def read(crm: SiteCrm) -> tuple[shapes.Conversation, list[Suggestion], list[ChatMessage]]:
        archive = ChatArchive(own_part(crm))
        peer = archive.peer(key)
        found = archive.suggestions(key) if peer.party_id is None else []
        return _shown(crm, archive, peer), found, archive.held(key)[0]

    shown, suggestions, messages = await request.services.customers.ask(read)
    request.services.customers.audit(request.who, "conversation.read", key)
    return answer(
        shapes.ConversationAnswer(conversation=shown, suggestions=tuple(suggestions), messages=tuple(messages))
    )


async def link(request: Request) -> web.StreamResponse:
    """Say whose a conversation is: its messages move to that customer's record."""
    body, key, by = await request.body(shapes.LinkBody), request.path("id"), request.who.login
    customers = request.services.customers
    moved = await customers.ask(lambda crm: ChatArchive(own_part(crm)).link(key, body.party, by))
    customers.audit(request.who, "conversation.link", key, body.party)
    customers.changed((body.party,), ("chat", "profile"))
    return answer(shapes.MovedAnswer(moved=moved))


async def unlink(request: Request) -> web.StreamResponse:
    """Take a wrong link back: the messages are held again."""
    key, by, customers = request.path("id"), request.who.login, request.services.customers

    def undo(crm: SiteCrm) -> tuple[str | None, int]:
        archive = ChatArchive(own_part(crm))
        party = archive.peer(key).party_id
        return party, 0 if party is None else archive.unlink(key, by)

    party, moved = await customers.ask(undo)
    customers.audit(request.who, "conversation.unlink", key, party or "")
    if party is not None:
        customers.changed((party,), ("chat", "profile"))
    return answer(shapes.MovedAnswer(moved=moved))


async def upload(request: Request) -> web.StreamResponse:
    """A chat file's messages: the body is the file as it is. The same file again changes nothing."""
    name = Path(request.query("name") or "chat").name[:120]
    ours = tuple(one.strip() for one in (request.query("ours") or "")[:2000].split(",") if one.strip())
    if (request.raw.content_length or 0) > MAX_FILE:
        raise Refusal(413, "too_long", "文件过大，请用命令行导入", "Too large: use `cti crm import`")
    with tempfile.TemporaryDirectory(prefix="chat-") as folder:
        path = Path(folder) / "file"
        size = 0
        with path.open("wb") as file:
            async for chunk in request.raw.content.iter_chunked(256 * 1024):
                size += len(chunk)
                if size > MAX_FILE:
                    raise Refusal(413, "too_long", "文件过大，请用命令行导入", "Too large: use `cti crm import`")
                await asyncio.to_thread(file.write, chunk)
        if not size:
            raise Refusal(400, "bad_body", "文件是空的", "The file is empty")
        found = await request.services.customers.import_chats(path, name, ours, (request.query("account") or "")[:120])
    request.services.customers.audit(request.who, "chat.import", "", f"{found.report.new}/{found.report.read}")
    return answer(found)


async def writeback(request: Request) -> web.StreamResponse:
    """How the write-back is: figures, and the entries that failed last."""
    state, limit = one_of(request, "state", _STATES), number_of(request, "limit", 100, 1, 1000)
    return answer(await request.services.customers.writeback(state, limit))


async def retry(request: Request) -> web.StreamResponse:
    """Send again at once what was refused or waits."""
    body = await request.body(shapes.RetryBody)
    if body.key is not None and len(body.key) > 200:
        raise Refusal(413, "too_long", "内容过长", "Too long")
    count = await request.services.customers.retry(body.key)
    request.services.customers.audit(request.who, "writeback.retry", body.key or "*", str(count))
    return answer(shapes.RetryAnswer(retried=count))


ROUTES = (
    Route(
        method="GET",
        path="/conversations",
        right="customers",
        handler=conversations,
        summary="Chat conversations; linked=0: those nobody is known for",
        answer=shapes.ConversationsAnswer,
        query=("linked", "limit"),
    ),
    Route(
        method="GET",
        path="/conversations/{id}",
        right="customers",
        handler=conversation,
        summary="A conversation with suggestions whose it is",
        answer=shapes.ConversationAnswer,
    ),
    Route(
        method="POST",
        path="/conversations/{id}/link",
        right="edit",
        handler=link,
        summary="Say whose a conversation is",
        body=shapes.LinkBody,
        answer=shapes.MovedAnswer,
    ),
    Route(
        method="DELETE",
        path="/conversations/{id}/link",
        right="edit",
        handler=unlink,
        summary="Take a wrong link back",
        answer=shapes.MovedAnswer,
    ),
    Route(
        method="POST",
        path="/chat/imports",
        right="upkeep",
        handler=upload,
        summary="Import a chat file: the body is the file",
        answer=shapes.ImportAnswer,
        query=("name", "ours", "account"),
    ),
    Route(
        method="GET",
        path="/writeback",
        right="upkeep",
        handler=writeback,
        summary="How the write-back to the site's own CRM is",
        answer=shapes.WriteBackAnswer,
        query=("state", "limit"),
    ),
    Route(
        method="POST",
        path="/writeback/retry",
        right="upkeep",
        handler=retry,
        summary="Send again what was refused or waits",
        body=shapes.RetryBody,
        answer=shapes.RetryAnswer,
    ),
)
