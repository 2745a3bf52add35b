"""E-mail by SMTP: text and HTML of the same, and headers that nobody but us writes."""

import asyncio
import html
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

import aiosmtplib

from engine.core.text import clean
from engine.notify import sending
from engine.notify.config import REP_TARGET
from engine.notify.sending import SEND_WITHIN_S, Delivered, Failed, Message, Outcome
from engine.notify.telling import OPEN, Told, tell, title_of
from engine.ops.settings import NotifySettings

CONNECTIONS = 16
SUBJECT_CHARS_MAX = 200
_PERMANENT = range(500, 600)

Address = Callable[[str], str | None]
"""Gives the address of the rep with this id; None where there is none."""


class MailSender:
    """Sends mails through one server, a connection each."""

    at_once = 2
    pause_ms = 0

    def __init__(self, settings: NotifySettings, address: Address) -> None:
        """Nothing is connected to before `send`. Raises OSError for certificates that cannot be read."""
        self._settings = settings
        self._address = address
        self._slots = asyncio.Semaphore(CONNECTIONS)
        secure = settings.smtp_security != "none"
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file or None) if secure else None

    async def send(self, message: Message) -> Outcome:
        """What the server refuses for good is refused; wrong passwords and servers that are away are tried again."""
        address = message.target
        if address.startswith(REP_TARGET):
            rep = address.removeprefix(REP_TARGET)
            found = self._address(rep)
            if found is None:
                return sending.Refused(f"routing.yaml has no e-mail address of the rep {rep}")
            address = found
        try:
            async with self._slots:
                await self._send(mail(message, self._settings.mail_from, address, self._settings.board_url), address)
        except aiosmtplib.SMTPAuthenticationError as error:
            return Failed(f"the mail server does not let us in: {error.code}")
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _answered(error.recipients[0].code, error.recipients[0].message)
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return Failed(f"the mail server cannot be used: {type(error).__name__}")
        except ValueError as error:
            return sending.Refused(f"no mail can be made of it: {error}")
        return Delivered()

    async def _send(self, mail: EmailMessage, address: str) -> None:
        settings = self._settings
        await aiosmtplib.send(
            mail,
            sender=parseaddr(settings.mail_from)[1],
            recipients=[address],
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username or None,
            password=str(settings.smtp_password) or None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=self._tls,
            timeout=SEND_WITHIN_S,
        )


def _answered(code: int, text: str) -> Outcome:
    failed = Failed(f"the mail server answered {code}", words=clean(text, 100))
    return sending.Refused(failed.whole_why) if code in _PERMANENT else failed


def mail(message: Message, sender: str, address: str, board: str = "") -> EmailMessage:
    """The mail to one address; its Message-ID stays over retries; `board` as in `tell`.

    Raises ValueError for what no header can hold.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = address
    made["Subject"] = clean(title_of(message.notices), SUBJECT_CHARS_MAX)
    made["Message-ID"] = f"<{message.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    told = [tell(notice, board) for notice in message.notices]
    made.set_content("\n\n".join("\n".join([one.headline, "", *one.lines_with_link]) for one in told) + "\n")
    parts = [f"<h2>{html.escape(one.headline)}</h2><table>{_rows(one.facts)}</table>{_link(one)}" for one in told]
    made.add_alternative(f"<!doctype html><html><body>{''.join(parts)}</body></html>\n", subtype="html")
    return made


def _link(told: Told) -> str:
    return f'<p><a href="{html.escape(told.link)}">{OPEN}</a></p>' if told.link else ""


def _rows(facts: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"<tr><th align=left>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in facts)
