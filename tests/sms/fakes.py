"""Platforms as small real servers: they check our signatures as the vendors do, and misbehave on command.

A fake is asked for a message; what it then does is the next word of that message's script, and "ok" when that is
used up:

    ok            takes it and answers
    early         takes it, pushes its receipt, and only then answers
    throttled     says: later
    refused       says: never
    broken        5xx, not taken            broken+    5xx, taken
    cut           closes the link           cut+       takes it, then closes the link
    late          not taken, no answer in time      late+     taken at once, no answer in time
    later+        taken only after we gave up waiting
    nonsense      an answer nobody can read         nonsense+  the same, and taken
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote

from aiohttp import web

LATE_S = 0.12
"How long a fake keeps silent: longer than the tests' time-out."
WORDS = (
    "ok",
    "early",
    "throttled",
    "broken",
    "broken+",
    "cut",
    "cut+",
    "late",
    "late+",
    "later+",
    "nonsense",
    "nonsense+",
)


class Fake:
    """What all fakes share."""

    taken_answer: Callable[[str], Any]

    def __init__(self) -> None:
        self.taken: dict[str, list[tuple[str, str]]] = defaultdict(list)
        "{our id: [(their id, number)]}: what went out."
        self.scripts: dict[str, list[str]] = {}
        self.questions: dict[str, list[str]] = {}
        "{our id: what becomes of questions about it}: fails, then answers."
        self.forged = 0
        "Requests whose signature was not right."
        self.tries: Counter[str] = Counter()
        "{our id: how often we asked for it to be sent}."
        self.reached = asyncio.Event()
        "A message to be sent has come, and is taken if it is."
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.on_receipt: Callable[[str, str, str], Awaitable[None]] | None = None
        "Called with our id, theirs and the number."
        self.url = ""
        self._n = 0

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def idle(self) -> None:
        """Until nothing is under way."""
        await self._idle.wait()

    async def _any(self, request: web.Request) -> web.StreamResponse:
        self._busy += 1
        self._idle.clear()
        try:
            return await self.serve(request, await request.read())
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """One request."""
        raise NotImplementedError

    def take(self, ours: str, number: str) -> str:
        """The message goes out."""
        self._n += 1
        theirs = f"{type(self).__name__}-{self._n}"
        self.taken[ours].append((theirs, number))
        return theirs

    async def send(self, request: web.Request, ours: str, number: str) -> web.StreamResponse:
        """What the script says."""
        self.tries[ours] += 1
        script = self.scripts.get(ours) or ["ok"]
        word = script.pop(0)
        theirs = self.take(ours, number) if word in ("ok", "early") or (word.endswith("+") and word != "later+") else ""
        self.reached.set()
        what = word.rstrip("+")
        if what == "early" and self.on_receipt is not None:
            await self.on_receipt(ours, theirs, number)
        if what in ("ok", "early"):
            return web.json_response(self.yes(theirs))
        if what == "throttled":
            return web.json_response(self.later(), status=self.refusal_status)
        if what == "refused":
            return web.json_response(self.no(), status=self.refusal_status)
        if what == "broken":
            return web.Response(status=502, text="bad gateway")
        if what == "nonsense":
            return web.Response(text="<html>?</html>")
        if what == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        await asyncio.sleep(LATE_S)
        if word == "later+":
            theirs = self.take(ours, number)
        return web.json_response(self.yes(theirs) if theirs else self.later())

    async def asked(self, ours: str) -> bool:
        """Whether a question about it gets an answer now."""
        waiting = self.questions.get(ours)
        if waiting and waiting.pop(0) == "late":
            await asyncio.sleep(LATE_S)
            return False
        return True

    refusal_status = 400

    def yes(self, theirs: str) -> Any:
        """The answer to a message that was taken."""
        raise NotImplementedError

    def no(self) -> Any:
        """Never."""
        raise NotImplementedError

    def later(self) -> Any:
        """Not now."""
        raise NotImplementedError


def _percent(text: str) -> str:
    return quote(text, safe="-_.~")


class FakeAliyun(Fake):
    """SendSms and QuerySendDetails."""

    SECRET = "testSecret"

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """One call of the RPC interface."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        theirs = form.pop("Signature", "")
        query = "&".join(f"{_percent(k)}={_percent(form[k])}" for k in sorted(form))
        text = f"POST&%2F&{_percent(query)}"
        made = base64.b64encode(hmac.new(f"{self.SECRET}&".encode(), text.encode(), hashlib.sha1).digest()).decode()
        if made != theirs:
            self.forged += 1
            return web.json_response({"Code": "SignatureDoesNotMatch", "Message": "x"}, status=400)
        if form["Action"] == "SendSms":
            assert form["TemplateCode"]
            assert form["SignName"]
            return await self.send(request, form["OutId"], form["PhoneNumbers"])
        number = form["PhoneNumber"]
        rows = [
            {"OutId": ours, "PhoneNum": number, "SendDate": "2026-11-21 18:00:00", "Content": "x"}
            for ours, taken in self.taken.items()
            for _, to in taken
            if to == number
        ]
        about = next((ours for ours, n in self._numbers.items() if n == number), "")
        if not await self.asked(about):
            return web.Response(status=503)
        return web.json_response(
            {"Code": "OK", "TotalCount": len(rows), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}
        )

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, str] = {}

    async def send(self, request: web.Request, ours: str, number: str) -> web.StreamResponse:
        """See `Fake.send`."""
        self._numbers[ours] = number
        return await super().send(request, ours, number)

    def yes(self, theirs: str) -> Any:
        """OK with a BizId."""
        return {"Code": "OK", "Message": "OK", "BizId": theirs, "RequestId": "r"}

    def no(self) -> Any:
        """A black-listed word."""
        return {"Code": "isv.BLACK_KEY_CONTROL_LIMIT", "Message": "x"}

    def later(self) -> Any:
        """Throttling."""
        return {"Code": "Throttling.User", "Message": "x"}


