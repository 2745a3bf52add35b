"""Each way of sending against a real receiver: a web server with moods, a mail server, what apprise speaks."""

import json
import time
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default

import aiohttp
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from standardwebhooks import Webhook as Verifier

from engine.notify.addresses import CheckedResolver, http_session
from engine.notify.config import Push, Slack, Webhook
from engine.notify.mail import MailSender
from engine.notify.notifyfile import webhook_key
from engine.notify.push import PushSender
from engine.notify.sending import Delivered, Failed, Gone, Outcome, Refused
from engine.notify.slack import SlackSender
from engine.notify.webhook import WebhookSender
from engine.ops.settings import NotifySettings
from engine.ops.values import Secret
from tests.integration.notify.receivers import Receiver, receiver
from tests.servers.process import HOST, free_port
from tests.unit.notify.samples import HOSTILE, NEXT_SECRET, SECRET, hostile, message, notice

ALLOWED = CheckedResolver(frozenset({HOST, "localhost"}))


@pytest.fixture
async def server() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


async def send(url: str, resolver: CheckedResolver = ALLOWED, timeout_s: float | None = None) -> Outcome:
    keys = tuple(key for secret in (SECRET, NEXT_SECRET) if (key := webhook_key(secret)))
    async with http_session(CheckedResolver(resolver._allowed)) as session:
        if timeout_s is not None:
            session._timeout = aiohttp.ClientTimeout(total=timeout_s)
        return await WebhookSender(Webhook(url, keys), session, resolver, "test").send(message(hostile()))


async def test_a_webhook_is_verified_by_the_library_of_the_standard(server: Receiver) -> None:
    """With the old secret and with the new one; the id is the message's, the time that of the attempt."""
    assert await send(server.url("/ok?a=b")) == Delivered()
    [got] = server.got
    for secret in (SECRET, NEXT_SECRET):
        assert Verifier(secret).verify(got.body, got.headers) == json.loads(hostile().event)
    assert got.headers["webhook-id"] == "message-1"
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 5
    assert got.headers["host"] == f"{HOST}:{server.port}"
    assert got.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/204", Delivered()),
        ("/410", Gone("answered 410 Gone")),
        ("/429/7", Failed("answered 429 Too Many Requests", 7_000)),
        ("/503/2", Failed("answered 503 Service Unavailable", 2_000)),
        ("/503", Failed("answered 503 Service Unavailable")),
        ("/500/9", Failed("answered 500 Internal Server Error")),
        ("/404", Failed("answered 404 Not Found")),
    ],
)
async def test_what_an_answer_means(server: Receiver, path: str, outcome: Outcome) -> None:
    assert await send(server.url(path)) == outcome


async def test_no_redirect_is_followed(server: Receiver) -> None:
    outcome = await send(server.url("/redirect"))
    assert isinstance(outcome, Failed)
    assert "redirects are not followed" in outcome.why
    assert server.of("/ok") == []


async def test_who_does_not_answer_has_failed(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 20 s, here less; one that is not there at once."""
    monkeypatch.setattr("engine.notify.webhook._TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    assert isinstance(await send(server.url("/hang")), Failed)
    assert await send(f"http://{HOST}:{free_port()}/") == Failed("Connection refused")
    assert isinstance(await send("http://nobody.invalid/"), Failed)


async def test_a_private_address_is_not_connected_to(server: Receiver) -> None:
    """Neither written as such nor behind a name; nothing reaches the server."""
    for host in (HOST, "localhost"):
        outcome = await send(f"http://{host}:{server.port}/ok", CheckedResolver(frozenset()))
        assert isinstance(outcome, Refused)
        assert "not public" in outcome.why
    assert isinstance(await send(f"http://2130706433:{server.port}/ok"), Failed)
    assert server.got == []
    assert await send(f"http://localhost:{server.port}/ok") == Delivered()
    assert server.got[0].headers["host"] == f"localhost:{server.port}"


async def test_slack_gets_its_blocks(server: Receiver) -> None:
    async with http_session(CheckedResolver(frozenset({HOST}))) as session:
        assert (
            await SlackSender(Slack(Secret(server.url("/ok"))), session, ALLOWED).send(message(hostile()))
            == Delivered()
        )
        refused = await SlackSender(Slack(Secret(server.url("/400"))), session, ALLOWED).send(message())
        gone = await SlackSender(Slack(Secret(server.url("/410"))), session, ALLOWED).send(message())
    assert isinstance(refused, Refused)
    assert isinstance(gone, Gone)
    made = json.loads(server.of("/ok")[0].body)
    assert {block["text"]["type"] for block in made["blocks"]} == {"plain_text"}
    assert "<" not in server.of("/ok")[0].body.decode()


class Mailbox(MessageHandler):
    """What came, with whom it was for; refuses who is named `full` for now and `nobody` for good."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[tuple[list[str], bytes]] = []

    async def handle_RCPT(  # noqa: N802  as aiosmtpd calls it
        self, server: object, session: object, envelope: object, address: str, options: object
    ) -> str:
        if address.startswith("full"):
            return "452 4.2.2 mailbox full"
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802
        self.mails.append((list(envelope.rcpt_tos), bytes(envelope.content)))  # type: ignore[attr-defined]
        return "250 OK"

    def handle_message(self, message: object) -> None:
        """Kept as bytes already."""


async def test_mails_go_to_the_rep_by_a_real_server() -> None:
    """Text and HTML; what is refused for good is, what is full is tried again; no header is a visitor's."""
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname=HOST, port=port)
    controller.start()
    settings = NotifySettings(
        smtp_host=HOST, smtp_port=port, smtp_security="none", mail_from="Heatline <leads@example.com>"
    )
    addresses = {"andy": "andy@example.com", "bea": "full@example.com", "carla": "nobody@example.com"}
    sender = MailSender(settings, addresses.get)
    try:
        assert await sender.send(message(hostile(label=HOSTILE), target="rep:andy")) == Delivered()
        assert await sender.send(message(notice(), target="boss@example.com")) == Delivered()
        assert isinstance(await sender.send(message(target="rep:bea")), Failed)
        assert isinstance(await sender.send(message(target="rep:carla")), Refused)
        unknown = await sender.send(message(target="rep:dora"))
        assert unknown == Refused("routing.yaml has no e-mail address of the rep dora")
    finally:
        controller.stop()
    assert isinstance(await sender.send(message(target="rep:andy")), Failed)
    (to, content), (other, _) = box.mails
    assert (to, other) == (["andy@example.com"], ["boss@example.com"])
    mail = message_from_bytes(content, policy=default)
    assert mail["Bcc"] is None
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


# Apprise itself still looks for what Python is about to remove.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
async def test_apprise_speaks_to_the_rest(server: Receiver) -> None:
    """By one of its ways; a service that fails is tried again."""
    sender = PushSender(Push((Secret(f"json://{HOST}:{server.port}/ok"),)))
    assert await sender.send(message(hostile())) == Delivered()
    [got] = server.of("/ok")
    assert "&" in got.body.decode()
    assert "<" not in json.loads(got.body)["message"]
    failing = PushSender(Push((Secret(f"json://{HOST}:{server.port}/500"),)))
    assert await failing.send(message()) == Failed("not every service took it")
    with pytest.raises(ValueError, match="line 1 of its url_file"):
        PushSender(Push((Secret("nonsense://x"),)))
