"""Every route and every role; what a request must carry; what every answer carries."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from argon2 import PasswordHasher
from yarl import URL

from cti.auth import Account
from cti.web.ports import Refusal, not_found
from cti.web.server import API, PREFIX, ROUTES
from tests.web.place import PASSWORD, PROFILE, Site

ALL = frozenset({"agent", "supervisor", "admin", "stranger"})
READERS = frozenset({"agent", "supervisor", "admin"})
STAFF = frozenset({"agent", "supervisor"})
KEEPERS = frozenset({"supervisor", "admin"})
ADMIN = frozenset({"admin"})
LEADERS = frozenset({"supervisor"})
OVERFLOW = {"name": "r", "queue": "q", "when": {"wait_s": 8}, "then": {"team": "B"}}
ARTICLE = {"category": "quote", "title": "免箱期", "body": "目的港 14 天"}
OPEN: frozenset[str | None] = frozenset({None, *ALL})

MATRIX: dict[tuple[str, str], tuple[frozenset[str] | frozenset[str | None], Any]] = {
    ("POST", "/login"): (OPEN, {"user": "agent", "password": "x"}),
    ("POST", "/logout"): (ALL, None),
    ("GET", "/me"): (ALL, None),
    ("POST", "/me/phone"): (STAFF, {"interface": "PJSIP/1"}),
    ("POST", "/me/language"): (ALL, {"language": "en"}),
    ("POST", "/me/pause"): (STAFF, {"paused": True}),
    ("POST", "/pops/{pop}/dismiss"): (STAFF, None),
    ("POST", "/pops/{pop}/choose"): (STAFF, {"party": None}),
    ("POST", "/pops/{pop}/sections/{section}"): (STAFF, None),
    ("PUT", "/calls/{call}/note"): (STAFF, {"text": "x"}),
    ("PUT", "/calls/{call}/draft"): (STAFF, {"a": 1}),
    ("GET", "/calls"): (STAFF, None),
    ("GET", "/parties"): (STAFF, None),
    ("POST", "/parties"): (STAFF, {"fields": {}}),
    ("PATCH", "/parties/{id}"): (STAFF, {"fields": {}, "version": 1}),
    ("GET", "/parties/{id}/business"): (STAFF, None),
    ("GET", "/parties/{id}/chats"): (STAFF, None),
    ("POST", "/parties/{id}/business"): (STAFF, {"fields": {}}),
    ("POST", "/parties/{id}/notes"): (STAFF, {"text": "x"}),
    ("GET", "/forms/{category}"): (STAFF, None),
    **{("GET", f"/history/{what}"): (READERS, None) for what in ("report", "causes", "calls", "choices", "export")},
    ("GET", "/history/definitions"): (READERS, None),
    ("GET", "/history/calls/{call}"): (READERS, None),
    ("GET", "/control"): (LEADERS, None),
    ("POST", "/control/actions"): (LEADERS, {"kind": "caller_first", "visit": "v"}),
    ("POST", "/control/listen"): (LEADERS, {"interface": "PJSIP/1", "call": "c", "mode": "listen"}),
    ("POST", "/control/actions/{id}/undo"): (LEADERS, {"reason": "x"}),
    ("POST", "/control/actions/{id}/end"): (LEADERS, None),
    ("GET", "/control/actions"): (LEADERS, None),
    ("GET", "/control/mine"): (STAFF, None),
    ("GET", "/control/rules"): (LEADERS, None),
    ("POST", "/control/rules"): (LEADERS, OVERFLOW),
    ("PUT", "/control/rules/{id}"): (LEADERS, {**OVERFLOW, "version": 1}),
    ("POST", "/control/rules/{id}/mode"): (LEADERS, {"mode": "live", "version": 1}),
    ("POST", "/control/rules/{id}/withdraw"): (LEADERS, None),
    ("DELETE", "/control/rules/{id}"): (LEADERS, None),
    ("GET", "/control/rules/{id}/log"): (LEADERS, None),
    ("GET", "/pops/{pop}/messages"): (STAFF, None),
    ("POST", "/pops/{pop}/messages/preview"): (STAFF, {"to": "r", "text": "x"}),
    ("POST", "/pops/{pop}/messages"): (STAFF, {"key": "k-000001", "to": "r", "text": "x"}),
    ("POST", "/messages/{id}/retry"): (STAFF, None),
    ("GET", "/messages"): (STAFF, None),
    ("GET", "/messages/sent"): (LEADERS, None),
    ("POST", "/messages/{id}/read"): (STAFF, None),
    ("POST", "/messages/{id}/reply"): (STAFF, {"key": "k-000001", "text": "x"}),
    ("GET", "/messages/callbacks"): (STAFF, None),
    ("POST", "/messages/callbacks/{id}/done"): (STAFF, None),
    ("GET", "/messages/templates"): (STAFF, None),
    ("POST", "/messages/templates/preview"): (KEEPERS, {"text": "x"}),
    ("PUT", "/messages/templates/{id}"): (KEEPERS, {"name": "x", "purpose": "service", "text": "x"}),
    ("DELETE", "/messages/templates/{id}"): (KEEPERS, None),
    ("GET", "/messages/rules"): (STAFF, None),
    ("PUT", "/messages/rules/{trigger}"): (KEEPERS, {"enabled": False}),
    ("GET", "/messages/optouts"): (KEEPERS, None),
    ("POST", "/messages/optouts"): (STAFF, {"number": "13800138000", "scope": "all"}),
    ("POST", "/messages/optouts/{id}/lift"): (KEEPERS, {"note": "x"}),
    ("GET", "/messages/statistics"): (KEEPERS, None),
    ("GET", "/messages/status"): (KEEPERS, None),
    ("POST", "/messages/send"): (OPEN, {"key": "k-000001", "number": "1"}),
    ("GET", "/openapi.json"): (OPEN, None),
    ("GET", "/knowledge"): (STAFF, None),
    ("GET", "/knowledge/articles"): (STAFF, None),
    ("GET", "/knowledge/articles/{id}"): (STAFF, None),
    ("POST", "/knowledge/articles"): (STAFF, ARTICLE),
    ("PUT", "/knowledge/articles/{id}"): (STAFF, ARTICLE),
    ("POST", "/knowledge/articles/{id}/restore"): (STAFF, {"old": 1, "version": 1}),
    ("POST", "/knowledge/articles/{id}/retire"): (STAFF, {"version": 1}),
    ("POST", "/knowledge/articles/{id}/used"): (STAFF, None),
    ("GET", "/lanes"): (STAFF, None),
    ("GET", "/lanes/prices"): (STAFF, None),
    ("GET", "/ports"): (STAFF, None),
    ("GET", "/freight"): (STAFF, None),
    ("GET", "/quotes"): (STAFF, None),
    ("POST", "/quotes/totals"): (STAFF, {"containers": "40HQ", "charges": []}),
    ("GET", "/parties/{id}/quotes"): (STAFF, None),
    ("POST", "/parties/{id}/quotes"): (STAFF, {"pol": "宁波", "pod": "汉堡"}),
    ("GET", "/parties/{id}/quotes/{quote}"): (STAFF, None),
    ("PUT", "/parties/{id}/quotes/{quote}"): (STAFF, {"pol": "宁波", "version": "x"}),
    ("POST", "/parties/{id}/quotes/{quote}/status"): (STAFF, {"status": "won"}),
    ("GET", "/parties/{id}"): (STAFF, None),
    ("PUT", "/parties/{id}/contacts"): (STAFF, {"points": [], "version": 1}),
    ("GET", "/catalogue"): (KEEPERS, None),
    ("GET", "/catalogue/changes"): (KEEPERS, None),
    ("POST", "/catalogue/categories"): (KEEPERS, {"key": "air", "label": "空运", "label_en": "Air"}),
    ("PATCH", "/catalogue/categories/{key}"): (KEEPERS, {"label": "海运"}),
    ("POST", "/catalogue/fields"): (KEEPERS, {"category": "*", "key": "x", "label": "甲", "label_en": "A"}),
    ("PATCH", "/catalogue/fields/{category}/{key}"): (KEEPERS, {"required": True}),
    ("GET", "/conversations"): (STAFF, None),
    ("GET", "/conversations/{id}"): (STAFF, None),
    ("POST", "/conversations/{id}/link"): (STAFF, {"party": "1"}),
    ("DELETE", "/conversations/{id}/link"): (STAFF, None),
    ("POST", "/chat/imports"): (ADMIN, {"any": "file"}),
    ("GET", "/writeback"): (ADMIN, None),
    ("POST", "/writeback/retry"): (ADMIN, {}),
    ("GET", "/alerts"): (KEEPERS, None),
    ("GET", "/alerts/limits"): (KEEPERS, None),
    ("POST", "/alerts/silences"): (KEEPERS, {"kind": "warn", "minutes": 5}),
    ("DELETE", "/alerts/silences/{silence}"): (KEEPERS, None),
    ("POST", "/wallboard/enter"): (OPEN, {"token": "x"}),
    ("GET", "/wallboard/here"): (KEEPERS, None),
    ("GET", "/wallboard/tokens"): (ADMIN, None),
    ("POST", "/wallboard/tokens"): (ADMIN, {"label": "x"}),
    ("DELETE", "/wallboard/tokens/{wall}"): (ADMIN, None),
    ("GET", "/teams"): (KEEPERS, None),
    ("GET", "/teams/{login}/history"): (KEEPERS, None),
    ("PUT", "/teams/{login}"): (KEEPERS, {"team": "x"}),
    ("GET", "/calls/{call}/recordings"): (LEADERS, None),
    ("POST", "/calls/{call}/recordings/{recording}/listen"): (LEADERS, None),
    ("GET", "/recordings/{ticket}"): (LEADERS, None),
    ("GET", "/recordings/rights"): (ADMIN, None),
    ("PUT", "/recordings/rights/{login}"): (ADMIN, {"teams": ["x"]}),
    ("POST", "/calls/{call}/marks"): (LEADERS, {"at_s": 1, "text": "x"}),
    ("DELETE", "/marks/{mark}"): (LEADERS, None),
    ("GET", "/scoring/form"): (LEADERS, None),
    ("PUT", "/scoring/form"): (LEADERS, {"title": "x", "criteria": []}),
    ("PUT", "/calls/{call}/score"): (LEADERS, {"form": 1, "points": {}}),
    ("GET", "/scores"): (READERS, None),
    ("GET", "/whatif"): (KEEPERS, None),
    ("GET", "/staffing"): (KEEPERS, None),
    ("GET", "/replay/range"): (KEEPERS, None),
    ("GET", "/replay"): (KEEPERS, None),
}
"{route: (who may, a body)}. `stranger` has a role that nobody knows: he may what every session may."

QUERIES = {"/whatif": "?queue=q", "/staffing": "?queue=q", "/replay": "?at=1"}
"What a route cannot do without."

OTHERS: dict[tuple[str, str], frozenset[str | None]] = {
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/"): OPEN,
    ("GET", "/{path:.*}"): OPEN,
}


def test_every_route_stands_in_the_matrix() -> None:
    """A new route without an entry fails here; an entry without a route, too."""
    assert {(r.method, r.path) for r in API} == set(MATRIX) | MACHINES
    assert {(r.method, r.path) for r in API if r.right == "machine"} == MACHINES
    assert {(r.method, p) for p, r in ROUTES if not p.startswith(PREFIX)} == set(OTHERS)


MACHINES: frozenset[tuple[str, str]] = frozenset({("POST", "/intake/chat/{platform}")})
"Routes for other programs: no session opens them, only a secret of their own."


@pytest.mark.parametrize("role", [None, *sorted(ALL)])
@pytest.mark.parametrize(("method", "path"), list(MATRIX))
async def test_role_may_exactly_what_the_matrix_says(site: Site, method: str, path: str, role: str | None) -> None:
    """401 without a session, 403 without the right and nothing done; otherwise the wish reaches the desk."""
    may, body = MATRIX[(method, path)]
    real = path.replace("{section}", "quotes").replace("{trigger}", "missed").replace("{", "").replace("}", "")
    if role is not None:
        site.tokens[role], _ = await site.auth.login(role, PASSWORD, "")
    site.desk.asked.clear()
    status, _, _ = await site.call(method, PREFIX + real + QUERIES.get(path, ""), role=role, body=body)
    if role in may:
        # What is asked for need not be there: it was asked for.
        by_word = path in ("/login", "/messages/send")  # a password or a token decides, not the session
        assert status in (200, 201, 202, 204, 400, 404, 409, 422) or (by_word and status == 401)
    else:
        assert status == (401 if role is None else 403)
        assert site.desk.asked == []


@pytest.mark.parametrize(("method", "path"), [k for k in MATRIX if k[0] != "GET"])
async def test_change_from_a_foreign_page_is_refused(site: Site, method: str, path: str) -> None:
    """Another origin, a cross-site fetch, or no custom header: 403, whoever is logged in, and nothing done."""
    real = PREFIX + path.replace("{section}", "quotes").replace("{trigger}", "missed").replace("{", "").replace("}", "")
    body = MATRIX[(method, path)][1]
    await site.call("GET", PREFIX + "/me", role="supervisor")
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://here.example.evil.example"},
        {"Origin": "http://here.example:80"},
        {"X-Requested-With": ""},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        status, _, answer = await site.call(method, real, role="supervisor", body=body, headers=headers)
        assert status == 403, headers
        assert json.loads(answer)["error"]["code"] == "foreign"
    assert site.desk.asked == []


async def test_every_answer_carries_the_security_headers(site: Site) -> None:
    """Pages, data, refusals and errors: strict CSP, no sniffing, no framing; data is not kept."""
    for method, path in (
        ("GET", "/login"),
        ("GET", "/healthz"),
        ("GET", PREFIX + "/me"),
        ("GET", PREFIX + "/nothing"),
        ("DELETE", PREFIX + "/me"),
        ("GET", "/nothing"),
    ):
        _, headers, _ = await site.call(method, path)
        csp = headers["Content-Security-Policy"]
        assert "default-src 'self'" in csp
        assert "connect-src 'self' ws://127.0.0.1:1" in csp
        assert "unsafe" not in csp
        assert "frame-ancestors 'none'" in csp
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == ("no-cache" if path == "/login" else "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/server.py",
        "/js/..%2f..%2f..%2fauth.py",
        "/js/%00",
        "/.env",
        "/js/.hidden.js",
        "/js",
        "//etc/passwd",
        "/login.html%00.png",
        "/server.py",
        "/%ff%fe",
        "/js/" + "a" * 5000 + ".js",
    ],
)
async def test_only_the_pages_own_files_are_served(site: Site, path: str) -> None:
    """Nothing outside the static folder and no other kind of file, however the path is written."""
    async with site.http.get(URL(site.base + path, encoded=True), allow_redirects=False) as answer:
        assert answer.status in (400, 404)


async def test_pages_are_text_in_utf8(site: Site) -> None:
    """HTML and modules say their type and charset; they are asked for again each time."""
    status, headers, body = await site.call("GET", "/login")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<html" in body
    status, headers, _ = await site.call("GET", "/js/api.js")
    assert (status, headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    status, _, _ = await site.call("GET", "/js/api.js", headers={"If-Modified-Since": headers["Last-Modified"]})
    assert status == 304


async def test_home_leads_to_ones_own_page(site: Site) -> None:
    """An agent to the desk, a supervisor to the board, anybody else to the login."""
    for role, where in ((None, "/login"), ("agent", "/desk"), ("supervisor", "/board"), ("admin", "/board")):
        status, headers, _ = await site.call("GET", "/", role=role)
        assert (status, headers["Location"]) == (302, where)


async def test_login_sets_a_cookie_that_scripts_cannot_read(site: Site) -> None:
    """The token is in the cookie and nowhere else; the store has only its hash."""
    status, headers, body = await site.call("POST", PREFIX + "/login", body={"user": "agent", "password": PASSWORD})
    assert status == 200
    cookie = headers["Set-Cookie"]
    token = cookie.split("=", 1)[1].split(";")[0]
    assert len(token) >= 43
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert token not in body.decode()
    assert token not in site.book.sessions_by_hash
    status, headers, _ = await site.call("GET", PREFIX + "/me", headers={"Cookie": f"cti={token}"})
    assert status == 200


async def test_wrong_login_says_the_same_for_known_and_unknown(site: Site) -> None:
    """Neither the words nor the status tell whether the user exists."""
    answers = []
    for user in ("agent", "nobody"):
        body = {"user": user, "password": "wrong"}
        status, _, answer = await site.call("POST", PREFIX + "/login", body=body)
        answers.append((status, answer))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_too_many_attempts_wait(site: Site) -> None:
    """After ten mistakes the account waits, and says how long; a right password then waits, too."""
    for _ in range(11):
        status, _, _ = await site.call("POST", PREFIX + "/login", body={"user": "agent", "password": "wrong"})
        assert status == 401
    status, headers, answer = await site.call("POST", PREFIX + "/login", body={"user": "agent", "password": PASSWORD})
    assert status == 429
    assert int(headers["Retry-After"]) >= 1
    assert json.loads(answer)["error"]["code"] == "wait"


async def test_new_login_ends_the_old_session_of_the_browser(site: Site) -> None:
    """The token changes at login, and the old one is worth nothing."""
    await site.call("GET", PREFIX + "/me", role="agent")
    old = site.tokens["agent"]
    status, _, _ = await site.call(
        "POST", PREFIX + "/login", role="agent", body={"user": "supervisor", "password": PASSWORD}
    )
    assert status == 200
    assert ("logged_out", "agent") in site.desk.asked
    status, _, _ = await site.call("GET", PREFIX + "/me", headers={"Cookie": f"cti={old}"})
    assert status == 401


async def test_logout_ends_the_session_and_clears_the_browser(site: Site) -> None:
    """The cookie goes, and so does what the page kept."""
    status, headers, _ = await site.call("POST", PREFIX + "/logout", role="agent")
    assert status == 204
    assert "Max-Age=0" in headers["Set-Cookie"]
    assert headers["Clear-Site-Data"] == '"storage"'
    assert site.book.sessions_by_hash == {}
    status, _, _ = await site.call("GET", PREFIX + "/me", role="agent")
    assert status == 401


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b'{"text":1}',
    b'{"text":"x","version":"1"}',
    b'{"text":"x","more":1}',
    b'{"text":"\xff"}',
    b'{"text":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"text":"x","version":1e999}',
]


@pytest.mark.parametrize("data", BAD_BODIES)
async def test_bad_body_is_refused_in_words(site: Site, data: bytes) -> None:
    """Whatever is no body of the route: 400, a sentence, and nothing done."""
    status, _, answer = await site.call("PUT", PREFIX + "/calls/c/note", role="agent", data=data)
    assert status == 400
    assert json.loads(answer)["error"]["code"] == "bad_body"
    assert site.desk.asked == []


async def test_large_and_foreign_bodies_are_refused(site: Site) -> None:
    """More than 64 KiB, a draft of more than 16 KiB, and other content types are not read."""
    big = json.dumps({"text": "x" * 70_000}).encode()
    assert (await site.call("PUT", PREFIX + "/calls/c/note", role="agent", data=big))[0] == 413
    draft = json.dumps({"text": "x" * 17_000}).encode()
    assert (await site.call("PUT", PREFIX + "/calls/c/draft", role="agent", data=draft))[0] == 413
    note = json.dumps({"text": "x" * 5000}).encode()
    assert (await site.call("PUT", PREFIX + "/calls/c/note", role="agent", data=note))[0] == 413
    form = {"Content-Type": "text/plain"}
    assert (await site.call("PUT", PREFIX + "/calls/c/note", role="agent", data=b"{}", headers=form))[0] == 415
    assert site.desk.asked == []


async def test_hostile_text_reaches_the_desk_as_it_is(site: Site) -> None:
    """Text is data: quotes, markup, separators and emoji pass unchanged, in paths, too."""
    evil = "'; DROP TABLE x; -- <script>alert(1)</script> \u2028 😀 %_\\"
    await site.call("PUT", PREFIX + "/calls/a%2F..%2Fb%0D%0A/note", role="agent", body={"text": evil})
    assert site.desk.asked[-1] == ("save_note", "a/../b\r\n", evil, 0)


@pytest.mark.parametrize("before", ["x", "nan", "inf", "1;2", "'"])
async def test_bad_query_is_refused(site: Site, before: str) -> None:
    """`before` is a number of seconds."""
    assert (await site.call("GET", f"{PREFIX}/calls?before={before}", role="agent"))[0] == 400


async def test_refusals_of_the_desk_are_answers(site: Site) -> None:
    """A conflict carries what stands now; a failure inside says nothing of itself."""
    site.desk.refuse = Refusal(409, "conflict", "改过", "changed", profile=PROFILE)
    body = {"fields": {}, "version": 1}
    status, _, answer = await site.call("PATCH", PREFIX + "/parties/p1", role="agent", body=body)
    assert status == 409
    assert json.loads(answer)["profile"]["party"]["name"] == "周敏"
    site.desk.refuse = not_found()
    assert (await site.call("PATCH", PREFIX + "/parties/p1", role="agent", body=body))[0] == 404
    site.desk.refuse = RuntimeError("secret 13800001307")
    status, _, answer = await site.call("PATCH", PREFIX + "/parties/p1", role="agent", body=body)
    assert status == 500
    assert b"secret" not in answer
    assert b"1380" not in answer


async def test_unready_says_why(site: Site) -> None:
    """503 and one line for each reason."""
    site.condition.reasons = ["pbx lost: no link", "store: away"]
    status, _, body = await site.call("GET", "/readyz")
    assert (status, body) == (503, b"pbx lost: no link\nstore: away\n")
    site.condition.reasons = []
    assert (await site.call("GET", "/readyz"))[0] == 200


async def test_openapi_describes_every_route(site: Site) -> None:
    """The document is valid JSON, names every route with its right, and every reference in it leads somewhere."""
    _, _, raw = await site.call("GET", PREFIX + "/openapi.json")
    document = json.loads(raw)
    described = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert described == set(MATRIX) | MACHINES
    for reference in {part.split('"')[0] for part in raw.decode().split('"$ref":"')[1:]}:
        at = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
    names = [o["operationId"] for p in document["paths"].values() for o in p.values()]
    assert len(names) == len(set(names))


async def test_logins_do_not_hold_up_other_requests(site: Site) -> None:
    """While passwords are checked, the event loop answers others."""
    slow = PasswordHasher(time_cost=4, memory_cost=65536, parallelism=1)
    site.auth._hasher = slow
    site.book.accounts_by_login["agent"] = Account(
        login="agent", name="a", role="agent", password_hash=slow.hash(PASSWORD)
    )
    logins = [
        asyncio.create_task(site.call("POST", PREFIX + "/login", body={"user": "agent", "password": PASSWORD}))
        for _ in range(6)
    ]
    await asyncio.sleep(0)
    done = 0
    while not all(task.done() for task in logins):
        assert (await site.call("GET", "/healthz"))[0] == 200
        done += 1
    assert done > 6
    assert {(await task)[0] for task in logins} == {200}
