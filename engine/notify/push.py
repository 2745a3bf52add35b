"""Whatever `apprise` speaks: over a hundred services, by addresses such as `tgram://TOKEN/CHAT`."""

import asyncio
import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from engine.notify.config import Push
from engine.notify.sending import Delivered, Failed, Message, Outcome
from engine.notify.telling import tell, title_of

THREADS = 2
BODY_CHARS_MAX = 2_000

_MENTION = re.compile(r"(?<![\w.+-])@")
_MARKUP = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'"})


class PushSender:
    """Sends to all addresses of a channel, in threads of its own: a service that hangs holds up no other channel."""

    at_once = THREADS
    pause_ms = 0

    def __init__(self, push: Push, board: str = "") -> None:
        """Nothing is connected to before `send`; `board` as in `tell`.

        Raises ValueError where apprise does not know an address.
        """
        self._board = board
        # It takes half a second, and only who uses it needs it.
        import apprise  # noqa: PLC0415

        # It tells its own log of what it sends, and to whom.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        self._services = apprise.Apprise()
        self._text = apprise.NotifyFormat.TEXT
        unknown = [number for number, url in enumerate(push.urls, 1) if not self._services.add(str(url))]
        if unknown:
            raise ValueError(f"line {unknown[0]} of its url_file is no address that apprise knows")
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")

    async def send(self, message: Message) -> Outcome:
        """Delivered where every service took it; where one did not, all are tried again."""
        loop = asyncio.get_running_loop()
        title, body = plain(title_of(message.notices)), body_of(message, self._board)
        taken = await loop.run_in_executor(self._threads, self._notify, title, body)
        return Delivered() if taken else Failed("not every service took it")

    def _notify(self, title: str, body: str) -> bool:
        return bool(self._services.notify(body=body, title=title, body_format=self._text))


def body_of(message: Message, board: str = "") -> str:
    """The message in words, what services take for mark-up made harmless; `board` as in `tell`."""
    told = [tell(notice, board) for notice in message.notices]
    parts: Sequence[list[str]] = (
        [one.lines_with_link for one in told]
        if len(told) == 1
        else [[one.headline, *one.lines_with_link] for one in told]
    )
    return plain("\n\n".join("\n".join(lines) for lines in parts))[:BODY_CHARS_MAX]


def plain(text: str) -> str:
    """`text` without brackets of tags and links, and with nobody mentioned; addresses of e-mail stay."""
    return _MENTION.sub("@\u200b", text.translate(_MARKUP))
