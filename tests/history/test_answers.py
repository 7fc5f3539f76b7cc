"""What pages get: questions understood or refused in words, lists as long as their numbers, files that do no harm."""

from __future__ import annotations

import asyncio
import csv
import io
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from crm_bridge import model
from cti.auth import Identity
from cti.board.metrics import VARIANTS
from cti.calls.record import Call, Visit
from cti.events import Outcome
from cti.history import export
from cti.history.ask import WHICHES, Cell, Question
from cti.history.calendar import Calendar
from cti.history.causes import CAUSES
from cti.history.definitions import WORKED, definitions
from cti.history.desk import PAGE, HistoryDesk
from cti.history.figures import FIGURES, Tally, figures_of
from cti.history.query import BadQuestion, question_of
from cti.history.report import report
from cti.popup.rules import party_view
from cti.store import Store
from cti.wire import Party
from tests.history.days import AGENTS, ZONE, at, calls, stored

CALENDAR = Calendar(ZONE)
SINCE, UNTIL = at("2026-05-04 00:00"), at("2026-05-06 00:00")
DAYS = {"from": ["2026-05-04"], "to": ["2026-05-05"]}


async def at_once(work: Callable[[], Any]) -> Any:
    """No other thread."""
    return work()


async def whose(numbers: Iterable[str | None]) -> dict[str, Party]:
    """Every other number is somebody's."""
    known = (number for number in numbers if number is not None and int(number) % 2)
    some = model.Party(id="", kind="person", name="周敏", category="sea", category_label="国际海运", version=1)
    return {number: party_view(msgspec.structs.replace(some, id=number)) for number in known}


