"""The account of a run: what really happened, and what the service made of it. Whoever runs something fills it in.

All times are epoch seconds on one clock, the PBX's. A part that a run did not look at stays None; the invariants that
need it are then not evaluated, and `evaluate(..., must=...)` refuses a run that was to look and did not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Span = tuple[float, float]
"(from, to)"
Tally = Counter[tuple[str, str, str]]
"{(queue, agent where it was answered, outcome): visits}"


# ---- what really happened ---------------------------------------------------------------------------------


@dataclass(slots=True)
class TrueVisit:
    """One stay in one queue, by the PBX's own books."""

    queue: str
    entered: float
    outcome: str
    agent: str | None = None
    wait_s: float | None = None
    "None where the books do not tell."
    least_s: float | None = None
    "The shortest wait the books allow, where they are not sure."
    talk_s: float | None = None
    missed: tuple[tuple[str, float], ...] | None = None
    "(agent, seconds rung) of each ring that nobody took; None: not looked at."


@dataclass(slots=True)
class TrueCall:
    """One call."""

    id: str
    began: float
    ended: float | None
    "None where the PBX died in it."
    visits: list[TrueVisit]
    pbx: str = "main"


@dataclass(frozen=True, slots=True)
class DuePop:
    """A pop that an agent must get: his phone rings, or he talks, from `at` to `until`."""

    agent: str
    visit: str
    "What tells one visit from another in the run, such as `call#n`."
    at: float
    until: float


# ---- what the service stored ------------------------------------------------------------------------------


@dataclass(slots=True)
class OurVisit:
    """A row of ours. `n` is its number in the call; two rows with one number are two rows too many."""

    n: int
    queue: str
    outcome: str
    agent: str | None
    entered: float | None
    wait_s: float | None
    talk_s: float | None = None
    missed: tuple[tuple[str, float], ...] | None = None


@dataclass(slots=True)
class OurCall:
    """A call as it is stored."""

    id: str
    began: float | None
    ended: float | None
    marked: bool
    "As incomplete: some of it was not seen."
    visits: list[OurVisit]
    talks: Sequence[tuple[float, float | None]] = ()
    pbx: str = "main"
    filled: bool = False
    "Completed from queue_log afterwards."


@dataclass(frozen=True, slots=True)
class Figures:
    """What a report says of a queue in an interval [from, to)."""

    queue: str
    span: Span
    offered: int
    answered: int
    abandoned: int
    in_target: int
    target_s: float
    asa_s: float | None
    "Mean wait of the answered."


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still there when all is over; `at` is seconds after the last channel was gone."""

    at: float
    open_calls: Sequence[str]
    waiting: Sequence[str]
    on_call: Sequence[str]
    "Agents shown as ringing, busy or held."


@dataclass(frozen=True, slots=True)
class Compared:
    """A state of ours beside the PBX's, in one normal form (such as (what, who, how))."""

    what: str
    ours: frozenset[tuple[str, ...]]
    theirs: frozenset[tuple[str, ...]]


# ---- what reached people ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A pop as a page drew it: a new one, not a change of one that is there."""

    at: float
    pop: str
    visit: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A page's connection: asked for at `at`, first snapshot at `snapshot_at`, gone at `until`."""

    at: float
    snapshot_at: float | None
    until: float
    pops: frozenset[str]
    "Visits whose pop stood in the snapshot."


@dataclass(slots=True)
class Client:
    """What one page saw."""

    agent: str
    shown: list[Shown] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    stale: list[tuple[float, bool]] = field(default_factory=list)
    "(when, whether the banner that what is shown is old stood from then on)"


@dataclass(frozen=True, slots=True)
class Stream:
    """Numbers of one topic as one reader took them: (number, whether it was a snapshot, which may begin anywhere)."""

    topic: str
    taken: Sequence[tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class Outage:
    """The PBX could not be heard: cut, known to the service, heard and read again."""

    cut_at: float
    known_at: float | None
    live_at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that reached somebody: may he have it?"""

    to: str
    what: str
    allowed: bool


# ---- what was kept, done and said -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Memory:
    """A process's resident memory in bytes: before the fault, and each time it was looked at."""

    process: str
    base: int
    samples: Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Buffer:
    """Something that holds other things, and how many it may hold."""

    name: str
    size: int
    limit: int


@dataclass(frozen=True, slots=True)
class Written:
    """A write or a side effect: under which epoch, and which was the newest when it was committed or took effect."""

    at: float
    what: str
    epoch: int
    newest: int


@dataclass(frozen=True, slots=True)
class Effect:
    """A listening, whisper, barge or look at a record: when it took effect, and when its audit row was committed."""

    id: str
    at: float
    audited_at: float | None


@dataclass(frozen=True, slots=True)
class Slack:
    """How exact a run can be."""

    exact_s: float = 0.1
    "Where the service saw everything."
    whole_s: float = 1.1
    "Where it was filled in from books that have whole seconds."
    edge_s: float = 1.0
    "A call this near to a hole's end may be marked or not."


@dataclass(slots=True)
class Account:
    """Everything that is known of one run."""

    # What was done to the service
    holes: Sequence[Span] = ()
    "When it did not see the PBX."
    maybe: Sequence[Span] = ()
    "When some of it did not, one of several nodes: a call of that time may be marked."
    lossy: bool = False
    "Single events were lost or late: any call may have been put right from whole seconds."
    slack: Slack = Slack()

    # I1-I5, I18
    truth: list[TrueCall] | None = None
    calls: list[OurCall] | None = None
    tally: Tally | None = None
    "The PBX's books counted line by line, by code that shares none with what made `truth`."
    reported: Tally | None = None
    "The service's reports, counted the same way."
    figures: list[Figures] | None = None
    buckets: list[tuple[str, float, float]] | None = None
    "(row's name, from, to) of every row of a report over time."

    # I6, I7
    rest: Rest | None = None
    states: list[Compared] | None = None

    # I8-I11
    due: list[DuePop] | None = None
    clients: list[Client] | None = None
    told: list[str] | None = None
    "Names of what may be told once only, such as rings, each as often as it was told."
    outages: list[Outage] | None = None
    streams: list[Stream] | None = None

    # I12-I20
    memory: list[Memory] | None = None
    buffers: list[Buffer] | None = None
    commands: Mapping[str, int] | None = None
    "{command id: AMI actions it led to, over all nodes and restarts}; '' are actions of no command."
    forged: list[str] | None = None
    "Facts that outsiders made up and the service took for true."
    refused: list[str] | None = None
    "Genuine facts that the service took for forged."
    deliveries: list[Delivery] | None = None
    acknowledged: set[str] | None = None
    "Ids of outside messages that were answered as taken."
    stored: set[str] | None = None
    "Ids of outside messages in the database, after the crash."
    log: list[str] | None = None
    secrets: Sequence[str] = ()
    "Words that must stand in no log: passwords, tokens, customers' names and numbers of the run."
    written: list[Written] | None = None
    effects: list[Effect] | None = None
    ready: list[tuple[float, bool]] | None = None
    "(when asked, what /readyz said)"
    unusable: list[Span] | None = None
    "When the PBX or the database could not be used, up to the moment all was live again."
