"""What the program offers is written down, and what is written down exists."""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from pathlib import Path

import pytest

from cti import events
from cti.cli import COMMANDS
from scripts.write_events_reference import TARGET, reference

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def _parsers(command: str) -> list[argparse.ArgumentParser]:
    """A command's parser and those of its own subcommands."""
    parser = argparse.ArgumentParser(prog=f"cti {command}")
    import_module(COMMANDS[command][0]).add_arguments(parser)
    return [parser, *_below(parser)]


def _below(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found += [inner, *_below(inner)]
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_its_options_are_documented(command: str) -> None:
    """docs/reference/cli.md names each command, subcommand and long option."""
    text = (DOCS / "reference/cli.md").read_text()
    for parser in _parsers(command):
        assert f"`{parser.prog}" in text, f"{parser.prog} is not documented"
        options = {o for action in parser._actions for o in action.option_strings if o.startswith("--")}
        missing = [option for option in options - {"--help"} if f"{option}" not in text]
        assert missing == [], f"{parser.prog}: {missing}"


def test_every_event_is_documented_as_it_is() -> None:
    """docs/reference/events.md is what the script writes from the code."""
    assert TARGET.read_text() == reference(), "run scripts/write_events_reference.py"
    told = {name for name in dir(events) if f"## {name}\n" in TARGET.read_text()}
    assert {kind.__name__ for kind in events.Event.__subclasses__()} <= told


def test_every_link_between_documents_leads_somewhere() -> None:
    """Relative links in documents name files that exist."""
    broken = []
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_file_that_the_documents_name_exists() -> None:
    """Paths in code marks, such as `config/asterisk/`, are paths of the project."""
    folders = "cti|crm_bridge|config|docs|tests|scripts|benchmarks"
    broken = []
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text()):
            if not (ROOT / name).exists():
                broken.append(f"{page.relative_to(ROOT)}: {name}")
    assert broken == []


def test_every_make_target_that_the_documents_name_exists() -> None:
    """`make X` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
        for target in re.findall(r"`make ([a-z-]+)", page.read_text())
    }
    assert named <= targets
    assert {"demo", "test", "test-long", "check", "setup", "bench", "lock"} <= named


def test_both_readmes_speak_of_the_same_commands_and_pages() -> None:
    """The Chinese README leaves nothing out."""
    pattern = re.compile(r"`make [a-z-]+`?|\(docs/[^)]+\)|`config/[^`]+`")
    english, chinese = ((ROOT / name).read_text() for name in ("README.md", "README.zh-CN.md"))
    assert sorted(set(pattern.findall(english))) == sorted(set(pattern.findall(chinese)))
