"""What the shipped files of operations say is true of the program: metrics, settings, pages, and what systemd keeps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cti.metrics.catalogue import CATALOGUE
from cti.settings import Settings
from tests.house.plain_yaml import PlainYamlError, read
from tests.servers import systemd

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "config/systemd/thirteen.service"
COMPOSE = ROOT / "config/compose/compose.yaml"
ALERTS = ROOT / "config/prometheus/alerts.yml"
PAGES = ROOT / "docs/howto/runbook"

KNOWN = {metric.full for metric in CATALOGUE} | {
    f"{metric.full}_{part}" for metric in CATALOGUE if metric.kind == "histogram" for part in ("bucket", "count")
}
LABELS = {metric.full: {*metric.labels, "job", "instance", "le"} for metric in CATALOGUE}


def used(expression: str) -> set[str]:
    """The metrics of an expression; each label that is asked of one is one of its own."""
    names = set(re.findall(r"\b((?:thirteen|process)_[a-z_]+)", expression))
    for name, inside in re.findall(r"\b((?:thirteen|process)_[a-z_]+)\{([^}]*)\}", expression):
        asked = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", inside))
        assert asked <= LABELS[name], f"{name} has no {asked - LABELS[name]}"
    return names


def rules() -> list[dict[str, Any]]:
    """The alerts."""
    (group,) = read(ALERTS.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_alarm_asks_for_metrics_that_exist_and_has_its_page() -> None:
    """Each rule's metrics stand in the catalogue, and its page names the alarm and what to do in both languages."""
    for rule in rules():
        assert used(rule["expr"]) <= KNOWN | {"up"}, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        page = ROOT / rule["annotations"]["runbook"]
        text = page.read_text()
        assert f"`{rule['alert']}`" in text
        assert f"`{rule['expr']}`" in text, f"{page.name} shows another rule"
        assert "**怎么办**" in text
        assert "## In English" in text
        assert rule["annotations"]["summary"] in text
        assert used(text) <= KNOWN


def test_every_page_has_its_alarm_and_stands_in_the_list() -> None:
    """No page is left of an alarm that is gone; the list leads to all."""
    pages = {page.name for page in PAGES.glob("*.md")} - {"README.md"}
    assert pages == {Path(rule["annotations"]["runbook"]).name for rule in rules()}
    listed = (PAGES / "README.md").read_text()
    assert [page for page in pages if f"]({page})" not in listed] == []


