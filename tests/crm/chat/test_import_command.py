"""`cti crm import`, `peers` and `link`: a site's chat files go into its records from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crm_bridge.embedded import EmbeddedCrm
from tests.crm.chat import corpus
from tests.crm.chat.conftest import Chat


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a site with databases of its own."""
    path = tmp_path / "cti.toml"
    path.write_text(
        '[pbx]\nhost = "127.0.0.1"\nport = 1\nusername = "u"\nsecret = "a-secret-of-the-test"\n'
        f'[store]\nurl = "sqlite:///{tmp_path}/cti.db"\n[crm]\nurl = "sqlite:///{tmp_path}/crm.db"\n'
        '[queues.europe]\nlabel = "欧洲航线"\n[web]\nport = 0\n[push]\nport = 0\n',
        encoding="utf-8",
    )
    return path


def run(settings: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The program as it is called."""
    command = [sys.executable, "-m", "cti", "crm", *map(str, arguments), "--config", str(settings)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_from_the_file_to_the_customers_record(settings: Path, chat: Chat, tmp_path: Path) -> None:
    """Import, look who is unknown, link, import again: nothing twice, and the record has the chat."""
    crm = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db")
    party = crm.create_party({"name": "周敏", "category": "sea", "company": "屿衡国际"}, None, "lin").party.id
    path = chat.write(corpus.qq(corpus.PAIR), "消息记录.txt")
    bad = chat.write(b"PK\x03\x04", "a.zip")
    done = run(settings, "import", path, bad, "--ours", "林夕")
    assert done.returncode == 2, "one of two could not be read"
    assert "a.zip: " in done.stderr
    report = json.loads(done.stdout)
    assert (report["file"], report["new"], report["held"], report["guessed"]) == ("消息记录.txt", 6, 6, 0)
    (peer,) = [json.loads(line) for line in run(settings, "peers").stdout.splitlines()]
    assert peer["name"] == "周敏-屿衡"
    assert party in [one["party_id"] for one in peer["suggestions"]]
    assert run(settings, "link", peer["id"], party).stdout.startswith("6 ")
    assert run(settings, "peers").stdout == ""
    again = json.loads(run(settings, "import", path, "--ours", "林夕").stdout)
    assert (again["new"], again["changed"], again["held"]) == (0, 0, 0)
    assert crm.chats(party).total == 6
    assert run(settings, "link", peer["id"], "-").stdout.startswith("6 ")
    assert crm.chats(party).total == 0
    crm.close()


def test_who_does_not_exist_is_said(settings: Path) -> None:
    """A conversation or customer that is not there ends with code 1 and a sentence."""
    done = run(settings, "link", "nothing", "1")
    assert done.returncode == 1
    assert " / " in done.stderr
    assert "Traceback" not in done.stderr
