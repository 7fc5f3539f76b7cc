"""Settings: everything wrong told at once, in words, and never a secret."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from cti.settings import Problem, Settings, SettingsError, crm_default
from cti.settings.sms import SmsHooks, SmsSettings
from cti.settings.watching import RecordingSettings, WallSettings
from cti.sms.policy import Policy

ROOT = Path(__file__).parent.parent
GOOD = '[pbx]\nhost = "127.0.0.1"\nusername = "u"\nsecret = "s3cr3t-value"\n'


def load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    """Settings of a file with this text."""
    path = tmp_path / "cti.toml"
    path.write_bytes(text.encode())
    return Settings.load(path, environ or {})


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> dict[str, Problem]:
    """Problems of a file with this text, by key."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text, environ)
    return {problem.key: problem for problem in caught.value.problems}


def test_three_lines_are_enough(tmp_path: Path) -> None:
    """Everything but the AMI account has a default."""
    settings = load(tmp_path, GOOD)
    assert (settings.pbx.port, settings.web.port, settings.push.port) == (5038, 8080, 8081)
    assert settings.pbx.default_target == 13.0
    assert settings.store.url == "sqlite:///cti.db"
    assert settings.crm.url == "sqlite:///crm.db"
    assert settings.web.origins == ("http://127.0.0.1:8080", "http://localhost:8080")


def test_all_errors_at_once(tmp_path: Path) -> None:
    """Every problem is told in one go, each with its key, in Chinese and English."""
    found = problems(
        tmp_path,
        '[pbx]\nhsot = "x"\nport = 99999\ntrunks = []\n[queues.a]\ntarget = 0\ngoal = 90\n'
        '[site]\ntimezone = "Asia/Shanghi"\nlanguage = "cn"\narea_code = 574\n[log]\nlevel = "inof"\n[wbe]\nport = 1\n',
    )
    assert set(found) == {
        "pbx.host",
        "pbx.hsot",
        "pbx.username",
        "pbx.secret",
        "pbx.port",
        "pbx.trunks",
        "queues.a.target",
        "queues.a.goal",
        "site.timezone",
        "site.language",
        "site.area_code",
        "log.level",
        "wbe",
    }
    assert all(re.search("[一-鿿]", p.text) and p.text_en.isascii() for p in found.values())
    assert found["pbx.hsot"].suggestion_en == "Did you mean host?"
    assert found["wbe"].suggestion_en == "Did you mean web?"
    assert found["queues.a.goal"].suggestion == "goal = 0.9"
    assert 'timezone = "Asia/Shanghai"' in found["site.timezone"].suggestion
    assert found["log.level"].suggestion == 'level = "info"'


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    """CTI_SECTION_KEY replaces what the file says; lists are separated by commas."""
    settings = load(
        tmp_path, GOOD, {"CTI_PBX_HOST": "10.0.0.9", "CTI_WEB_PORT": "9000", "CTI_PBX_TRUNKS": "PJSIP/a*, SIP/b*"}
    )
    assert settings.pbx.host == "10.0.0.9"
    assert settings.web.port == 9000
    assert settings.pbx.trunks == ("PJSIP/a*", "SIP/b*")


def test_secrets_come_from_files(tmp_path: Path) -> None:
    """A secret may stand in a file named by the settings (relative to them) or by a variable."""
    (tmp_path / "ami.secret").write_text("from-file\n")
    bare = GOOD.replace('secret = "s3cr3t-value"', 'secret_file = "ami.secret"')
    assert load(tmp_path, bare).pbx.secret == "from-file"
    assert load(tmp_path, GOOD, {"CTI_PBX_SECRET_FILE": str(tmp_path / "ami.secret")}).pbx.secret == "from-file"
    assert load(tmp_path, bare, {"CTI_PBX_SECRET": "given"}).pbx.secret == "given"
    assert "pbx.secret" in problems(tmp_path, bare + 'secret = "both"\n')
    assert "pbx.secret" in problems(tmp_path, GOOD, {"CTI_PBX_SECRET_FILE": "/nowhere/at/all"})


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    """Neither repr nor a problem shows a secret or a database password."""
    settings = load(tmp_path, GOOD + '[store]\nurl = "postgresql://cti:hunter2@db/cti"\n')
    shown = repr(settings) + str(settings)
    assert "s3cr3t-value" not in shown
    assert "hunter2" not in shown
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, GOOD + 'pasword = "hunter2"\n[store]\nurl = "postgre//cti:hunter2@db"\n')
    assert "hunter2" not in str(caught.value)
    assert "s3cr3t-value" not in str(caught.value)


