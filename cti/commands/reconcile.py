"""`cti reconcile`: our calls beside the PBX's queue_log for a period. Exit code 1 where they differ."""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cti.calls.record import Call
from cti.commands.common import BAD_CONFIG, FAILED, settings_or_exit
from cti.history.books import Comparison, Difference, compare, ours_of
from cti.history.calendar import INTERVALS, Calendar
from cti.history.query import BadQuestion, question_of
from cti.history.queue_log import LogBook, LogVisit, Rules
from cti.store import Store, StoreError
from cti.ticker import wall_clock

EDGE_S = 60.0
"Calls this near to the period's ends are read, too, so that a pair is not torn apart."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti reconcile`."""
    parser.add_argument("--config", metavar="FILE", help="cti.toml (or the variable CTI_CONFIG)")
    parser.add_argument("--from", dest="since", metavar="DAY", help="first day or moment, at the site (default today)")
    parser.add_argument("--to", dest="until", metavar="DAY", help="last day, included, or moment")
    parser.add_argument("--log", action="append", default=[], metavar="FILE", help="queue_log to read instead, .gz too")
    parser.add_argument("--interval", choices=INTERVALS, default="day", help="how figures are told (default day)")


def main(args: argparse.Namespace) -> int:
    """Compare and print."""
    settings = settings_or_exit(args.config)
    calendar = Calendar(ZoneInfo(settings.site.timezone))
    given = {"from": [args.since] if args.since else [], "to": [args.until] if args.until else []}
    try:
        question = question_of(given, calendar, wall_clock())
        since, until = question.since_ms / 1000, question.until_ms / 1000
        store = Store.open(settings.store.url)
        calls = store.calls_since(since - 86_400)
        if args.log:
            theirs, refused = read_logs([Path(name) for name in args.log], Rules(systemname=settings.pbx.systemname))
        else:
            theirs, refused = store.log_visits(since - EDGE_S, until + EDGE_S), len(store.quarantined(10_000))
        store.close()
    except BadQuestion as question_error:
        print(f"cti reconcile: {question_error.text} / {question_error.text_en}", file=sys.stderr)
        return BAD_CONFIG
    except (StoreError, OSError, EOFError) as error:
        text = error.text_en if isinstance(error, StoreError) else str(error)
        print(f"cti reconcile: {text}", file=sys.stderr)
        return BAD_CONFIG
    result = within(calls, theirs, since, until, lambda at: calendar.begin(args.interval, round(at * 1000)))
    tell(result, calendar, refused)
    return FAILED if result.differences else 0


def read_logs(files: list[Path], rules: Rules) -> tuple[list[LogVisit], int]:
    """Visits of these files, oldest file first, and how many lines did not count. Raises OSError."""
    book, refused = LogBook(rules), 0
    for file in files:
        raw = file.read_bytes()
        for line in (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).split(b"\n"):
            if line and book.read(line, wall_clock()) is not None:
                refused += 1
    return book.take(), refused


def within(
    calls: list[Call], theirs: list[LogVisit], since: float, until: float, interval: Callable[[float], int]
) -> Comparison:
    """The comparison of what entered in [since, until): pairs by our entry, the rest by their own."""
    near = [one for one in ours_of(calls) if since - EDGE_S <= one.joined_at < until + EDGE_S]
    others = [visit for visit in theirs if since - EDGE_S <= visit.entered < until + EDGE_S]
    told = compare(near, others, interval)
    first, last = interval(since), interval(until - 0.001)

    def inside(difference: Difference) -> bool:
        return since <= difference.at < until

    return Comparison(
        counts={key: pair for key, pair in told.counts.items() if first <= key[1] <= last},
        waits={key: pair for key, pair in told.waits.items() if first <= key[1] <= last},
        differences=tuple(d for d in told.differences if inside(d)),
        matched=told.matched,
    )


def tell(result: Comparison, calendar: Calendar, refused: int) -> None:
    """Print it for people."""
    print("queue  interval  outcome  ours  queue_log")
    for (queue, at, outcome), (ours, theirs) in result.counts.items():
        mark = "" if ours == theirs else "  <-- differs"
        print(f"{queue}  {calendar.local(at):%Y-%m-%d %H:%M}  {outcome}  {ours}  {theirs}{mark}")
    for (queue, at), (ours, theirs) in result.waits.items():
        print(f"{queue}  {calendar.local(at):%Y-%m-%d %H:%M}  wait of the answered, s  {ours}  {theirs}")
    for d in result.differences:
        when = datetime.fromtimestamp(d.at, calendar.zone).isoformat(sep=" ", timespec="seconds")
        print(f"{d.kind}: {d.queue} {when} call {d.call}: ours {d.ours or '-'}, queue_log {d.theirs or '-'}")
    print(f"{result.matched} visits found in both, {len(result.differences)} differences, {refused} lines refused")
