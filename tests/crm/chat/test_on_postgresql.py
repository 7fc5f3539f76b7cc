"""Chat records, enquiries and the knowledge base on a real PostgreSQL: the same as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm_bridge.chat.archive import ChatArchive
from crm_bridge.chat.intake import Intake
from crm_bridge.chat.message import Options, Tally
from crm_bridge.chat.reading import read_file
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.knowledge import Draft, KnowledgeBase
from crm_bridge.numbers import Site
from tests.crm.chat import corpus
from tests.crm.chat.conftest import SHANGHAI, Chat
from tests.servers.postgresql import Postgresql

AT = 1_780_000_000


@pytest.fixture(scope="module")
def crm(postgresql: Postgresql) -> Iterator[EmbeddedCrm]:
    """A CRM in PostgreSQL."""
    made = EmbeddedCrm(postgresql.create("chats"), site=Site(area_code="574"), clock=lambda: AT + 60.0)
    made.migrate()
    yield made
    made.close()


def test_chat_records(crm: EmbeddedCrm, chat: Chat) -> None:
    """Held, linked, moved, imported twice: no row more, none less."""
    archive = ChatArchive(crm)
    path = chat.write(corpus.qq(corpus.PAIR, corpus.GROUP), "全部.txt")
    options = Options(zone=SHANGHAI)
    assert archive.add(read_file(path, options, Tally())).held == 15
    party = crm.create_party({"name": "周敏", "category": "sea", "company": "屿衡国际"}, None, "lin").party.id
    pair = next(peer for peer in archive.peers(linked=False) if not peer.group)
    assert {s.name for s in archive.suggestions(pair.id)} == {"周敏", "屿衡国际"}
    assert archive.link(pair.id, party, "lin") == 6
    again = archive.add(read_file(path, options, Tally()))
    assert (again.new, again.changed) == (0, 0)
    assert crm.chats(party).total == 6
    assert archive.unlink(pair.id, "lin") == 6
    assert crm.chats(party).total == 0


def test_an_online_enquiry(crm: EmbeddedCrm) -> None:
    """A stranger's question opens an enquiry with a new customer, once."""
    intake = Intake(crm, zone=SHANGHAI)
    body = (
        f'{{"messages": [{{"id": "1", "at": {AT}, "peer": "访客", "peer_id": "v", "text": "宁波到汉堡 40HQ 报价"}}]}}'
    ).encode()
    assert [intake.push("generic", body).enquiries for _ in range(2)] == [1, 0]
    (found,) = crm.search("访客")
    (quote,) = crm.quotes(found.id).items
    assert (quote.pol, quote.pod, quote.status) == ("宁波", "汉堡", "open")


def test_the_knowledge_base(crm: EmbeddedCrm) -> None:
    """Words of one, two and more characters are found, edits keep their versions."""
    base = KnowledgeBase(crm, clock=lambda: float(AT))
    one = base.add(Draft(category="quote", title="海运费附加费", body="旺季附加费 PSS 另计", tags=("THC",)), "lin")
    base.add(Draft(category="care", title="节日问候", body="祝生意兴隆"), "lin")
    for text in ("海", "附加", "附加费", "旺季附加费", "pss", "thc"):
        assert [hit.article.id for hit in base.search(text)] == [one.id], text
    two = base.save(one.id, Draft(category="quote", title="海运费附加费", body="已取消"), 1, "chen")
    assert base.search("旺季") == []
    assert base.restore(one.id, 1, two.version, "lin").version == 3
    assert [version.by for version in base.versions(one.id)] == ["lin", "chen", "lin"]
