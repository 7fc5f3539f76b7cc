"""Chat records in the CRM: once however often they come, linked where that is certain, held until it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.chat.archive import ChatArchive
from crm_bridge.chat.message import Message, Options, Tally
from crm_bridge.chat.reading import read_file
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import NotFound
from crm_bridge.numbers import Site
from tests.crm.chat import corpus
from tests.crm.chat.conftest import SHANGHAI, Chat

NOW = 1_780_000_000.0


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[EmbeddedCrm]:
    """An empty CRM in a file."""
    made = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db", site=Site(area_code="574"), clock=lambda: NOW)
    yield made
    made.close()


def customer(crm: EmbeddedCrm, name: str = "周敏", *, company: str = "屿衡国际", qq: str = "", number: str = "") -> str:
    """A person of a company."""
    values = {"name": name, "category": "sea", "company": company, **({"qq": qq} if qq else {})}
    return crm.create_party(values, number or None, "lin").party.id


def told(at: float, text: str, *, sender: str = "周敏", direction: str = "in", **rest: Any) -> Message:
    """A message of a conversation of two."""
    return Message(
        **{
            "at": at,
            "peer": "周敏",
            "sender": sender,
            "direction": direction,
            "kind": "text",
            "text": text,
            **rest,
        }
    )


def rows(tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that chat records fill."""
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in ("crm_chat", "crm_chat_held", "crm_chat_peer", "crm_phone", "crm_contact_point", "crm_quote")
        }


FILES: dict[str, tuple[str, object]] = {
    "txt": ("全部.txt", corpus.qq(corpus.PAIR, corpus.GROUP, corpus.TWELVE)),
    "mht": ("a.mht", corpus.MHT),
    "exporter": ("friend.json", corpus.EXPORTER),
    "qqnt": ("88880001.json", corpus.QQNT_PAIR),
    "chatlab": ("chatlab.json", corpus.CHATLAB),
    "wecom": ("archive.json", corpus.WECOM),
    "msn": ("zhoumin1234567890.xml", corpus.MSN),
    "csv": ("wangwang.csv", corpus.CSV),
}


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("form", FILES)
def test_importing_twice_gives_the_same_rows(
    crm: EmbeddedCrm, chat: Chat, tmp_path: Path, form: str, linked: bool
) -> None:
    """The second import of a file writes nothing, whether its conversations are linked or held."""
    archive = ChatArchive(crm)
    name, content = FILES[form]
    path = chat.write(content, name)
    options = Options(zone=SHANGHAI)
    first = archive.add(read_file(path, options, Tally()))
    assert first.new == first.read > 0
    if linked:
        party = customer(crm)
        for peer in archive.peers(linked=False):
            archive.link(peer.id, party, "lin")
    before = rows(tmp_path)
    assert bool(before["crm_chat"]) == linked
    assert bool(before["crm_chat_held"]) != linked
    again = archive.add(read_file(path, options, Tally()))
    assert (again.read, again.new, again.changed) == (first.read, 0, 0)
    assert rows(tmp_path) == before


