"""The configuration of the tests' Asterisk: the site's samples of config/asterisk, and around them what a site adds.

The samples are included as they are (only the port and the secret differ), so every live test proves them too. The
extra queues and entry numbers here are for what three queues cannot show: Local members, a full queue, an empty one,
exit by key, announcements to the agent.

Everything has a name in `Names`, and a whole site can be renamed: the samples are then read through a dictionary.
`hop` puts a Local channel before every Queue(), as some dialplans do.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tests.asterisk.ports import free_rtp_block

SAMPLES = Path(__file__).resolve().parents[2] / "config" / "asterisk"


@dataclass(frozen=True)
class Names:
    """Every name and number a caller, an agent or a dialplan could notice."""

    trunk: str = "trunk"
    phones: tuple[str, ...] = ("8001", "8002", "8003", "8004", "8005", "8006", "8007", "8008", "8009")
    "Extensions, which are the end-points' names too; the last is nobody's, it belongs to no queue."
    members: tuple[str, ...] = ("林知夏", "陈晓雯", "乔岩", "袁野", "纪安", "梅青", "程小婉", "范舟")
    lines: tuple[str, str] = ("4000001313", "4000001365")
    "The two 400 numbers."
    europe: str = "europe"
    "Phones 0, 1, 2 and 7 in turn."
    seasia: str = "seasia"
    "Phones 3, 4 and 5, least recent first."
    export: str = "export"
    "Phones 0, 1, 3, 5, 6 and 7 all at once."
    remote: str = "remote"
    "Local members: phones 4 and 5."
    alone: str = "alone"
    "Phone 2 only; the announcement is played to it; key 0 leaves the queue."
    narrow: str = "narrow"
    "Phone 7 only, one caller may wait."
    passing: str = "passing"
    "No member of its own; refuses callers where nobody is logged in, and sends them away."
    flood: str = "flood"
    "SIPp's agents."
    contexts: tuple[tuple[str, str], ...] = ()
    "Renamed contexts: (name in the samples, name here)."
    queue_numbers: tuple[str, str, str] = ("7001", "7002", "7003")
    "Extensions that lead back into the three queues."
    entry: str = "40000099"
    "First digits of the entry numbers that lead straight into a queue; two digits follow."
    room: str = "7900"
    "Extension of the conference room."

    def context(self, name: str) -> str:
        """What a context of the samples is called here."""
        renamed = dict(self.contexts)
        for sample, here in (
            ("queue-europe", self.europe),
            ("queue-seasia", self.seasia),
            ("queue-export", self.export),
        ):
            renamed.setdefault(sample, f"{renamed.get('queue', 'queue')}-{here}")
        return renamed.get(name, name)

    def entries(self) -> dict[str, str]:
        """{what it leads to: entry number}: queues by name, and "brief" (5 s), "chain" (5 s, then another queue)."""
        leads = [self.europe, self.seasia, self.export, self.remote, self.alone, self.narrow, self.passing, self.flood]
        return {lead: f"{self.entry}{n:02d}" for n, lead in enumerate([*leads, "brief", "chain"], 10)}


RENAMED = Names(
    trunk="telco-sbc",
    phones=("311", "312", "313", "314", "315", "316", "317", "318", "319"),
    members=("Ang Mei", "Budi", "Chloé", "Đặng", "Eun-ji", "Farid", "고은", "Hồ"),
    lines=("8008100001", "8008100002"),
    europe="desk one",
    seasia="desk-two",
    export="DeskThree",
    remote="roamers",
    alone="solo",
    narrow="slit",
    passing="ghost",
    flood="wave",
    contexts=(
        ("from-trunk", "incoming"),
        ("from-phones", "house"),
        ("clean", "wash"),
        ("menu-booking", "ask-a"),
        ("menu-service", "ask-b"),
        ("queue-europe", "wait-1"),
        ("queue-seasia", "wait-2"),
        ("queue-export", "wait-3"),
        ("overflow", "nobody-home"),
        ("agents", "roaming"),
        ("to-trunk", "outgoing"),
        ("parkedcalls", "garage"),
    ),
    queue_numbers=("*61", "*62", "*63"),
    entry="80081099",
    room="*90",
)
"""The same site with no name left as it was."""


@dataclass(frozen=True)
class Site:
    """One configured site."""

    names: Names = field(default_factory=Names)
    version: str = "22"
    hop: str | None = None
    "None, or the option of a Local channel put before each Queue(): '/n' or ''."
    systemname: str | None = None
    flood_agents: int = 0
    "Phones of SIPp's, all behind one port."
    ami_port: int = 0
    sip_port: int = 0
    trunk_host: str = "127.0.0.2"
    "The trunk's far end has an address of its own: it is told from the phones by it."
    trunk_port: int = 0
    flood_port: int = 0
    secret: str = field(default_factory=lambda: secrets.token_hex(12))
    stamps: bool = True
    "Events carry Timestamp headers."

    def write(self, etc: Path, run: Path, modules: Path, data: Path, binaries: Path) -> None:
        """Write all configuration files into `etc`; `run` is the scratch folder."""
        for name, text in {
            "asterisk.conf": self._asterisk(etc, run, modules, data, binaries),
            "modules.conf": _modules(),
            "manager.conf": self._manager(),
            "queues.conf": self._queues(),
            "extensions.conf": self._extensions(),
            "pjsip.conf": self._pjsip(),
            "rtp.conf": _rtp(),
            "musiconhold.conf": "[default]\nmode = files\ndirectory = moh\n",
            "confbridge.conf": "[general]\n[default_user]\ntype = user\nquiet = yes\nannounce_join_leave = no\n"
            "music_on_hold_when_empty = no\n[default_bridge]\ntype = bridge\n",
            "cel_custom.conf": _cel_custom(),
            "indications.conf": "[general]\ncountry = cn\n[cn]\ndescription = China\ndial = 450\nbusy = 450/350,0/350\n"
            "ring = 450/1000,0/4000\ncongestion = 450/700,0/700\n",
            "ari.conf": "[general]\nenabled = no\n",
            "http.conf": "[general]\nenabled = no\n",
            **dict.fromkeys(_EMPTY.split(), "[general]\n"),
            "udptl.conf": "[general]\n",
        }.items():
            (etc / name).write_text(text, encoding="utf-8")
        for name in ("logger.conf", "cdr.conf", "cel.conf", "features.conf", "res_parking.conf", "voicemail.conf"):
            (etc / name).write_text(self.sample(name), encoding="utf-8")

    def sample(self, name: str) -> str:
        """A sample of config/asterisk, under this site's names."""
        text = (SAMPLES / name).read_text(encoding="utf-8")
        ours, theirs = self.names, Names()
        words: dict[str, str] = {}
        for context in ("from-trunk", "from-phones", "clean", "menu-booking", "menu-service", "overflow", "agents"):
            words[context] = ours.context(context)
        for context in ("queue-europe", "queue-seasia", "queue-export", "to-trunk", "parkedcalls"):
            words[context] = ours.context(context)
        for one in ("europe", "seasia", "export"):
            words[one] = getattr(ours, one)
        words |= dict(zip(theirs.phones, ours.phones, strict=True))
        words |= dict(zip(theirs.members, ours.members, strict=True))
        words |= dict(zip(theirs.lines, ours.lines, strict=True))
        words |= dict(zip(theirs.queue_numbers, ours.queue_numbers, strict=True))
        if ours != theirs:
            words |= {"_8XXX": "_3XX", "_*888XXX": "_*883XX", "TRUNK = trunk": f"TRUNK = {ours.trunk}"}
            longest = sorted(words, key=len, reverse=True)
            pattern = "|".join(rf"(?<![\w-])(?<!custom/){re.escape(w)}(?![\w-])" for w in longest)
            text = re.sub(pattern, lambda found: words[found[0]], text)
        if self.hop is not None and name == "extensions.conf":
            queues = "|".join(re.escape(self.names.context(f"queue-{q}")) for q in ("europe", "seasia", "export"))
            text = re.sub(rf"Goto\(({queues}),s,1\)", rf"Dial(Local/s@\1{self.hop})", text)
            text = re.sub(rf"GotoIf\((.*)\?({queues}),s,1\)", rf"ExecIf(\1?Dial(Local/s@\2{self.hop}))", text)
        return text

    def member(self, phone: str) -> str:
        """The queue member's name of a phone."""
        return self.names.members[self.names.phones.index(phone)]

    # -- the files ---------------------------------------------------------------------------------------------

    def _asterisk(self, etc: Path, run: Path, modules: Path, data: Path, binaries: Path) -> str:
        places = {
            "astcachedir": run / "cache",
            "astetcdir": etc,
            "astmoddir": modules,
            "astvarlibdir": run / "lib",
            "astdbdir": run / "lib",
            "astkeydir": run / "lib",
            "astdatadir": data,
            "astagidir": run / "lib",
            "astspooldir": run / "spool",
            "astrundir": run / "run",
            "astlogdir": run / "log",
            "astsbindir": binaries,
        }
        directories = "\n".join(f"{name} => {path}" for name, path in places.items())
        named = f"systemname = {self.systemname}\n" if self.systemname else ""
        return (
            f"[directories]\n{directories}\n"
            + self.sample("asterisk.conf")
            + f"{named}documentation_language = en_US\n"
        )

    def _manager(self) -> str:
        stamps = "" if self.stamps else "timestampevents = no\n"
        return (
            self.sample("manager.conf")
            + f"\n[general](+)\nport = {self.ami_port}\n{stamps}"
            + f"[thirteen](+)\nsecret = {self.secret}\n"
            # What a test does to the PBX, and what records a tape, is no business of the service's account.
            + f"[tester]\nsecret = {self.secret}\nread = all\nwrite = all\nwritetimeout = 10000\n"
        )

    def _queues(self) -> str:
        n = self.names
        phone, member = n.phones, n.members
        text = self.sample("queues.conf")
        for queue in (n.europe, n.seasia, n.export):  # the next scenario shall not wait for the last one's wrap-up
            text += f"\n[{queue}](+)\nwrapuptime = 0\n"
        text += f"\n[{n.remote}](shared)\nstrategy = rrmemory\nwrapuptime = 0\n"
        for at in (4, 5):
            text += f"member => Local/{phone[at]}@{n.context('agents')}/n,0,{member[at]},PJSIP/{phone[at]}\n"
        text += (
            f"\n[{n.alone}](shared)\nstrategy = linear\nwrapuptime = 0\ntimeout = 30\nannounce = custom/whisper\n"
            f"context = {n.context('keys')}\nmember => PJSIP/{phone[2]},0,{member[2]},PJSIP/{phone[2]}\n"
            f"\n[{n.narrow}](shared)\nstrategy = ringall\nwrapuptime = 0\nmaxlen = 1\ntimeout = 30\n"
            f"member => PJSIP/{phone[7]},0,{member[7]},PJSIP/{phone[7]}\n"
            f"\n[{n.passing}](shared)\nstrategy = leastrecent\nwrapuptime = 0\ntimeout = 30\n"
            "joinempty = paused,unavailable,invalid,unknown\nleavewhenempty = paused,unavailable,invalid,unknown\n"
            f"\n[{n.flood}](shared)\nstrategy = rrmemory\nwrapuptime = 0\ntimeout = 15\n"
        )
        for extension in self.flood_extensions():
            text += f"member => PJSIP/{extension},0,Agent {extension},PJSIP/{extension}\n"
        return text

    def flood_extensions(self) -> list[str]:
        """Extensions of SIPp's phones."""
        return [str(60000 + i) for i in range(self.flood_agents)]

    def _extensions(self) -> str:
        n = self.names
        entries = n.entries()
        text = self.sample("extensions.conf")
        text += f"\n[test-trunk]\ninclude => {n.context('from-trunk')}-extra\ninclude => {n.context('from-trunk')}\n"
        text += f"[{n.context('from-trunk')}-extra]\n"
        for lead, number in entries.items():
            text += f"exten => {number},1,Gosub({n.context('clean')},s,1)\n same => n,Set(__DID=${{EXTEN}})\n"
            text += " same => n,Answer()\n" + self._into(lead)
        queues = {lead: number for lead, number in entries.items() if lead not in {"brief", "chain"}}
        for lead in queues:
            text += (
                f"[{self._waiting(lead)}]\nexten => s,1,Queue({lead},tk,,,40)\n"
                f" same => n,UserEvent(Overflow,Queue: {lead},Status: ${{QUEUESTATUS}})\n"
                f" same => n,Goto({n.context('overflow')},s,1)\n"
            )
        text += (
            f"[{self._waiting('brief')}]\nexten => s,1,Queue({n.europe},tk,,,5)\n"
            f" same => n,UserEvent(Overflow,Queue: {n.europe},Status: ${{QUEUESTATUS}})\n"
            f" same => n,Goto({n.context('overflow')},s,1)\n"
            f"[{self._waiting('chain')}]\nexten => s,1,Queue({n.europe},tk,,,5)\n"
            f" same => n,UserEvent(Overflow,Queue: {n.europe},Status: ${{QUEUESTATUS}})\n"
            f" same => n,Queue({n.seasia},tk,,,40)\n"
            f" same => n,UserEvent(Overflow,Queue: {n.seasia},Status: ${{QUEUESTATUS}})\n"
            f" same => n,Goto({n.context('overflow')},s,1)\n"
            f"[{n.context('keys')}]\nexten => 0,1,Goto({n.context('overflow')},s,1)\n"
            f"[{n.context('from-phones')}](+)\n"
            f"exten => {n.room},1,Answer()\n same => n,ConfBridge(room)\n same => n,Hangup()\n"
            f"exten => _*77.,1,ChanSpy(PJSIP/${{EXTEN:3}},qE)\n same => n,Hangup()\n"
        )
        return text

    def _waiting(self, lead: str) -> str:
        """The context in which a caller of an entry number waits."""
        letters = "".join(letter for letter in lead if letter.isalnum())
        return f"{self.names.context('wait')}-{letters}-x"

    def _into(self, lead: str) -> str:
        if self.hop is None:
            return f" same => n,Goto({self._waiting(lead)},s,1)\n"
        return f" same => n,Dial(Local/s@{self._waiting(lead)}{self.hop})\n same => n,Hangup()\n"

    def _pjsip(self) -> str:
        n = self.names
        text = f"""[global]
type = global
endpoint_identifier_order = ip,username
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{self.sip_port}
[common](!)
type = endpoint
transport = udp
disallow = all
allow = alaw,ulaw
direct_media = no
send_pai = yes
[{n.trunk}](common)
context = test-trunk
trust_id_inbound = yes
aors = {n.trunk}
[{n.trunk}]
type = aor
contact = sip:{self.trunk_host}:{self.trunk_port}
[{n.trunk}]
type = identify
endpoint = {n.trunk}
match = {self.trunk_host}
[phone](!,common)
context = {n.context("from-phones")}
allow_transfer = yes
call_group = 1
pickup_group = 1
"""
        for extension in n.phones:
            known = dict(zip(n.phones, n.members, strict=False))
            text += (
                f"[{extension}](phone)\ncallerid = {known.get(extension, 'Office')} <{extension}>\naors = {extension}\n"
                f"[{extension}]\ntype = aor\nmax_contacts = 1\nremove_existing = yes\nminimum_expiration = 5\n"
            )
        for extension in self.flood_extensions():
            text += (
                f"[{extension}](phone)\ncallerid = Agent {extension} <{extension}>\naors = {extension}\n"
                f"[{extension}]\ntype = aor\ncontact = sip:{extension}@127.0.0.1:{self.flood_port}\n"
            )
        return text