class FakeYunpian(Fake):
    """single_send and get_record."""

    KEY = "9b11127a9701975c734b8aee81ee3526"

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """One call."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if form.get("apikey") != self.KEY:
            self.forged += 1
            return web.json_response({"code": -1, "msg": "x"}, status=400)
        if request.path.endswith("single_send.json"):
            assert form["text"].startswith("【")
            return await self.send(request, form["uid"], form["mobile"])
        rows = [
            {"sid": theirs, "uid": ours, "mobile": number, "text": "x"}
            for ours, taken in self.taken.items()
            for theirs, number in taken
            if number == form["mobile"]
        ]
        return web.json_response(rows)

    def yes(self, theirs: str) -> Any:
        """Code 0 with a sid."""
        return {"code": 0, "msg": "ok", "count": 1, "fee": 0.05, "unit": "RMB", "sid": theirs}

    def no(self) -> Any:
        """Black-listed."""
        return {"code": 10, "msg": "x"}

    def later(self) -> Any:
        """Too often."""
        return {"code": 33, "msg": "x"}


class FakeTencent(Fake):
    """SendSms by API 3.0."""

    ID, KEY = "AKIDtest", "tencent-key"
    refusal_status = 200

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """One call."""
        at = request.headers["X-TC-Timestamp"]
        action = request.headers["X-TC-Action"]
        names = "content-type;host;x-tc-action"
        canonical = (
            f"POST\n/\n\ncontent-type:{request.headers['Content-Type']}\nhost:{request.host}\n"
            f"x-tc-action:{action.lower()}\n\n{names}\n{hashlib.sha256(body).hexdigest()}"
        )
        said = request.headers["Authorization"]
        day = said.split("/")[1]
        text = f"TC3-HMAC-SHA256\n{at}\n{day}/sms/tc3_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"TC3{self.KEY}".encode()
        for part in (day, "sms", "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        made = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        if (
            said
            != f"TC3-HMAC-SHA256 Credential={self.ID}/{day}/sms/tc3_request, SignedHeaders={names}, Signature={made}"
        ):
            self.forged += 1
            return web.json_response({"Response": {"Error": {"Code": "AuthFailure.SignatureFailure"}}})
        call = json.loads(body)
        if action == "SendSms":
            return await self.send(request, call["SessionContext"], call["PhoneNumberSet"][0])
        rows = [
            {"SerialNo": theirs, "PhoneNumber": number, "ReportStatus": "SUCCESS"}
            for taken in self.taken.values()
            for theirs, number in taken
            if number == call["PhoneNumber"]
        ]
        return web.json_response({"Response": {"PullSmsSendStatusSet": rows, "RequestId": "r"}})

    def _status(self, code: str, theirs: str = "") -> Any:
        return {"Response": {"SendStatusSet": [{"Code": code, "SerialNo": theirs, "Fee": 1, "Message": "x"}]}}

    def yes(self, theirs: str) -> Any:
        """Ok with a SerialNo."""
        return self._status("Ok", theirs)

    def no(self) -> Any:
        """Black-listed."""
        return self._status("FailedOperation.PhoneNumberInBlacklist")

    def later(self) -> Any:
        """Too fast."""
        return {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "x"}}}


class FakeHuawei(Fake):
    """batchSendSms with WSSE or SDK-HMAC-SHA256."""

    KEY, SECRET = "app-key", "app-secret"

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """One call."""
        if not (self._wsse(request.headers) if "X-WSSE" in request.headers else self._sdk(request, body)):
            self.forged += 1
            return web.json_response({"code": "E000103", "description": "x"}, status=401)
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return await self.send(request, form["extend"], form["to"])

    def _wsse(self, headers: Mapping[str, str]) -> bool:
        said = dict(
            part.strip().replace('"', "").split("=", 1)
            for part in headers["X-WSSE"].removeprefix("UsernameToken ").split(",")
        )
        digest = hashlib.sha256(f"{said['Nonce']}{said['Created']}{self.SECRET}".encode()).hexdigest()
        whole = base64.b64encode(digest.encode()).decode().rstrip("=")
        return said["Username"] == self.KEY and said["PasswordDigest"].rstrip("=") == whole

    def _sdk(self, request: web.Request, body: bytes) -> bool:
        date = request.headers["X-Sdk-Date"]
        names = request.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0]
        lines = "".join(f"{n}:{request.headers[n].strip()}\n" for n in names.split(";"))
        canonical = f"POST\n{request.path}/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        made = hmac.new(self.SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        return request.headers["Authorization"].endswith(f"Signature={made}")

    def yes(self, theirs: str) -> Any:
        """000000 with an id."""
        return {"code": "000000", "description": "ok", "result": [{"smsMsgId": theirs, "status": "000000"}]}

    def no(self) -> Any:
        """Not allowed."""
        return {"code": "E000510", "description": "x", "result": [{"status": "E200028"}]}

    def later(self) -> Any:
        """Too fast."""
        return {"code": "E000503", "description": "x"}


class FakeTwilio(Fake):
    """Messages."""

    ACCOUNT, TOKEN = "AC1", "12345"

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[str, str] = {}

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """One call."""
        basic = "Basic " + base64.b64encode(f"{self.ACCOUNT}:{self.TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != basic:
            self.forged += 1
            return web.json_response({"code": 20003, "message": "x"}, status=401)
        if request.method == "POST":
            form = parse_qs(body.decode(), keep_blank_values=True)
            ours = unquote(form["StatusCallback"][0].split("id=")[1])
            self._texts[ours] = form["Body"][0]
            return await self.send(request, ours, form["To"][0])
        rows = [
            {"sid": theirs, "to": number, "body": self._texts[ours], "direction": "outbound-api"}
            for ours, taken in self.taken.items()
            for theirs, number in taken
            if number == request.query["To"]
        ]
        return web.json_response({"messages": rows, "next_page_uri": None})

    def yes(self, theirs: str) -> Any:
        """A sid."""
        return {"sid": theirs, "status": "queued", "num_segments": "1"}

    def no(self) -> Any:
        """Unsubscribed."""
        return {"code": 21610, "message": "x"}

    def later(self) -> Any:
        """Too fast."""
        return {"code": 20429, "message": "x"}
