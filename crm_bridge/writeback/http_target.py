"""Writing back by an HTTP call: one POST an intent, signed, its key in a header.

    POST <url>
    Idempotency-Key: note:9f2c...
    X-Thirteen-Timestamp: 1780000000
    X-Thirteen-Signature: sha256=<hex HMAC-SHA256 of "<timestamp>.<body>" by the secret>
    {"v": 1, "key": ..., "revision": 1, "kind": "note", "created_at": ..., "party": {...}, "after_id": null,
     "data": {...}}

The receiver keeps the key with what it writes and answers 2xx to a key it has. 408, 425, 429 and 5xx are tried again,
and so is whatever left no answer; any other answer is a refusal for good. Redirects are not followed: a signed call
goes where it was configured to go.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import msgspec

from crm_bridge.model import CrmError
from crm_bridge.writeback.intents import Delivery, Kind, Outcome
from crm_bridge.writeback.rules import HttpRule

_TEMPORARY: Final = frozenset((408, 425, 429))
_MAX_ANSWER: Final = 65_536
LONGEST_WAIT_S: Final = 3600.0
"A Retry-After beyond this is not believed."


class TryLater(CrmError):
    """The CRM asks for patience: `after_s` seconds."""

    def __init__(self, text: str, text_en: str, after_s: float) -> None:
        super().__init__(text, text_en=text_en, permanent=False)
        self.after_s = after_s


def _now() -> float:
    return datetime.now(UTC).timestamp()


class HttpTarget:
    """The site's CRM by HTTP. Its session is opened by the first call, in the running loop."""

    def __init__(self, rules: Mapping[Kind, HttpRule], *, clock: Callable[[], float] = _now) -> None:
        self._rules = dict(rules)
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, delivery: Delivery) -> Outcome:
        """See `Target.deliver`."""
        rule = self._rules[delivery.kind]
        body = encoded(delivery)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Thirteen",
            **rule.headers,
            **signed(body, delivery.key, rule.secret, int(self._clock())),
        }
        if self._session is None:
            # No cookies: one intent must not depend on another.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        limit = aiohttp.ClientTimeout(total=rule.timeout)
        try:
            async with self._session.post(
                rule.url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                if 200 <= answer.status < 300:
                    return Outcome(external_id=_id_in(await _read(answer), rule.id))
                if answer.status in rule.known:
                    return Outcome()
                raise _refused(answer.status, answer.headers.get("Retry-After"))
        except TimeoutError as error:
            raise CrmError(
                f"客户系统 {rule.timeout:g} 秒内没有答复",
                text_en=f"No answer within {rule.timeout:g} s",
                permanent=False,
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise CrmError(
                "连不上客户系统，或连接中断", text_en="The CRM is away, or cut us off", permanent=False
            ) from error

    async def close(self) -> None:
        """See `Target.close`."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def encoded(delivery: Delivery) -> bytes:
    """The body of a call: the same for the same revision, whichever try it is."""
    return msgspec.json.encode(
        {
            "v": 1,
            "key": delivery.key,
            "revision": delivery.revision,
            "kind": delivery.kind,
            "created_at": delivery.created_at,
            "party": delivery.party,
            "after_id": delivery.after_id,
            "data": delivery.payload,
        }
    )


def signed(body: bytes, key: str, secret: str, timestamp: int) -> dict[str, str]:
    """The headers that tell who calls, and under which key; no signature without a secret."""
    headers = {"Idempotency-Key": key, "X-Thirteen-Timestamp": str(timestamp)}
    if secret:
        mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers["X-Thirteen-Signature"] = f"sha256={mac}"
    return headers


def _refused(status: int, retry_after: str | None) -> CrmError:
    text, text_en = f"客户系统答复 {status}", f"The CRM answered {status}"
    if status in _TEMPORARY or status >= 500:
        seconds = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0.0
        return TryLater(text, text_en, min(seconds, LONGEST_WAIT_S))
    return CrmError(text, text_en=text_en, permanent=True)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The beginning of an answer. One that breaks off has said 2xx all the same: the key is there."""
    try:
        return await answer.content.read(_MAX_ANSWER)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return b""


def _id_in(body: bytes, path: str) -> str | None:
    try:
        found: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return str(found)[:200] if isinstance(found, (str, int)) and not isinstance(found, bool) else None