_EMPTY = """
acl.conf amd.conf agents.conf ccss.conf cdr_manager.conf cdr_custom.conf cli_aliases.conf codecs.conf
dnsmgr.conf enum.conf followme.conf queuerules.conf say.conf users.conf extconfig.conf
"""
"Files that Asterisk looks for and that need say nothing."

_UNWANTED = """
chan_iax2 chan_unistim chan_skinny chan_mgcp chan_sip chan_motif chan_console chan_alsa chan_oss chan_dahdi
chan_audiosocket chan_websocket pbx_dundi pbx_ael pbx_lua pbx_realtime res_phoneprov res_hep res_hep_pjsip
res_hep_rtcp res_xmpp res_snmp res_ldap res_config_ldap res_config_odbc res_config_pgsql res_config_sqlite
res_config_sqlite3 res_config_curl res_odbc res_odbc_transaction cdr_odbc cdr_adaptive_odbc cdr_pgsql
cdr_tds cdr_radius cdr_csv cdr_custom cdr_sqlite3_custom cdr_syslog cdr_beanstalkd cel_odbc cel_pgsql
cel_tds cel_radius cel_sqlite3_custom cel_beanstalkd app_voicemail_odbc app_voicemail_imap res_calendar
res_calendar_caldav res_calendar_ews res_calendar_exchange res_calendar_icalendar app_jack app_sms
app_alarmreceiver app_festival app_minivm res_stir_shaken res_pjsip_stir_shaken res_geolocation
res_pjsip_geolocation res_fax res_fax_spandsp res_pjsip_t38 res_pjsip_phoneprov_provider app_speech_utils
res_aeap res_speech_aeap res_corosync res_smdi app_adsiprog app_getcpeid res_adsi res_prometheus res_statsd
res_chan_stats res_endpoint_stats func_odbc app_ices app_mp3 app_nbscat app_url app_image app_zapateller
res_ari res_ari_applications res_ari_asterisk res_ari_bridges res_ari_channels res_ari_device_states
res_ari_endpoints res_ari_events res_ari_model res_ari_playbacks res_ari_recordings res_ari_sounds
res_ari_mailboxes res_http_websocket res_pjsip_transport_websocket app_stasis res_stasis_broadcast
app_stasis_broadcast res_websocket_client res_stun_monitor res_pjsip_notify res_pjsip_config_wizard
res_http_media_cache
"""
"Modules that need hardware, databases, other protocols, or time to start."


def _modules() -> str:
    """Everything but the unwanted."""
    return "[modules]\nautoload = yes\n" + "".join(f"noload = {module}.so\n" for module in _UNWANTED.split())


def _rtp() -> str:
    first, last = free_rtp_block()
    return f"[general]\nrtpstart = {first}\nrtpend = {last}\nstrictrtp = no\n"


CEL_FIELDS = ("at", "kind", "number", "extension", "channel", "application", "data", "unique", "linked", "extra")


def _cel_custom() -> str:
    """The file that `truth` reads: a line an event, in the order of CEL_FIELDS."""
    values = (
        "${eventtime}",
        "${eventtype}",
        "${CALLERID(num)}",
        "${CHANNEL(exten)}",
        "${CHANNEL(channame)}",
        "${CHANNEL(appname)}",
        "${CHANNEL(appdata)}",
        "${CHANNEL(uniqueid)}",
        "${CHANNEL(linkedid)}",
        "${eventextra}",
    )
    return "[mappings]\nevents.csv => " + ",".join(f"${{CSV_QUOTE({value})}}" for value in values) + "\n"
