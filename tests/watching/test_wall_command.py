"""`cti wallboard`: tokens from the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cti.auth import token_hash
from cti.cli import main
from cti.commands import check
from cti.settings import Settings
from cti.store import Store


def test_a_wall_is_added_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The address is shown once and opens the wall; the list never shows it; all is in the audit."""
    config = tmp_path / "cti.toml"
    config.write_text(
        '[pbx]\nhost = "127.0.0.1"\nusername = "u"\nsecret = "s3cr3t-value"\n'
        f'[store]\nurl = "sqlite:///{tmp_path}/cti.db"\n[web]\npublic_origins = ["https://cti.example.com"]\n'
    )
    assert main(["wallboard", "add", "大厅", "--days", "30", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    found = re.search(r"https://cti\.example\.com/wallboard#(cti_wall_\S+)", shown)
    assert found is not None
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    wall = store.wall(token_hash(found[1]))
    assert wall is not None
    assert wall.label == "大厅"
    assert main(["wallboard", "list", "--config", str(config)]) == 0
    listed = capsys.readouterr().out
    assert wall.id in listed
    assert found[1] not in listed
    assert main(["wallboard", "revoke", wall.id, "--config", str(config)]) == 0
    assert main(["wallboard", "revoke", wall.id, "--config", str(config)]) == 1
    assert main(["wallboard", "add", " ", "--config", str(config)]) == 1
    assert store.walls() == []
    assert [row.action for row in store.audit()] == ["wallboard_revoked", "wallboard"]
    assert found[1] not in str(store.audit())
    store.close()


def test_check_names_a_folder_of_recordings_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line of its own; nothing where none is named."""
    config = tmp_path / "cti.toml"
    for folder, said in (("", ""), (str(tmp_path), "  ok    recordings"), (f"{tmp_path}/none", "  FAIL  recordings")):
        config.write_text(
            f'[pbx]\nhost = "127.0.0.1"\nusername = "u"\nsecret = "x"\n[recordings]\nfolder = "{folder}"\n'
        )
        report = check._Report()
        check._recordings(Settings.load(config, {}), report)
        shown = capsys.readouterr().out
        assert shown.startswith(said) if said else shown == ""
        assert report.failed is said.startswith("  FAIL")
