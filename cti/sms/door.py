"""The one door to platforms that speak HTTP: carries their requests, and tells what surely did not go out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final, Protocol

import aiohttp

from cti.sms.platform import Found, HttpPlatform, HttpRequest, Outgoing, Sent, SmsError

MAX_ANSWER: Final = 256 * 1024


class Sender(Protocol):
    """A platform as the outbox uses it."""

    name: str
    needs_code: bool

    async def send(self, message: Outgoing) -> Sent:
        """Send it once; raises SmsError, with `unsure` where it may have gone out nevertheless."""

    async def find(self, message: Outgoing, tried_at: float) -> tuple[Found, ...] | None:
        """What may be the message; () a sure no; None where the platform cannot be asked. Raises SmsError."""

    async def close(self) -> None:
        """Let go of connections."""


class HttpSender:
    """A platform spoken to by HTTP. Its session is opened by the first call, in the running loop."""

    def __init__(self, platform: HttpPlatform, *, clock: Callable[[], float], timeout_s: float = 10.0) -> None:
        self.platform = platform
        self.name = platform.name
        self.needs_code = platform.needs_code
        self._clock = clock
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Outgoing) -> Sent:
        """See `Sender.send`."""
        request = self.platform.request(message, self._clock(), secrets.token_hex(16))
        return self.platform.sent(*await self._call(request))

    async def find(self, message: Outgoing, tried_at: float) -> tuple[Found, ...] | None:
        """See `Sender.find`."""
        question = self.platform.question(message, tried_at, self._clock(), secrets.token_hex(16))
        if question is None:
            return None
        return self.platform.found(message, tried_at, *await self._call(question))

    async def close(self) -> None:
        """See `Sender.close`."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(self, request: HttpRequest) -> tuple[int, bytes]:
        """Status and body. Redirects are not followed: a signed call goes where it was configured to go."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s), auto_decompress=False
            )
        try:
            async with self._session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers={**request.headers, "Accept-Encoding": "identity"},
                allow_redirects=False,
                skip_auto_headers=("User-Agent",),
            ) as answer:
                body = await answer.content.read(MAX_ANSWER)
                return answer.status, body
        except aiohttp.ClientConnectorError as error:
            # Nothing was said yet: neither address nor number is told on.
            raise SmsError(
                "连不上短信平台", "The platform cannot be reached", permanent=False, code=type(error).__name__[:60]
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SmsError(
                "短信平台的连接中断",
                "The connection to the platform broke",
                permanent=False,
                unsure=True,
                code=type(error).__name__[:60],
            ) from None
        except TimeoutError:
            raise SmsError(
                "短信平台没有及时答复",
                "The platform did not answer in time",
                permanent=False,
                unsure=True,
                code="timeout",
            ) from None