def test_exports_that_overlap_become_one(crm: EmbeddedCrm) -> None:
    """Two exports with a common part hold each message once; the same said three times in a second stays three."""
    archive = ChatArchive(crm)
    every = [told(1_700_000_000.0 + n // 3, "[图片]", kind="image") for n in range(30)]
    assert archive.add(every[:21]).new == 21
    assert archive.add(every[12:]).new == 9
    assert archive.add(every).new == 0


def test_ids_of_the_platform_are_trusted(crm: EmbeddedCrm) -> None:
    """Messages with ids of their own are told apart by these, even where all else is equal."""
    archive = ChatArchive(crm)
    same = [told(1_700_000_000.0, "好", native_id=str(n)) for n in range(3)]
    assert archive.add(same).new == 3
    assert archive.add(list(reversed(same))).new == 0


def test_naming_our_accounts_later_corrects_the_directions(crm: EmbeddedCrm, chat: Chat) -> None:
    """Importing again with our account named changes the rows, and adds none."""
    archive = ChatArchive(crm)
    path = chat.write(corpus.qq(corpus.GROUP), "a.txt")
    first = archive.add(read_file(path, Options(zone=SHANGHAI), Tally()))
    assert first.guessed == 7
    again = archive.add(read_file(path, Options(zone=SHANGHAI, ours=frozenset({"23333233"})), Tally()))
    assert (again.new, again.changed, again.guessed) == (0, 2, 0)


def test_a_qq_number_links_by_itself(crm: EmbeddedCrm, chat: Chat) -> None:
    """A conversation whose peer's QQ number is a customer's contact point shows in that customer's record."""
    party = customer(crm, qq="88880001")
    report = ChatArchive(crm).add(read_file(chat.write(corpus.EXPORTER, "f.json"), Options(zone=SHANGHAI), Tally()))
    assert (report.new, report.held, report.unlinked) == (3, 0, 0)
    section = crm.chats(party)
    assert [m.kind for m in section.items] == ["system", "image", "text"]
    assert section.items[-1].direction == "in"


def test_a_number_in_the_remark_or_in_the_texts_links(crm: EmbeddedCrm) -> None:
    """A registered number in the remark name, or in what the peer wrote, tells whose conversation it is."""
    party = customer(crm, number="13812345678")
    archive = ChatArchive(crm)
    archive.add([told(1_700_000_000.0, "在吗", peer="小周 13812345678", sender="小周 13812345678")])
    archive.add([told(1_700_000_001.0, "我电话 138 1234 5678", peer="敏敏", sender="敏敏")])
    assert [(p.name, p.how, p.party_id) for p in archive.peers()] == [
        ("敏敏", "phone", party),
        ("小周 13812345678", "name", party),
    ]


def test_what_could_be_two_customers_is_not_linked(crm: EmbeddedCrm) -> None:
    """Numbers of two firms, one in each message, link nothing; both are suggested with the reason."""
    first = customer(crm, number="13812345678")
    second = customer(crm, "王五", company="海角", number="13987654321")
    archive = ChatArchive(crm)
    archive.add([told(1_700_000_000.0, "13812345678 或者 13987654321", peer="王五-海角", sender="王五-海角")])
    (peer,) = archive.peers(linked=False)
    found = {s.party_id: s for s in archive.suggestions(peer.id)}
    assert set(found) >= {first, second}
    assert all(s.reason and s.reason_en for s in found.values())
    ours = told(1_700_000_002.0, "打给 13812345678", peer="过客", sender="林夕", direction="out")
    archive.add([ours])
    assert {p.party_id for p in archive.peers()} == {None}, "what we write tells nothing of the peer"


def test_remark_names_are_suggested_and_a_person_decides(crm: EmbeddedCrm, chat: Chat) -> None:
    """周敏-屿衡 suggests 周敏 and 屿衡国际; the choice moves what was held, and what comes later goes there."""
    party = customer(crm)
    archive = ChatArchive(crm)
    path = chat.write(corpus.qq(corpus.PAIR), "a.txt")
    assert archive.add(read_file(path, Options(zone=SHANGHAI), Tally())).held == 6
    (peer,) = archive.peers(linked=False)
    assert {(s.name, s.how) for s in archive.suggestions(peer.id)} == {("周敏", "name"), ("屿衡国际", "name")}
    assert crm.chats(party).total == 0
    assert archive.link(peer.id, party, "lin") == 6
    assert crm.chats(party).total == 6
    later = told(1_800_000_000.0, "还在吗", peer="周敏-屿衡", sender="周敏-屿衡")
    assert archive.add([later]).held == 0
    assert crm.chats(party).items[0].text == "还在吗"
    assert archive.peers(linked=False) == []


def test_a_wrong_link_is_taken_back(crm: EmbeddedCrm) -> None:
    """Unlinking and choosing another customer moves exactly this conversation's messages."""
    right, wrong = customer(crm), customer(crm, "王五", company="海角")
    archive = ChatArchive(crm)
    archive.add([told(1_700_000_000.0 + n, f"第{n}条") for n in range(700)])
    archive.add([told(1_700_000_000.0, "别的会话", peer="别人", sender="别人")])
    mine, other = (next(p for p in archive.peers() if p.name == name) for name in ("周敏", "别人"))
    archive.link(other.id, wrong, "lin")
    assert archive.link(mine.id, wrong, "lin") == 700
    assert archive.link(mine.id, right, "lin") == 700
    assert (crm.chats(right).total, crm.chats(wrong).total) == (700, 1)
    assert archive.unlink(mine.id, "lin") == 700
    assert (crm.chats(right).total, crm.chats(wrong).total) == (0, 1)


def test_a_chosen_account_becomes_a_contact_point(crm: EmbeddedCrm) -> None:
    """After a person linked one export of a QQ number, every other export of it links itself."""
    party = customer(crm)
    archive = ChatArchive(crm)
    archive.add([told(1_700_000_000.0, "在", peer_id="88880001")])
    archive.link(archive.peers()[0].id, party, "lin")
    assert ("qq", "88880001") in [(p.kind, p.value) for p in crm.profile(party).contact_points]
    archive.add([told(1_700_000_100.0, "在", peer="另一个备注", sender="x", sender_id="88880001")], account="别的账号")
    assert archive.peers(linked=False) == []


def test_numbers_in_linked_chats_become_hints(crm: EmbeddedCrm) -> None:
    """A number a customer wrote finds the customer later, marked as seen in a text only."""
    party = customer(crm, qq="88880001")
    ChatArchive(crm).add([told(1_700_000_000.0, "司机电话 13700001111", peer_id="88880001")])
    (match,) = crm.lookup("13700001111")
    assert (match.party.id, match.level) == (party, "text")


def test_groups_are_linked_by_people_only(crm: EmbeddedCrm) -> None:
    """Numbers and accounts in a group are its members': they tell nothing of whose the group is."""
    customer(crm, qq="23333233", number="13812345678")
    archive = ChatArchive(crm)
    archive.add([told(1_700_000_000.0, "13812345678", peer="群", sender_id="23333233", group=True)])
    assert [p.party_id for p in archive.peers()] == [None]


def test_unknown_conversations_and_parties_are_told(crm: EmbeddedCrm) -> None:
    """What does not exist is NotFound, and nothing moves."""
    archive = ChatArchive(crm)
    archive.add([told(1_700_000_000.0, "在")])
    with pytest.raises(NotFound):
        archive.link("nothing", customer(crm), "lin")
    with pytest.raises(NotFound):
        archive.link(archive.peers()[0].id, "999", "lin")
    with pytest.raises(NotFound):
        archive.suggestions("' OR 1=1 --")
    assert archive.peers()[0].party_id is None


def test_a_chat_of_twenty_thousand_messages_is_imported_twice(crm: EmbeddedCrm) -> None:
    """A long record goes in, and in again, in bounded batches."""
    archive = ChatArchive(crm)
    every = [told(1_700_000_000.0 + n, json.dumps(n)) for n in range(20_000)]
    assert archive.add(iter(every)).new == 20_000
    assert archive.add(iter(every)).new == 0
