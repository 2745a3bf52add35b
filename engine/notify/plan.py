"""What is in force, made of the files: channels ready to send, and what the routing knows of reps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from engine.notify.addresses import CheckedResolver, http_session
from engine.notify.config import Mail, Notify, Slack, Way, Webhook
from engine.notify.deliveries import Plan
from engine.notify.mail import MailSender
from engine.notify.push import PushSender
from engine.notify.sending import Sender
from engine.notify.slack import SlackSender
from engine.notify.webhook import WebhookSender
from engine.ops.loading import SettingsError
from engine.ops.settings import NotifySettings, listed_texts
from engine.routing.config import Rep, Routing


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans that share one client for the web; `version` is the program's."""

    settings: NotifySettings
    session: aiohttp.ClientSession
    resolver: CheckedResolver
    version: str

    def plan(self, notify: Notify, routing: Routing) -> Plan:
        """What these files come to. Raises SettingsError where a channel needs a setting, or has an unknown address."""
        reps = {name: rep for desk in routing.by_desk.values() for name, rep in desk.reps.items()}
        senders: dict[str, Sender] = {}
        for name, way in notify.channels.items():
            try:
                senders[name] = self._sender(way, reps)
            except ValueError as error:
                raise SettingsError([f"{self.settings.file}: channels.{name}: {error}"]) from None
        return Plan(notify, senders, {rep.id: rep.calendar.zone for rep in reps.values()})

    def _sender(self, way: Way, reps: dict[str, Rep]) -> Sender:
        if isinstance(way, Webhook):
            return WebhookSender(way, self.session, self.resolver, self.version)
        if isinstance(way, Slack):
            return SlackSender(way, self.session, self.resolver, self.settings.board_url)
        if isinstance(way, Mail):
            return self._mail(reps)
        return PushSender(way, self.settings.board_url)

    def _mail(self, reps: dict[str, Rep]) -> MailSender:
        if not self.settings.smtp_host:
            raise ValueError("mails need a server: set notify.smtp_host and notify.mail_from")
        try:
            return MailSender(self.settings, lambda rep: reps[rep].email if rep in reps else None)
        except OSError as error:
            raise ValueError(f"notify.smtp_ca_file cannot be used: {error.strerror}") from None


@asynccontextmanager
async def planner(settings: NotifySettings, version: str) -> AsyncIterator[Planner]:
    """A planner with a client of its own, which is closed at the end."""
    allowed = frozenset(name.lower() for name in listed_texts(settings.allow_private))
    resolver = CheckedResolver(allowed)
    async with http_session(resolver) as session:
        yield Planner(settings, session, resolver, version)