def test_a_misspelt_variable_is_refused(tmp_path: Path) -> None:
    """A CTI_ variable that nothing reads is an error with a suggestion, for silence would hide the misspelling."""
    found = problems(tmp_path, GOOD, {"CTI_PBX_HOTS": "x", "CTI_CONFIG": "ok", "CTI_TEST_LONG": "1", "PATH": "/bin"})
    assert set(found) == {"CTI_PBX_HOTS"}
    assert "CTI_PBX_HOST" in found["CTI_PBX_HOTS"].suggestion


@pytest.mark.parametrize("text", ['[web]\nhost = "0.0.0.0"\n', '[push]\nhost = "10.1.2.3"\n'])
def test_plain_http_beyond_loopback_is_refused(tmp_path: Path, text: str) -> None:
    """Listening beyond this machine without TLS needs allow_plain_http, and the refusal says why."""
    found = problems(tmp_path, GOOD + text)
    assert all("明文" in p.text and "allow_plain_http" in p.suggestion for p in found.values())
    allowed = text + "[web]\n" if "web" not in text else text
    assert load(tmp_path, GOOD + allowed + "allow_plain_http = true\n").web.allow_plain_http


def test_origins_are_exact(tmp_path: Path) -> None:
    """An origin is scheme, host and port; paths, stars and plain ones beyond this machine are refused."""
    good = GOOD + '[web]\npublic_origins = ["https://cti.example.com", "http://localhost:8080"]\n'
    assert load(tmp_path, good).web.origins == ("https://cti.example.com", "http://localhost:8080")
    for origin in ("https://a.example/", "*", "https://*.example.com", "cti.example.com", "https://u:p@a", "ftp://a"):
        assert "web.public_origins" in problems(tmp_path, GOOD + f'[web]\npublic_origins = ["{origin}"]\n')
    assert "web.public_origins" in problems(tmp_path, GOOD + '[web]\npublic_origins = ["http://cti.example.com"]\n')


def test_line_breaks_cannot_reach_the_wire(tmp_path: Path) -> None:
    """A secret or name with a line break is refused, for AMI is a line protocol."""
    assert "pbx.secret" in problems(tmp_path, GOOD, {"CTI_PBX_SECRET": "a\r\nAction: Command"})


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"[pbx\nhost = 1", "TOML"), ("[pbx]\nhost = '十三'".encode("gb18030"), "UTF-8")],
)
def test_a_broken_file_is_explained(tmp_path: Path, content: bytes, word: str) -> None:
    """Bad syntax, a foreign encoding and a missing file are told in words."""
    path = tmp_path / "cti.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=word):
        Settings.load(path, {})
    with pytest.raises(SettingsError, match=r"cti\.example\.toml"):
        Settings.load(tmp_path / "missing.toml", {})


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    """A file saved by Notepad works."""
    assert load(tmp_path, "\ufeff" + GOOD).pbx.host == "127.0.0.1"


def test_one_port_each(tmp_path: Path) -> None:
    """The two listeners cannot share a port."""
    assert "push.port" in problems(tmp_path, GOOD + "[push]\nport = 8080\n")


def test_the_example_loads(tmp_path: Path) -> None:
    """The example works as it is, once its secret exists."""
    (tmp_path / "ami.secret").write_text("x")
    settings = load(tmp_path, (ROOT / "config/cti.example.toml").read_text("utf-8"))
    assert settings.queues["europe"].label == "欧洲航线"
    assert settings.queues["seasia"].target == 13.0
    assert settings.lines["4000001313"] == "订舱热线"
    assert settings.menu["4000001313"]["2"] == "出口报价"
    assert settings.site.area_code == "574"


