"""The command line: users, checks, recordings, bad settings, the demonstration."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.store import Store

GUARD_S = 90.0
"Another Python with all of the service starts in two seconds on a machine of its own."


async def cti(*args: str, stdin: str = "", env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run `cti`: (exit code, output, errors)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cti", *args, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **(env or {})}
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), GUARD_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def config(folder: Path, port: int = 1, secret: str = SECRET, more: str = "") -> str:
    """A config file; its path."""
    path = folder / "cti.toml"
    path.write_text(
        f'[pbx]\nhost = "127.0.0.1"\nport = {port}\nusername = "{USERNAME}"\nsecret = "{secret}"\n'
        f'[store]\nurl = "sqlite:///{folder}/cti.db"\n[queues.europe]\nlabel = "欧洲航线"\n'
        f"[web]\nport = 0\n[push]\nport = 0\n{more}",
        encoding="utf-8",
    )
    return str(path)


@pytest.fixture
async def pbx() -> AsyncIterator[ReplayedPbx]:
    """A PBX without calls."""
    async with ReplayedPbx(playing=False) as one:
        yield one


@pytest.mark.parametrize("command", ["run", "check", "user list", "record --output x.jsonl"])
async def test_wrong_settings_are_all_told_at_once(tmp_path: Path, command: str) -> None:
    """Every error with its key, in one go; exit code 2; no secret in it."""
    path = tmp_path / "cti.toml"
    path.write_text('[pbx]\nhst = "x"\nport = 99999\nsecret = "hush-hush"\n[web]\nport = "x"\n', encoding="utf-8")
    head, *rest = command.split()
    code, _, err = await cti(head, *rest, "--config", str(path))
    assert code == 2
    for key in ("pbx.hst", "pbx.host", "pbx.port", "pbx.username", "web.port"):
        assert key in err
    assert "hush-hush" not in err
    assert "Traceback" not in err


async def test_missing_config_file_is_said(tmp_path: Path) -> None:
    """A path that leads nowhere is one clear error."""
    code, _, err = await cti("run", "--config", str(tmp_path / "no.toml"))
    assert code == 2
    assert "no.toml" in err
    assert "Traceback" not in err


async def test_check_says_what_works_line_by_line(tmp_path: Path, pbx: ReplayedPbx) -> None:
    """Settings, databases, login, rights and queues; exit code 0 when all is well."""
    code, out, _ = await cti("check", "--config", config(tmp_path, pbx.port))
    assert code == 0, out
    for what in ("config", "store", "crm", "ami", "queues"):
        assert re.search(rf"^  ok    {what}", out, re.M), out


async def test_check_names_the_actions_that_are_missing_and_the_line_that_cures_it(
    tmp_path: Path, pbx: ReplayedPbx
) -> None:
    """An account that may not move callers or listen: which actions, which line, and which contexts are not there."""
    _, out, _ = await cti("check", "--config", config(tmp_path, pbx.port))
    assert re.search(r"^  warn  rights\.callers: .*Redirect.*write = reporting,agent,call,originate", out, re.M), out
    assert re.search(r"^  warn  rights\.listen: .*Originate, Hangup.*call,originate", out, re.M), out
    assert re.search(r"^  warn  dialplan\.callers: .*\[cti-queue\], \[cti-first\], \[cti-phone\]", out, re.M), out
    assert "rights.members" not in out


async def test_check_tells_a_wrong_secret_from_a_missing_pbx(tmp_path: Path, pbx: ReplayedPbx) -> None:
    """Each fault has its own words, and the exit code is 1."""
    code, out, _ = await cti("check", "--config", config(tmp_path, pbx.port, secret="wrong-secret-13"))
    assert code == 1
    assert re.search(r"FAIL  ami: .*密码", out)
    assert "wrong-secret-13" not in out
    code, out, _ = await cti("check", "--config", config(tmp_path, 1))
    assert code == 1
    assert "FAIL  ami" in out


async def test_check_finds_a_queue_that_asterisk_does_not_have(tmp_path: Path, pbx: ReplayedPbx) -> None:
    """A name misspelt in the settings is found before a caller waits in it."""
    code, out, _ = await cti("check", "--config", config(tmp_path, pbx.port, more='[queues.eurpe]\nlabel="x"\n'))
    assert code == 1
    assert "FAIL  queues.eurpe" in out
    assert "europe" in out


async def test_user_is_added_with_a_password_from_standard_input(tmp_path: Path) -> None:
    """No password on the command line; argon2id in the store; the same login twice is refused."""
    path = config(tmp_path)
    add = ("user", "add", "lin", "--config", path, "--name", "林知夏", "--role", "agent", "--interface", "PJSIP/8001")
    code, out, err = await cti(*add, stdin="long-enough-13-x\n")
    assert code == 0, err
    assert "long-enough" not in out + err
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    account = store.account("lin")
    store.close()
    assert account is not None
    assert account.password_hash.startswith("$argon2id$")
    assert account.interfaces == ("PJSIP/8001",)
    assert (await cti(*add, stdin="long-enough-13-x\n"))[0] == 1
    code, _, err = await cti(*add[:2], "chen", *add[3:], stdin="short\n")
    assert code == 1
    assert "12" in err
    code, out, _ = await cti("user", "list", "--config", path)
    assert (code, out) == (0, "lin\tagent\t林知夏\tPJSIP/8001\n")


async def test_generated_password_is_printed_once(tmp_path: Path) -> None:
    """`--generate` shows the new password, and only then; a new one ends the old."""
    path = config(tmp_path)
    code, out, _ = await cti(
        "user", "add", "han", "--config", path, "--name", "韩松", "--role", "supervisor", "--generate"
    )
    assert code == 0
    first = out.split()[-1]
    assert len(first) == 23
    code, out, _ = await cti("user", "password", "han", "--config", path, "--generate")
    assert code == 0
    assert out.split()[-1] != first
    assert (await cti("user", "disable", "han", "--config", path))[0] == 0
    assert "(disabled)" in (await cti("user", "list", "--config", path))[1]
    assert (await cti("user", "phones", "han", "PJSIP/1", "PJSIP/2", "--config", path))[0] == 0
    assert "PJSIP/1 PJSIP/2" in (await cti("user", "list", "--config", path))[1]
    assert (await cti("user", "password", "nobody", "--config", path, "--generate"))[0] == 1


async def test_number_prints_one_line_an_argument() -> None:
    """The contract of `cti number`: JSON lines in order, empty text and `--` allowed."""
    code, out, _ = await cti("number", "--", "13800001307", "", "-x", "400-000-1313")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["class"] for line in lines][:2] == ["mobile", "anonymous"]
    assert lines[0]["key"] == "+8613800001307"
    assert [line["raw"] for line in lines] == ["13800001307", "", "-x", "400-000-1313"]
    assert all(set(line) == {"raw", "class", "key", "ext", "region"} for line in lines)


@pytest.mark.parametrize("kind", ["jsonl", "ami"])
async def test_recording_replays_as_it_was(tmp_path: Path, kind: str) -> None:
    """What `cti record` wrote, `cti replay` tells: the same call, answered; the file is its owner's only."""
    tape = tmp_path / f"calls.{kind}"
    async with ReplayedPbx(playing=False, speed=20.0, talk=(2.0, 3.0)) as pbx:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cti", "record", "--config", config(tmp_path, pbx.port), "--output", str(tape),
            stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        async with asyncio.timeout(GUARD_S):
            while not any(session._authenticated for session in pbx.sessions):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # from then on it hears everything
            await pbx.place_call("answered", "13800001307", "europe", "4000001313")
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), GUARD_S)
        assert process.returncode == 0, err
    assert stat.S_IMODE(tape.stat().st_mode) == 0o600
    assert SECRET.encode() not in tape.read_bytes()
    code, out, err_text = await cti("replay", str(tape), "--calls", "--trunk", "PJSIP/trunk*")
    assert code == 0, err_text
    (call,) = [c for c in json.loads(out) if c["visits"]]
    assert call["visits"][0]["outcome"] == "answered"


