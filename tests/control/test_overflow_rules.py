"""Overflow rules: they help when they should, take back exactly what they did, and never act on what is not true."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.calls.reach import Membership
from cti.control.overflow import Add, Doing, Effect, Engine, Remove, Rule, Scene
from cti.wire import encode
from cti.wire.supervision import Back, RuleBody, RuleMode, Then, When, rule_fault

QUIET, COOL, WAIT = 60.0, 30.0, 8.0
TEAM = {"P/1": "A", "P/2": "B", "P/3": "B", "P/4": "B", "P/5": ""}


def rule(id: str = "r", mode: RuleMode = "live", **changes: Any) -> Rule:
    """Eight seconds and nobody idle: team B joins `main` until it was quiet for a minute."""
    body = RuleBody(
        name="help",
        queue="main",
        when=When(wait_s=WAIT),
        then=Then(team="B", penalty=1),
        back=Back(quiet_s=QUIET),
        cool_s=COOL,
    )
    return Rule(id=id, body=msgspec.structs.replace(body, **changes), mode=mode)


class World:
    """Queues with their rows, who made them, and callers; the engine before them."""

    def __init__(self, *rules: Rule) -> None:
        self.now = 10_000.0
        self.live = True
        self.rows: dict[str, Membership] = {}
        "phone -> row in `main`"
        self.by_rule: set[str] = set()
        "phones whose row a rule made, and nobody touched since"
        self.callers: list[float] = []
        self.free = 0
        self.there = set(TEAM)
        self.engine = Engine(rules)
        self.lost = False
        "The PBX does not hear what it is sent."
        self.done: list[tuple[float, Effect]] = []
        self.states: list[tuple[float, str, str]] = []
        self.notes: list[str] = []

    def scene(self) -> Scene:
        """As the steward shows it."""
        return Scene(
            now=self.now,
            live=self.live,
            waiting={"main": self.callers},
            free={"main": self.free},
            rows={"main": {phone: (phone, row) for phone, row in self.rows.items()}},
            phones={phone: (phone, TEAM[phone]) for phone in sorted(self.there)},
        )

    def look(self) -> None:
        """Something happened: look, and look again at what the PBX then tells."""
        while self._look():
            pass

    def _look(self) -> bool:
        before = {id: doing.state for id, doing in self.engine.doing.items()}
        effects = self.engine.look(self.scene())
        self.carry(effects)
        for id, doing in self.engine.doing.items():
            nobody_came = doing.state == "cooling" and doing.rest_s < COOL  # all refused: soon another try
            if before.get(id) != doing.state and not nobody_came:
                self.states.append((self.now, id, doing.state))
        return any(isinstance(effect, Add | Remove) for effect in effects) and not self.lost

    def carry(self, effects: list[Effect]) -> None:
        """What the steward does with them."""
        for effect in effects:
            match effect:
                case Add():
                    assert self.live, "acted on a stale board"
                    self.engine.asked(effect.rule, effect.phone, effect.phone, effect.phone, effect.penalty, self.now)
                    self.done.append((self.now, effect))
                    if not self.lost:
                        self.add(effect)
                case Remove():
                    assert self.live, "acted on a stale board"
                    assert effect.phone in self.by_rule, f"a person's row was taken away: {effect.phone}"
                    self.done.append((self.now, effect))
                    if not self.lost:
                        del self.rows[effect.phone]
                        self.by_rule.discard(effect.phone)
                case _:
                    self.notes.append(effect.note.kind)

    def add(self, effect: Add) -> None:
        """The PBX adds, or says that he is there already."""
        if effect.phone in self.rows:
            self.carry(self.engine.refused(effect.rule, effect.phone, self.now, "在", "there"))
            return
        self.rows[effect.phone] = Membership(
            queue="main", interface=effect.phone, penalty=effect.penalty, login_time=int(self.now)
        )
        self.by_rule.add(effect.phone)

    def person_adds(self, phone: str, penalty: int = 1) -> None:
        """A supervisor adds an agent by hand. The PBX adds nobody twice: he is taken out first, and that is seen."""
        if phone in self.rows:
            self.person_removes(phone)
            self.look()
        self.rows[phone] = Membership(queue="main", interface=phone, penalty=penalty, login_time=int(self.now))
        self.by_rule.discard(phone)

    def person_removes(self, phone: str) -> None:
        """A supervisor removes an agent by hand."""
        self.rows.pop(phone, None)
        self.by_rule.discard(phone)

    def person_changes(self, phone: str, penalty: int) -> None:
        """A supervisor changes a penalty."""
        row = self.rows.get(phone)
        if row is not None and row.penalty != penalty:
            self.rows[phone] = msgspec.structs.replace(row, penalty=penalty)
            self.by_rule.discard(phone)

    def quiet(self) -> None:
        """The last caller is served."""
        self.callers = []
        self.look()

    def restart(self) -> None:
        """The service dies and starts again, with what was written down."""
        rules = [msgspec.json.decode(encode(rule), type=Rule) for rule in self.engine.rules.values()]
        doing = {id: msgspec.json.decode(encode(one), type=Doing) for id, one in self.engine.doing.items()}
        self.engine = Engine(rules, doing)

    def until(self, at: float) -> None:
        """Time passes; the engine is asked when it wants to be."""
        while True:
            due = self.engine.due(self.scene())
            if due is None or due > at:
                break
            self.now = due
            self.look()
        self.now = at
        self.look()

    def passes(self, seconds: float) -> None:
        """Some time."""
        self.until(self.now + seconds)


def kinds(world: World) -> list[str]:
    """What was sent."""
    return [f"{type(effect).__name__} {effect.phone}" for _, effect in world.done if isinstance(effect, Add | Remove)]


def test_rule_acts_at_its_second_and_takes_back_at_its_minute() -> None:
    """Added when the caller has waited 8 s, not before; removed when nobody waited for 60 s, not before."""
    world = World(rule())
    began = world.now
    world.callers.append(began)
    world.passes(7.999)
    assert kinds(world) == []
    world.until(began + 8.0)
    assert kinds(world) == ["Add P/2", "Add P/3", "Add P/4"]
    assert [at for at, _ in world.done] == [began + 8.0] * 3
    world.until(began + 20.0)
    world.quiet()
    world.until(began + 79.999)
    assert len(world.done) == 3
    world.until(began + 80.0)
    assert kinds(world)[3:] == ["Remove P/2", "Remove P/3", "Remove P/4"]
    world.passes(1)
    assert world.rows == {}
    view = world.engine.view("r")
    assert view is not None
    assert (view.state, view.members, view.now) == ("cooling", (), "冷却中")


def test_somebody_idle_is_reason_enough_to_wait() -> None:
    """The condition is all of it together, for `hold_s`."""
    world = World(rule(when=When(wait_s=WAIT, waiting=2, hold_s=3.0)))
    world.callers = [world.now, world.now]
    world.free = 1
    world.passes(30)
    assert kinds(world) == []
    world.free = 0
    world.look()
    world.passes(2.9)
    assert kinds(world) == []
    world.passes(0.2)
    assert len(kinds(world)) == 3


def test_dry_run_says_what_it_would_have_done_and_does_nothing() -> None:
    """The same states and sentences, marked as dry, and not one action."""
    world = World(rule(mode="dry"))
    world.callers.append(world.now)
    world.passes(9)
    view = world.engine.view("r")
    assert view is not None
    assert (view.state, view.mode) == ("on", "dry")
    assert view.last is not None
    assert view.last.dry
    assert "本应加入 P/2、P/3、P/4" in view.last.text
    assert "would add P/2, P/3, P/4" in view.last.text_en
    world.quiet()
    world.passes(100)
    assert world.done == []
    assert world.notes == ["on", "off"]


def test_only_those_who_are_there_and_not_yet_in_the_queue_are_added() -> None:
    """Whoever is away stays away, whoever is in stays as he is, and `most` is the most."""
    world = World(rule(then=Then(team="B", penalty=1, most=1)))
    world.there -= {"P/2"}
    world.person_adds("P/3", 0)
    world.callers.append(world.now)
    world.passes(9)
    assert kinds(world) == ["Add P/4"]
    world.quiet()
    world.passes(100)
    assert set(world.rows) == {"P/3"}


@pytest.mark.parametrize("touch", ["added again", "penalty", "removed"])
def test_what_a_person_did_to_a_rules_member_stays(touch: str) -> None:
    """Added again, given another penalty, or removed: the rule lets go of him, says so, and takes the others back."""
    world = World(rule())
    world.callers.append(world.now)
    world.passes(9)
    world.passes(5)
    if touch == "added again":
        world.person_adds("P/3")
    elif touch == "penalty":
        world.person_changes("P/3", 0)
    else:
        world.person_removes("P/3")
    world.look()
    assert world.notes[-1] == "kept"
    world.quiet()
    world.passes(100)
    assert set(world.rows) == (set() if touch == "removed" else {"P/3"})


def test_a_person_may_claim_a_rules_member() -> None:
    """Wanted there by somebody: he stays when the rule takes the others back."""
    world = World(rule())
    world.callers.append(world.now)
    world.passes(9)
    found, effects = world.engine.claim("main", "P/3", world.now)
    world.by_rule.discard("P/3")
    world.carry(effects)
    assert found
    assert world.notes[-1] == "kept"
    assert world.engine.claim("main", "P/5", world.now) == (False, [])
    world.quiet()
    world.passes(100)
    assert set(world.rows) == {"P/3"}


def test_a_gap_hides_nothing() -> None:
    """Link lost while the rule is on: nothing is decided; a member who was added anew meanwhile is a person's."""
    world = World(rule())
    world.callers.append(world.now)
    world.passes(9)
    world.quiet()
    world.passes(30)
    world.live = False
    world.look()
    world.passes(500)
    assert len(world.done) == 3
    world.person_adds("P/2")
    world.live = True
    world.look()
    world.passes(59)
    assert len(world.done) == 3, "the quiet minute is counted anew"
    world.passes(5)
    assert set(world.rows) == {"P/2"}