def test_every_key_is_documented_and_in_the_example() -> None:
    """docs/reference/settings.md and the example name every key that exists, and no other."""
    documented = set(re.findall(r"^\| `([a-z_.<>]+)`", (ROOT / "docs/reference/settings.md").read_text("utf-8"), re.M))
    known = {
        f"{section}.{key}"
        for section in ("pbx", "node", "redis", "web", "push", "store", "crm", "customers", "site", "log")
        for key in _fields(section)
    }
    known |= {"pbx.secret_file", "lines.<number>.label", "menu.<number>.<choice>"}
    known |= {f"control.{key}" for key in _fields("control") if key != "rules"}
    rule = ("queue", "wait", "waiting", "idle", "hold", "team", "from_queue", "interfaces", "penalty", "most", "quiet")
    known |= {f"overflow.<name>.{key}" for key in (*rule, "cool")}
    known |= {f"queues.<name>.{key}" for key in ("label", "target", "goal", "short", "wrapup")}
    platform = ("token", "preset", "channel", "accounts", "messages", "fields", "prospects")
    known |= {f"chat.<platform>.{key}" for key in platform}
    limits = ("warn", "missed", "paused", "no_agents", "level", "calls")
    known |= {f"alerts.{key}" for key in (*limits, "days")} | {"alerts.queues.<name>.warn"}
    hook = ("url", "secret", "kinds", "cleared", "customers", "allow_plain_http")
    known |= {f"webhooks.<name>.{key}" for key in hook}
    known |= {f"wallboard.{key}" for key in _fields_of(WallSettings)}
    known |= {f"recordings.{key}" for key in _fields_of(RecordingSettings)}
    known |= {"replay.days", "replay.megabytes", "replay.every"}
    of_sms = _fields_of(SmsSettings) + _fields_of(Policy) + ("gap", "expires")
    known |= {f"sms.{key}" for key in of_sms} - {f"sms.{key}" for key in ("policy", "hooks", "platforms", "tokens")}
    known -= {"sms.gap_s", "sms.expires_s"}
    known |= {f"sms.hooks.{key}" for key in _fields_of(SmsHooks)}
    account = ("kind", "hook_secret", "allow", "price", "timeout")
    known |= {f"sms.platforms.<name>.{key}" for key in account}
    known |= {"sms.tokens.<name>.secret", "sms.tokens.<name>.templates"}
    assert documented == known
    example = (ROOT / "config/cti.example.toml").read_text("utf-8")
    shown = tomllib.loads(re.sub(r"(?m)^# (?=[a-z_]+ = )", "", example))
    for key in known - {"pbx.secret"}:
        section, *_, name = key.split(".")
        if section == "sms":
            assert re.search(rf"(?m)^(# )?{name}(_file)? = ", example), key
            continue
        if section in ("chat", "webhooks"):  # a site has one or not: its lines are there to be taken up
            assert f"# {f'{name}_file' if name in ('token', 'secret') else name} = " in example, key
            continue
        values = shown[section]
        if "<" in key:
            values = values["queues"] if section == "alerts" else values
            values = next(iter(values.values()))
        assert name.startswith("<") or name in values, key