def identity(role: str, login: str = "lin") -> Identity:
    """Somebody of that role."""
    return Identity(login=login, name="", role=role, language="zh", interfaces=(), session="s", expires_at=0.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two days of calls."""
    made = stored(calls(random.Random(7), 900, SINCE, UNTIL), tmp_path_factory.mktemp("answers"))
    made.note_targets({"": (13.0, 5.0), "sales": (10.0, 3.0)}, SINCE)
    made.note_teams({phone: "east" for phone, _ in AGENTS[:2]}, SINCE - 1)
    yield made
    made.close()


@pytest.fixture
def desk(store: Store) -> HistoryDesk:
    """The history for pages; lin has the first phone."""
    phones = {"lin": [AGENTS[0][0]]}
    return HistoryDesk(
        store,
        CALENDAR,
        run=at_once,
        phones=lambda login: phones.get(login, []),
        clock=lambda: UNTIL - 9,
        whose=whose,
    )


async def everything(
    ask: Callable[[dict[str, Sequence[str]]], Awaitable[Any]], params: dict[str, Sequence[str]]
) -> list[Any]:
    """All pages of a list."""
    rows: list[Any] = []
    skip: int | None = 0
    while skip is not None:
        page = await ask({**params, "skip": [str(skip)]})
        rows += page.rows
        skip = page.next
    return rows


FILTERS: list[dict[str, Sequence[str]]] = [
    {},
    {"queue": ["sales", "vip"]},
    {"line": ["4000001313"]},
    {"agent": [AGENTS[2][1]]},
    {"team": ["east"]},
    {"hours": ["08:00-17:30"], "days": ["0"]},
    {"target": ["4.999"], "short": ["13"]},
    {"whole": ["1"]},
    {"clock": ["arrival"], "queue": ["support"]},
]


@pytest.mark.parametrize("params", FILTERS)
async def test_the_list_behind_a_number_is_as_long_as_the_number(
    desk: HistoryDesk, params: dict[str, Sequence[str]]
) -> None:
    """Under any filter, each count of the report opens a list of exactly that many rows, newest first."""
    supervisor = identity("supervisor")
    figures = (await desk.report(supervisor, {**DAYS, **params})).total.values
    for which in WHICHES:
        if which in ("troubled", "transfers"):
            continue
        rows = await everything(lambda asked: desk.calls(supervisor, asked), {**DAYS, **params, "which": [which]})
        assert len(rows) == figures[which], which
        assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
        assert len({(row.call, row.n, row.interface) for row in rows}) == len(rows)


async def test_late_calls_are_listed_with_their_split(desk: HistoryDesk) -> None:
    """Each late answer has its wait above its target, and causes that add up to the wait."""
    rows = await everything(lambda asked: desk.calls(identity("supervisor"), asked), {**DAYS, "which": ["late"]})
    assert len(rows) > PAGE / 2
    for row in rows:
        assert row.wait_s > row.target_s
        assert row.target_s == (10.0 if row.queue == "sales" else 13.0)
        assert sum(row.split.values()) == pytest.approx(row.wait_s)
        assert row.cause


async def test_agents_see_their_own_figures_only(desk: HistoryDesk) -> None:
    """Whatever an agent asks for, only calls that his phones answered or missed count; without a phone, none."""
    for by in ("total", "agent", "queue", "day", "heat"):
        own = await desk.report(identity("agent"), {**DAYS, "by": [by]})
        assert own.total.values["abandoned"] == 0
        assert own.total.values["answered"] == sum(
            row.figures.values["answered"] or 0
            for row in (await desk.report(identity("supervisor"), {**DAYS, "by": ["agent"]})).rows
            if row.key in (AGENTS[0][1], AGENTS[0][0])
        )
    asked = await desk.calls(identity("agent"), {**DAYS, "agent": [AGENTS[1][1]], "which": ["answered"]})
    assert asked.rows == ()
    nobody = await desk.report(identity("agent", "somebody"), {**DAYS, "by": ["queue"]})
    assert nobody.rows == ()
    assert (await desk.choices(identity("agent"), DAYS)).teams in ((), ("east",))


async def test_the_list_says_whose_a_number_is(desk: HistoryDesk) -> None:
    """Each row has its caller's customer, where the number is one customer's."""
    rows = await everything(lambda p: desk.calls(identity("supervisor"), p), {**DAYS, "which": ["offered"]})
    of = {row.caller: row.party for row in rows}
    assert len(of) > 10
    assert all((party is not None and party.id == number) == bool(int(number) % 2) for number, party in of.items())


async def test_admins_see_no_callers(desk: HistoryDesk) -> None:
    """An admin's lists and files have every row, and no caller's number."""
    rows = (await desk.calls(identity("admin"), {**DAYS, "which": ["answered"]})).rows
    assert rows
    assert {(row.caller, row.party) for row in rows} == {(None, None)}
    file = await desk.export(identity("admin"), {**DAYS, "which": ["answered"], "format": ["csv"]})
    assert b"0138" not in file.content
    assert (
        b"0138"
        in (await desk.export(identity("supervisor"), {**DAYS, "which": ["answered"], "format": ["csv"]})).content
    )


async def test_the_story_of_a_call_is_for_those_whose_phones_it_rang(desk: HistoryDesk) -> None:
    """Supervisors read any call, admins without the number, agents those of their phones."""
    own = (await desk.calls(identity("agent"), {**DAYS, "which": ["answered"]})).rows[0]
    mine = {
        row.call
        for which in ("answered", "missed", "late")
        for row in await everything(lambda a: desk.calls(identity("agent"), a), {**DAYS, "which": [which]})
    }
    rows = (await desk.calls(identity("supervisor"), {**DAYS, "which": ["abandoned"]})).rows
    other = next(row for row in rows if row.call not in mine)
    for who, call, told in (
        ("supervisor", other, True),
        ("admin", other, True),
        ("agent", own, True),
        ("agent", other, False),
    ):
        story = await desk.story(identity(who), call.call)
        assert (story is not None) == told
        if story is not None:
            assert (story.caller is None) == (who == "admin")
            waited = sum(step.seconds or 0 for step in story.steps if step.doing in CAUSES)
            assert waited >= (call.wait_s or 0) - 0.001
    assert await desk.story(identity("supervisor"), "no such call") is None


async def test_choices_are_the_names_of_the_period(desk: HistoryDesk) -> None:
    """Filters offer what there was."""
    told = await desk.choices(identity("supervisor"), DAYS)
    assert told.queues == ("sales", "support", "vip")
    assert told.lines == ("4000001313", "4000001414")
    assert set(told.agents) == {name for _, name in AGENTS} | {phone for phone, _ in AGENTS}
    assert told.teams == ("east",)
    assert told.site.zone == ZONE.key, "pages show times in the site's zone, wherever the browser is"


# -- questions --------------------------------------------------------------------------------------------

BAD: list[dict[str, Sequence[str]]] = [
    {"from": ["yesterday"]},
    {"from": ["2026-05-06"], "to": ["2026-05-04"]},
    {"from": ["2026-05-04", "2026-05-05"]},
    {"from": ["0001-01-01"]},
    {"from": ["2026-05-04"], "to": ["2036-05-04"]},
    {"from": ["2026-01-01"], "to": ["2026-12-31"], "by": ["15m"]},
    {"by": ["everything"]},
    {"variant": ["V9"]},
    {"target": ["-1"]},
    {"target": ["nan"]},
    {"target": ["1e999"]},
    {"marks": ["3,x"]},
    {"marks": [",".join("1" * 13)]},
    {"hours": ["8-20"]},
    {"hours": ["08:05-20:00"]},
    {"hours": ["25:00-26:00"]},
    {"hours": ["08:00-08:00"]},
    {"days": ["7"]},
    {"days": [""], "hours": ["x"]},
    {"queue": ["q" * 121]},
    {"queue": ["a\x00b"]},
    {"queue": [str(n) for n in range(201)]},
    {"whole": ["yes"]},
]


@pytest.mark.parametrize("params", BAD)
def test_what_makes_no_sense_is_refused_in_words(params: dict[str, Sequence[str]]) -> None:
    """A sentence in both languages, whatever was wrong."""
    with pytest.raises(BadQuestion) as caught:
        question_of(params, CALENDAR, UNTIL)
    assert caught.value.text
    assert caught.value.text_en


@given(
    st.dictionaries(
        st.sampled_from(["from", "to", "by", "queue", "hours", "days", "target", "marks", "clock"]),
        st.lists(st.text(max_size=12), max_size=2),
        max_size=4,
    )
)
def test_any_parameters_are_a_question_or_a_refusal(params: dict[str, list[str]]) -> None:
    """Nothing that can stand in an address raises anything else."""
    try:
        question = question_of(params, CALENDAR, UNTIL)
    except BadQuestion:
        return
    assert question.since_ms < question.until_ms


def test_without_a_period_the_question_is_about_today() -> None:
    """Today at the site, midnight to midnight; a `from` alone is that day; moments have their zone or the site's."""
    assert question_of({}, CALENDAR, UNTIL - 9).since_ms == at("2026-05-05 00:00") * 1000
    assert question_of({"from": ["2026-03-29"]}, CALENDAR, UNTIL).until_ms == at("2026-03-30 00:00") * 1000
    asked = question_of({"from": ["2026-05-04T09:15"], "to": ["2026-05-04T08:30:00+00:00"]}, CALENDAR, UNTIL)
    assert (asked.since_ms, asked.until_ms) == (at("2026-05-04 09:15") * 1000, at("2026-05-04 10:30") * 1000)


# -- numbers ----------------------------------------------------------------------------------------------


def test_the_worked_case_through_the_store(tmp_path: Path) -> None:
    """CALL_METRICS 3.4: the same calls, written as documents and asked for again, give every variant its figure."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    made = []
    for n, (outcome, wait) in enumerate(WORKED):
        if outcome == "callback":  # no document says it yet
            continue
        began = SINCE + 3600 + n
        visit = Visit(
            queue="q",
            joined_at=began,
            left_at=began + (wait or 0),
            outcome=msgspec.convert(outcome, Outcome),
            answered_at=began + (wait or 0) if outcome == "answered" else None,
            wait_s=wait,
            agent="A" if outcome == "answered" else None,
            interface="PJSIP/1" if outcome == "answered" else None,
        )
        made.append(
            Call(
                id=f"c{n}",
                direction="inbound",
                caller=None,
                dialed=None,
                started_at=began,
                ended_at=began + 100,
                refused=(),
                visits=(visit,),
                talks=(),
                transfers=(),
            )
        )
    store.save_calls(made, "pbx")
    question = Question(since_ms=round(SINCE * 1000), until_ms=round(UNTIL * 1000))
    levels = report(question, store, CALENDAR).total.levels
    told = {name: None if share is None else round(share * 100, 4) for name, share in levels.items()}
    assert told == {
        "V1": 50.0, "V2": 27.2727, "V2b": 20.0, "V3": 42.8571, "V4": 63.6364, "V5": 33.3333, "V6": 45.4545, "V7": 30.0,
        "V8": 46.6667,
    }  # fmt: skip
    assert {d.name: round((d.example or 0) * 100, 4) for d in definitions() if d.example is not None}["V8"] == 47.0588
    store.close()


def test_the_published_vector() -> None:
    """1000 answered, 860 in time, 60 abandoned, 20 of them in time and 10 short: 83.0, 86.0, 81.1, 82.7, 82.1 %."""
    tally = Tally()
    zero = {"key": (), "judged": True, "marks": (), "wait": 0, "longest": 0, "talk": 0, "hold": 0, "wrap": 0}
    rest = {"transfers": 0, "gaps": 0, "backfilled": 0}
    tally.add(msgspec.convert({**zero, **rest, "outcome": "answered", "n": 1000, "in_target": 860, "short": 0}, Cell))
    tally.add(msgspec.convert({**zero, **rest, "outcome": "abandoned", "n": 60, "in_target": 20, "short": 10}, Cell))
    levels = figures_of(tally).levels
    told = [round((levels[name] or 0) * 100, 1) for name in ("V4", "V1", "V2", "V3", "V6")]
    assert told == [83.0, 86.0, 81.1, 82.7, 82.1]


def test_every_number_has_a_definition_of_its_own() -> None:
    """Names are unique, and each has words in both languages and a formula."""
    told = definitions()
    assert [d.name for d in told] == [*VARIANTS, "live_now", "live_event", *(f.name for f in FIGURES)]
    assert [d.kind for d in told].count("level") == len(VARIANTS)
    assert len({d.name for d in told}) == len(told)
    assert all(d.label and d.label_en and d.formula and d.unit in ("count", "share", "seconds") for d in told)


def test_every_service_level_is_worked_out_in_the_open() -> None:
    """Formula, counts and value stand side by side, and computing what is written gives what is said."""
    told = {d.name: d for d in definitions() if d.kind != "figure"}
    assert len(told) == len(VARIANTS) + 2
    assert (told["V2"].working, told["live_event"].working) == ("3 / (6 + 5) = 27.27 %", "3 / (6 + 5 + 1) = 25.00 %")
    for definition in told.values():
        sum_, _, said = definition.working.partition(" = ")
        assert definition.example is not None
        assert eval(sum_.replace("−", "-")) == pytest.approx(definition.example, abs=1e-6)
        assert said == f"{definition.example * 100:.2f} %"
    assert all(d.example is None and not d.working for d in definitions() if d.kind == "figure")


# -- files ------------------------------------------------------------------------------------------------

RISKY = ["=1+1", "+86138", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("text", RISKY)
def test_no_text_becomes_a_formula(text: str) -> None:
    """What a spreadsheet would run gets an apostrophe, in both kinds of file; numbers stay numbers."""
    sheet = export.Sheet(title="t", header=[text], rows=[[text, -5, 0.25, None]], notes=[[text]])
    lines = list(csv.reader(io.StringIO(export.file_of(sheet, "csv").decode("utf-8-sig"))))
    assert lines[0] == ["'" + text]
    assert lines[1] == ["'" + text, "-5", "0.25", ""]
    book = load_workbook(io.BytesIO(export.file_of(sheet, "xlsx")))
    for page in book.worksheets:
        for row in page.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
    first = book.worksheets[0]
    assert str(first["A2"].value).startswith("'")
    assert (first["B2"].value, first["C2"].value, first["D2"].value) == (-5, 0.25, None)


@given(st.text(max_size=60))
def test_any_text_can_stand_in_a_file(text: str) -> None:
    """Control characters, lone surrogates, newlines: the file is made, and no cell begins with what would be run."""
    sheet = export.Sheet(title="t", header=["h"], rows=[[text]], notes=[])
    export.file_of(sheet, "csv").decode("utf-8")
    cell = load_workbook(io.BytesIO(export.file_of(sheet, "xlsx"))).worksheets[0]["A2"]
    assert cell.data_type != "f"
    assert not str(cell.value or "").startswith(("=", "+", "-", "@", "\t", "\r"))


async def test_a_report_s_file_has_its_rows_filters_and_definitions(desk: HistoryDesk) -> None:
    """The table is the report; behind it stand what was asked and what each column means."""
    asked = {**DAYS, "by": ["queue"], "marks": ["5,13"], "queue": ["sales", "vip"], "compare": ["1"]}
    told = await desk.report(identity("supervisor"), asked)
    file = await desk.export(identity("supervisor"), {**asked, "format": ["csv"]})
    assert file.name == "thirteen-queue-2026-05-04.csv"
    lines = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    head = lines[0]
    place = next(n for n, name in enumerate(head) if name.startswith("接起"))
    assert [line[0] for line in lines[1:5]] == ["sales", "vip", "合计 Total", "上期合计 Total of the period before"]
    assert [int(line[place]) for line in lines[1:4]] == [
        *(row.figures.values["answered"] for row in told.rows),
        told.total.values["answered"],
    ]
    text = file.content.decode("utf-8-sig")
    for part in ("sales、vip", "2026-05-06 00:00:00.000+02:00", "Europe/Berlin", "A_T / (A + B)", "as in force"):
        assert part in text
    book = load_workbook(io.BytesIO((await desk.export(identity("supervisor"), asked)).content))
    assert [page.title for page in book.worksheets] == ["报表 Report", "说明 Notes"]
    assert book.worksheets[0].max_row == 5
    with pytest.raises(BadQuestion):
        await desk.export(identity("supervisor"), {**DAYS, "format": ["exe"]})


async def test_slow_questions_leave_the_event_loop_alone(store: Store) -> None:
    """Reports run where `run` puts them: the loop goes on meanwhile."""
    desk = HistoryDesk(
        store, CALENDAR, run=asyncio.to_thread, phones=lambda login: (), clock=lambda: UNTIL, whose=whose
    )
    turns = 0
    task = asyncio.create_task(desk.report(identity("supervisor"), {**DAYS, "by": ["15m"]}))
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10
    assert (await task).rows