def test_dashboard_shows_metrics_that_exist() -> None:
    """Every expression of the dashboard asks for metrics of the catalogue; panels have a place of their own."""
    board = json.loads((ROOT / "config/grafana/thirteen.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    assert len(expressions) > 20
    for expression in expressions:
        assert used(expression), expression
        assert used(expression) <= KNOWN, expression
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in board["panels"]]
    assert len(set(places)) == len(places)
    assert len({one["id"] for one in board["panels"]}) == len(board["panels"])


def test_planted_errors_are_found() -> None:
    """A metric that does not exist, and a label that a metric does not have, do not pass the checks above."""
    assert not used("rate(thirteen_surprise_total[5m])") <= KNOWN
    with pytest.raises(AssertionError):
        used('thirteen_pbx_live{caller="1"}')


UNIT_LINES = (
    "User=thirteen",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "RestrictNamespaces=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "UMask=0077",
    "Restart=always",
    "LimitCORE=0",
)


def test_unit_keeps_the_service_to_what_it_needs() -> None:
    """An ordinary user, nothing writable but its own folder, no calls it does not need, bounds, secrets by systemd."""
    lines = UNIT.read_text().split("\n")
    assert [line for line in UNIT_LINES if line not in lines] == []
    for key in ("MemoryMax", "TasksMax", "LimitNOFILE", "LoadCredential", "TimeoutStopSec"):
        assert any(line.startswith(f"{key}=") for line in lines), key


def test_systemd_itself_finds_little_to_blame(tmp_path: Path) -> None:
    """`systemd-analyze security` gives at most 1.5 of 10; with the fences taken away it gives more."""
    level, said = systemd.exposure(UNIT, tmp_path)
    assert level <= 1.5, said
    assert "Unknown key" not in said
    open_unit = tmp_path / "thirteen.service"
    open_unit.write_text("\n".join(line for line in UNIT.read_text().split("\n") if not line.startswith("Protect")))
    assert systemd.exposure(open_unit, tmp_path)[0] > 1.5


def variables(text: str) -> set[str]:
    """The CTI_ variables that a file names."""
    return set(re.findall(r"\bCTI_[A-Z_]+\b", text)) - {"CTI_CONFIG"}


@pytest.mark.parametrize("file", [UNIT, COMPOSE, ROOT / "config/compose/Dockerfile"], ids=lambda path: path.name)
def test_variables_of_the_shipped_files_are_settings(file: Path, tmp_path: Path) -> None:
    """Each `CTI_` variable is one that the settings read, and together they make settings that hold."""
    secret = tmp_path / "secret"
    config = tmp_path / "cti.toml"
    config.write_text('[pbx]\nhost = "10.0.0.5"\nusername = "thirteen"\nsecret_file = "not-this-one"\n')
    values = {"CTI_WEB_PORT": "9000", "CTI_PBX_SECRET_FILE": str(secret)}
    for name in variables(file.read_text()):
        said = re.search(rf'{name}: "?([^"\n]+)"?$', file.read_text(), re.M)
        values[name] = str(secret) if name.endswith("_FILE") else said[1] if said else ""
        if "URL" in name:
            scheme = "redis://r:6379/0" if "REDIS" in name else "postgresql://cti@db/cti"
            secret_of = tmp_path / name
            secret_of.write_text(scheme)
            values[name] = str(secret_of) if name.endswith("_FILE") else scheme
    if "CTI_REDIS_URL_FILE" in values:
        values.setdefault("CTI_STORE_URL", "postgresql://cti@db/cti")
    if "CTI_STORE_URL_FILE" in values:
        values.pop("CTI_STORE_URL", None)
    secret.write_text("hush")
    settings = Settings.load(config, values)
    assert settings.pbx.secret == "hush", "the variable's file wins over the settings file's"


def test_compose_file_is_plain_and_whole() -> None:
    """What is named exists in it: volumes, secrets, services waited for; both nodes are fenced in and alike."""
    file = read(COMPOSE.read_text())
    services = file["services"]
    assert {"database", "redis", "migrate", "node-a", "node-b", "proxy"} == set(services)
    for name, service in services.items():
        assert set(service.get("depends_on") or ()) <= set(services), name
        assert set(service.get("secrets") or ()) <= set(file["secrets"]), name
        for volume in service.get("volumes") or ():
            source, _, target = volume.partition(":")
            assert source in file["volumes"] or (COMPOSE.parent / source).exists() or source == "./cti.toml", volume
            assert target.startswith("/")
        assert "image" in service, name
        assert service.get("privileged") is None
    first, second = services["node-a"], services["node-b"]
    for node in (first, second):
        assert node["read_only"] == "true"
        assert node["cap_drop"] == ["ALL"]
        assert node["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    differs = {key for key in first["environment"] if first["environment"][key] != second["environment"][key]}
    assert differs == {"CTI_NODE_NAME"}
    assert {key: first[key] for key in first if key not in ("environment", "volumes")} == {
        key: second[key] for key in second if key not in ("environment", "volumes")
    }
    docker = (COMPOSE.parent / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", docker, re.M)) == {"python:3.11-slim-bookworm"}
    assert "--require-hashes" in docker
    assert re.search(r"^USER thirteen$", docker, re.M)
    for source in re.findall(r"^COPY (?!--)(\S+)", docker, re.M):
        assert (ROOT / source).exists(), source


@pytest.mark.parametrize(
    "broken", ["a:\n\tb: 1", "a: 1\na: 2", "a: &x 1", "a: 'b", "a:\n  b: 1\n c: 2", "words", "a: [1, 2", "a: b: c"]
)
def test_reader_of_plain_yaml_refuses_what_is_not(broken: str) -> None:
    """Tabs, doubles, anchors, open quotes, a wrong indentation: told, not guessed."""
    with pytest.raises(PlainYamlError):
        read(broken)


def test_reader_of_plain_yaml_reads_what_is() -> None:
    """Mappings, lists in both forms, quotes, comments."""
    text = "a: 1 # one\nb:\n  - c: 'x: #y'\n    d: [e, \"f: g\", h]\n  - i\nj: {k: l, m: [n]}\no:\n"
    assert read(text) == {
        "a": "1",
        "b": [{"c": "x: #y", "d": ["e", "f: g", "h"]}, "i"],
        "j": {"k": "l", "m": ["n"]},
        "o": None,
    }