def test_restart_goes_on_where_it_was() -> None:
    """Killed between asking and seeing, and again while on: nobody is left behind, nobody is added twice."""
    world = World(rule())
    world.callers.append(world.now)
    world.until(world.now + 8.0)  # asked, and the rows stand; the engine has not looked since
    world.restart()
    world.passes(30)
    world.restart()
    world.quiet()
    world.passes(100)
    assert world.rows == {}
    assert len(world.done) == 6


def test_rows_that_the_pbx_kept_over_its_own_restart_are_still_the_rules() -> None:
    """persistentmembers gives them new login times; they leave all the same."""
    world = World(rule())
    world.callers.append(world.now)
    world.passes(9)
    world.quiet()
    world.engine.restarted()
    world.look()  # the old link still stands for a moment
    world.live = False
    world.look()
    world.now += 20
    for phone, row in world.rows.items():
        world.rows[phone] = msgspec.structs.replace(row, login_time=int(world.now))
    world.live = True
    world.look()
    world.passes(100)
    assert world.rows == {}


def test_editing_switching_off_and_dropping_take_back_first() -> None:
    """Whatever a supervisor does to the rule: what it did under its old text is taken back."""
    for how in ("edit", "off", "drop", "withdraw"):
        world = World(rule())
        world.callers.append(world.now)
        world.passes(9)
        known = world.engine.rules["r"]
        if how == "edit":
            changed = msgspec.structs.replace(known, mode="dry", version=2)
            world.carry(world.engine.put(changed, world.now))
        elif how == "off":
            world.carry(world.engine.put(msgspec.structs.replace(known, mode="off", version=2), world.now))
        elif how == "drop":
            world.carry(world.engine.drop("r", world.now))
        else:
            world.carry(world.engine.withdraw("r", world.now))
        world.passes(1)
        assert world.rows == {}, how
        assert (how == "drop") == ("r" not in world.engine.rules)