def _fields_of(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    return struct.__struct_fields__


def _fields(section: str) -> tuple[str, ...]:
    from cti import settings

    struct = getattr(settings, f"{section.title()}Settings")
    return tuple(struct.__struct_fields__)


def test_the_crm_lives_beside_the_store() -> None:
    """Unset, the CRM is a file beside a SQLite store, and the same database on a server."""
    assert crm_default("sqlite:////srv/a/cti.db") == "sqlite:////srv/a/crm.db"
    assert crm_default("sqlite:///cti.db?mode=rwc") == "sqlite:///crm.db?mode=rwc"
    assert crm_default("sqlite://") == "sqlite://"
    assert crm_default("postgresql://cti@db/cti") == "postgresql://cti@db/cti"


@pytest.mark.parametrize(
    ("store", "folder"),
    [
        ('url = "sqlite:////var/lib/thirteen/cti.db"', "/var/lib/thirteen/journal"),
        ('url = "sqlite:///cti.db"', "journal"),
        ('url = "sqlite://"', None),
        ('url = "postgresql://cti@db/cti"', "journal"),
        ('url = "postgresql://cti@db/cti"\njournal = "/var/spool/thirteen"', "/var/spool/thirteen"),
        ('journal = ""', None),
    ],
)
def test_the_journal_lives_beside_the_store(tmp_path: Path, store: str, folder: str | None) -> None:
    """Unset it is beside a SQLite file, else in the working directory; set to nothing there is none."""
    found = load(tmp_path, f"{GOOD}[store]\n{store}\n").store.journal_folder
    assert found == (None if folder is None else Path(folder))


def test_alerts_limits_are_per_queue_and_follow_its_target(tmp_path: Path) -> None:
    """Unset, a wait is told at 0.6 of the queue's own target; a queue's section overrides the general one; 0 is off."""
    settings = load(
        tmp_path,
        GOOD + "[queues.a]\n[queues.b]\ntarget = 20\ngoal = 0.8\n[queues.c]\n[alerts]\npaused = 0\n"
        "[alerts.queues.c]\nwarn = 0\nmissed = 5\nlevel = false\n",
    )
    of = settings.watching.alerts.queues
    assert (of["a"].warn_s, of["a"].late_s, of["a"].goal, of["a"].paused_s) == (8.0, 13.0, 0.9, None)
    assert (of["b"].warn_s, of["b"].late_s, of["b"].goal) == (12.0, 20.0, 0.8)
    assert (of["c"].warn_s, of["c"].missed, of["c"].goal) == (None, 5, None)
    everywhere = load(tmp_path, GOOD + "[queues.a]\ntarget = 20\n[alerts]\nwarn = 5\n").watching.alerts
    assert (everywhere.queues["a"].warn_s, everywhere.default.warn_s) == (5.0, 5.0)


@pytest.mark.parametrize(
    "url",
    [
        "http://alerts.example.com/x",
        "ftp://a.example/x",
        "https://user:pw@a.example/x",
        "https://a.example/x#y",
        "https://",
        "file:///etc/passwd",
        "https://a.example/ x",
        "https://a.example:99999/",
        "//a.example",
    ],
)
def test_a_webhook_goes_to_a_whole_https_address(tmp_path: Path, url: str) -> None:
    """Anything else is refused at the start; so are short secrets, unknown kinds and queues; no secret is shown."""
    found = problems(
        tmp_path,
        GOOD + f'[webhooks.ops]\nurl = "{url}"\nsecret = "too-short"\nkinds = ["late", "latte"]\n'
        '[alerts.queues.nowhere]\nwarn = 3\n[recordings]\npatterns = ["../{call}", "x"]\n',
    )
    assert set(found) == {
        "webhooks.ops.url",
        "webhooks.ops.secret",
        "webhooks.ops.kinds",
        "alerts.queues.nowhere",
        "recordings.patterns",
    }
    assert "too-short" not in str(found)


def test_a_webhook_may_be_on_this_machine_or_where_it_is_allowed(tmp_path: Path) -> None:
    """Plain http on loopback, or with `allow_plain_http`."""
    text = GOOD + '[webhooks.a]\nurl = "http://127.0.0.1:9000/x"\nsecret = "0123456789abcdef"\n'
    text += '[webhooks.b]\nurl = "http://10.0.0.9/x"\nsecret = "0123456789abcdef"\nallow_plain_http = true\n'
    hooks = load(tmp_path, text).watching.hooks
    assert [(hook.name, hook.customers, len(hook.kinds)) for hook in hooks] == [("a", False, 6), ("b", False, 6)]
    assert "0123456789abcdef" not in repr(hooks)