@contextlib.asynccontextmanager
async def _daemon(*args: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cti", *args, stdout=PIPE, stderr=PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _until_up(process: asyncio.subprocess.Process) -> str:
    """The line that says where its pages are."""
    assert process.stderr is not None
    async with asyncio.timeout(GUARD_S):
        line = ""
        while "pages at" not in line:
            line = (await process.stderr.readline()).decode()
    return line


async def test_daemon_runs_and_stops_on_a_signal(tmp_path: Path, pbx: ReplayedPbx) -> None:
    """`cti run` serves its pages until told to stop, and then ends with 0."""
    async with _daemon("run", "--config", config(tmp_path, pbx.port)) as process:
        line = await _until_up(process)
        base = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert base is not None
        async with aiohttp.ClientSession() as http, http.get(base[0] + "/healthz") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), GUARD_S) == 0


async def test_taken_port_is_said_in_words(tmp_path: Path, pbx: ReplayedPbx) -> None:
    """A port in use ends the start with its address, not with a traceback."""
    env = {"CTI_WEB_PORT": str(pbx.port)}
    code, _, err = await cti("run", "--config", config(tmp_path, pbx.port), env=env)
    assert code == 1
    assert f"127.0.0.1:{pbx.port}" in err
    assert "Traceback" not in err


async def test_second_start_on_the_same_data_is_refused(tmp_path: Path, pbx: ReplayedPbx) -> None:
    """While one service runs on a SQLite file another is told so in words; after a kill -9 the file is free again."""
    path = config(tmp_path, pbx.port)
    async with _daemon("run", "--config", path) as first:
        await _until_up(first)
        code, _, err = await cti("run", "--config", path)
        assert code == 1
        assert "已有一个十三秒" in err
        assert "Traceback" not in err
        first.kill()
        await first.wait()
    async with _daemon("run", "--config", path) as again:
        await _until_up(again)


async def test_demonstration_prints_where_to_log_in(tmp_path: Path) -> None:
    """`cti demo` says the address, an agent and a supervisor, and their password opens the door."""
    async with _daemon("demo", "--port", "0", "--push-port", "0", "--dir", str(tmp_path)) as process:
        assert process.stdout is not None
        text = ""
        async with asyncio.timeout(GUARD_S):
            while "Ctrl+C" not in text:
                text += (await process.stdout.readline()).decode()
        base = re.search(r"http://\S+?(?=/?\s)", text)
        agent = re.search(r"agent\s+(\w+)\s+/\s+(\S+)", text)
        supervisor = re.search(r"supervisor\s+(\w+)\s+/\s+(\S+)", text)
        assert base is not None
        assert agent is not None
        assert supervisor is not None
        async with aiohttp.ClientSession() as http:
            for login, password in (agent.groups(), supervisor.groups()):
                async with http.post(
                    base[0] + "/api/v1/login",
                    json={"user": login, "password": password},
                    headers={"Origin": base[0], "X-Requested-With": "thirteen"},
                ) as answer:
                    assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), GUARD_S) == 0