def test_refused_adding_is_said_and_claims_nobody() -> None:
    """A person was quicker: the PBX says `Already there`, and the row is his."""
    world = World(rule())
    world.callers.append(world.now)
    world.lost = True
    world.passes(9)
    world.person_adds("P/2")
    world.carry(world.engine.refused("r", "P/2", world.now, "已在", "Already there"))
    world.passes(30)
    world.lost = False
    world.quiet()
    world.passes(100)
    assert set(world.rows) == {"P/2"}
    assert "failed" in world.notes


def test_rule_whom_everybody_was_refused_tries_again_soon() -> None:
    """The link broke just then: it does not stand there as if it had helped; ten seconds later it helps."""
    world = World(rule())
    world.callers.append(world.now)
    world.lost = True
    world.until(world.now + 8.0)
    for phone in ("P/2", "P/3", "P/4"):
        world.carry(world.engine.refused("r", phone, world.now, "连接不正常", "no link"))
    view = world.engine.view("r")
    assert view is not None
    assert (view.state, view.members) == ("cooling", ())
    world.lost = False
    world.passes(9.9)
    assert world.rows == {}
    world.passes(0.2)
    assert set(world.rows) == {"P/2", "P/3", "P/4"}


def test_removal_that_got_lost_is_asked_for_again_while_the_row_stands() -> None:
    """Nobody is left behind because one answer never came."""
    world = World(rule())
    world.callers.append(world.now)
    world.passes(9)
    world.quiet()
    world.lost = True
    world.passes(61)
    assert set(world.rows) == {"P/2", "P/3", "P/4"}
    world.lost = False
    world.passes(15)
    assert world.rows == {}


