"""Webhooks as Standard Webhooks has them: the record as it is, signed; a digest as a batch of CloudEvents."""

import base64
import hmac
import os
import time
from collections.abc import Callable
from http import HTTPStatus

import aiohttp
from yarl import URL

from engine.notify import sending
from engine.notify.addresses import CheckedResolver, Refused
from engine.notify.config import Webhook
from engine.notify.schedule import retry_after_ms
from engine.notify.sending import SEND_WITHIN_S, Delivered, Failed, Gone, Message, Outcome

ONE, MANY = "application/cloudevents+json; charset=UTF-8", "application/cloudevents-batch+json; charset=UTF-8"
WAITS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
AT_ONCE = 16
ANSWER_BYTES_MAX = 200

_TIMEOUT = aiohttp.ClientTimeout(total=SEND_WITHIN_S)


class WebhookSender:
    """Posts records to one address."""

    at_once = AT_ONCE
    pause_ms = 0

    def __init__(
        self,
        hook: Webhook,
        session: aiohttp.ClientSession,
        resolver: CheckedResolver,
        version: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`session` must connect by `resolver`; `version` is the program's; `clock` in seconds since the epoch."""
        self._hook = hook
        self._session = session
        self._resolver = resolver
        self._agent = f"heatline/{version}"
        self._clock = clock

    async def send(self, message: Message) -> Outcome:
        """As the standard says: 2xx is delivered, 410 wants nothing more, all else is to be tried again."""
        body = body_of(message)
        moment_s = int(self._clock())
        headers = {
            "User-Agent": self._agent,
            "Content-Type": MANY if message.is_digest else ONE,
            "webhook-id": message.id,
            "webhook-timestamp": str(moment_s),
            "webhook-signature": signatures(self._hook.secrets, message.id, moment_s, body),
        }
        answer = await post(self._session, self._resolver, URL(self._hook.url), body, headers)
        return outcome_of(answer, self._clock) if isinstance(answer, Answer) else answer


class Answer:
    """What a receiver answered: its status, when it wants to be asked again, and the beginning of its body."""

    __slots__ = ("body", "retry_after", "status")

    def __init__(self, status: int, retry_after: str | None, body: bytes) -> None:
        self.status = status
        self.retry_after = retry_after
        self.body = body


async def post(
    session: aiohttp.ClientSession, resolver: CheckedResolver, url: URL, body: bytes, headers: dict[str, str]
) -> Answer | Outcome:
    """The answer to a POST that follows no redirect; where there is none, what that means."""
    try:
        resolver.check_literal(url)
        async with session.post(url, data=body, headers=headers, allow_redirects=False, timeout=_TIMEOUT) as response:
            begin = await response.content.read(ANSWER_BYTES_MAX)
            return Answer(response.status, response.headers.get("Retry-After"), begin)
    except Refused as error:
        return sending.Refused(str(error))
    except TimeoutError:
        return Failed(f"no answer within {SEND_WITHIN_S:.0f} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Failed(_why(error))


def _why(error: Exception) -> str:
    """What went wrong, without the address: of Slack it is a secret."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
    return type(error).__name__


def outcome_of(answer: Answer, clock: Callable[[], float]) -> Outcome:
    """What an answer means for the message and its receiver."""
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered()
    why = f"answered {status}{_phrase(status)}"
    if status == HTTPStatus.GONE:
        return Gone(why)
    if status in WAITS:
        return Failed(why, retry_after_ms(answer.retry_after, int(clock() * 1000)))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        why += ": redirects are not followed, name the address that it leads to"
    return Failed(why)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def body_of(message: Message) -> bytes:
    """The record's own bytes; of a digest, a list of them."""
    if message.is_digest:
        return b"[" + b",".join(notice.event for notice in message.notices) + b"]"
    return message.notices[0].event


def signatures(secrets: tuple[bytes, ...], message_id: str, moment_s: int, body: bytes) -> str:
    """One for each secret, separated by spaces: base64 of HMAC-SHA256 over `id.timestamp.body`."""
    signed = b".".join((message_id.encode(), str(moment_s).encode(), body))
    return " ".join("v1," + base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode() for key in secrets)