MOVES = st.sampled_from(
    (
        *(
            "caller",
            "caller",
            "leaves",
            "leaves",
            "free",
            "busy",
            "add",
            "console",
            "remove",
            "penalty",
            "cut",
            "mend",
            "restart",
        ),
        *("lose", "find", "away", "back", "wait"),
    )
)
STORIES = st.lists(
    st.tuples(MOVES, st.sampled_from(sorted(TEAM)), st.floats(1.1, 45.0, allow_nan=False)), min_size=5, max_size=60
)


def tell(world: World, move: str, phone: str) -> None:
    """One thing happens."""
    match move:
        case "caller":
            world.callers.append(world.now)
        case "leaves":
            world.callers = world.callers[1:]
        case "free" | "busy":
            world.free = 1 if move == "free" else 0
        case "add":
            # At our page, which tells the engine: in one second with an ask that was lost no row says whose it is.
            world.carry(world.engine.claim("main", phone, world.now)[1])
            world.person_adds(phone)
        case "console":
            world.person_adds(phone, penalty=0)
        case "remove":
            world.person_removes(phone)
        case "penalty":
            world.person_changes(phone, 5)
        case "cut" | "mend":
            world.live = move == "mend"
        case "restart":
            world.restart()
        case "lose" | "find":
            world.lost = move == "lose"
        case "away":
            world.there.discard(phone)
        case "back":
            world.there.add(phone)
        case _:
            pass


@settings(max_examples=150, deadline=None)
@given(STORIES)
def test_no_story_makes_a_rule_flap_leave_somebody_behind_or_touch_a_persons_member(
    story: list[tuple[str, str, float]],
) -> None:
    """Callers, people's own changes, cuts, restarts and lost answers in any order (two rules at once).

    `World.carry` refuses any action on a stale board and any removal of a row that a person made or changed.
    """
    second = rule("s", when=When(wait_s=20.0), then=Then(interfaces=("P/1", "P/5", "P/2"), penalty=3))
    world = World(rule(), second)
    for move, phone, seconds in story:
        tell(world, move, phone)
        world.look()
        world.passes(seconds)
    for id in world.engine.rules:
        last: dict[str, float] = {}
        for at, of, state in world.states:
            if of != id:
                continue
            if state == "on" and "cooling" in last:
                assert at - last["cooling"] >= COOL - 1e-6, "it flaps: on again before it was cool"
            if state == "cooling":
                assert at - last["on"] >= QUIET - 1e-6, "it flaps: off before it was quiet"
            last[state] = at
    world.live, world.lost, world.callers = True, False, []
    world.look()
    world.passes(QUIET + COOL + 40)
    assert world.by_rule == set(), "members of a rule were left behind"
    assert all(not doing.mine for doing in world.engine.doing.values())


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"then": Then(team="B", from_queue="x")}, "then"),
        ({"then": Then()}, "then"),
        ({"then": Then(from_queue="main")}, "from_queue"),
        ({"when": When(wait_s=-1)}, "wait_s"),
        ({"when": When(wait_s=float("nan"))}, "wait_s"),
        ({"when": When(wait_s=8, waiting=0)}, "waiting"),
        ({"back": Back(quiet_s=1)}, "quiet_s"),
        ({"cool_s": 0.0}, "cool_s"),
        ({"name": "a\nb"}, "name"),
        ({"name": " "}, "name"),
        ({"then": Then(team="B", penalty=-1)}, "penalty"),
    ],
)
def test_rule_that_makes_no_sense_is_refused_with_its_key(change: dict[str, Any], key: str) -> None:
    """One sentence in both languages, and which key it is about."""
    assert rule_fault(rule().body) is None
    fault = rule_fault(rule(**change).body)
    assert fault is not None
    assert fault[0] == key
