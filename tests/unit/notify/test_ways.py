"""What each way of sending makes of a record: signatures, blocks, mails; and of a visitor's attacks, nothing."""

import json
import time
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from engine.notify.mail import mail
from engine.notify.notifyfile import webhook_key
from engine.notify.push import body_of, plain
from engine.notify.slack import SECTION_CHARS_MAX, escaped, payload
from engine.notify.telling import tell, title_of
from engine.notify.webhook import body_of as webhook_body
from engine.notify.webhook import signatures
from tests.unit.notify.samples import HOSTILE, NEXT_SECRET, SECRET, hostile, message, moved, notice
from tests.unit.readmodel.samples import alerted, assigned

FORBIDDEN = ("\r", "\x1b", "\u202e")
NOW_S = int(time.time())


def headers(body: bytes, *secrets: str) -> dict[str, str]:
    keys = tuple(key for secret in secrets if (key := webhook_key(secret)))
    return {"webhook-id": "m", "webhook-timestamp": str(NOW_S), "webhook-signature": signatures(keys, "m", NOW_S, body)}


def test_both_secrets_of_a_rotation_verify() -> None:
    """As the standard's own library computes them: one signature for each secret, in order."""
    body = b'{"test": 2432232314}'
    signed = headers(body, SECRET, NEXT_SECRET)["webhook-signature"].split(" ")
    moment = datetime.fromtimestamp(NOW_S, UTC)
    assert signed == [Webhook(secret).sign("m", moment, body.decode()) for secret in (SECRET, NEXT_SECRET)]


def test_a_key_is_24_to_64_bytes() -> None:
    assert webhook_key(SECRET) is not None
    for text in ("", "whsec_", "whsec_c2hvcnQ=", "whsec_" + "A" * 100, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_é"):
        assert webhook_key(text) is None


def test_a_webhook_is_the_record_and_a_digest_a_list_of_records() -> None:
    first, second = notice(), notice(moved())
    assert webhook_body(message(first)) == first.event
    assert json.loads(webhook_body(message(first, second))) == [json.loads(first.event), json.loads(second.event)]
    assert webhook_body(message(first, is_digest=True)) == b"[" + first.event + b"]"


def test_a_record_is_told_in_words() -> None:
    told = tell(notice(alerted(traits={"firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com"})))
    assert told.headline == "Hot lead: Ada Lovelace"
    assert {"Score: 84", "Was: 64", "Band: hot", "E-mail: ada@example.com", "Source: google"} <= set(told.lines)
    assert "Top: Read the pricing page (30)" in told.lines
    assert tell(notice(assigned(rep="bea"))).headline == "Lead assigned to bea: ada"
    in_both = assigned(region="east", territories=["maine", "new-england"])
    assert {"Region: east", "Territories: maine; new-england"} <= set(tell(notice(in_both)).lines)
    assert not any(line.startswith("Territories") for line in tell(notice(assigned())).lines)
    assert tell(notice(moved())).headline == "Stage lead: ada"
    assert title_of((notice(), notice())) == "2 notifications"


def test_what_a_visitor_wrote_never_ends_a_line() -> None:
    told = tell(hostile())
    assert not any(mark in text for text in (told.headline, *told.lines) for mark in (*FORBIDDEN, "\n"))


def texts(value: object) -> list[dict[str, object]]:
    """Every text object of Slack's in a payload."""
    if isinstance(value, dict):
        here = [value] if str(value.get("type", "")) in ("plain_text", "mrkdwn") else []
        return here + [one for inner in value.values() for one in texts(inner)]
    return [one for inner in value for one in texts(inner)] if isinstance(value, list) else []


def test_slack_gets_plain_text_only_and_escaped() -> None:
    made = payload(message(hostile()))
    assert {one["type"] for one in texts(made)} == {"plain_text"}
    written = json.dumps(made, ensure_ascii=False)
    assert "<" not in written
    assert ">" not in written
    assert "&lt;!channel&gt;" in written
    assert not any(mark in written for mark in FORBIDDEN)


def test_slack_gets_at_most_50_blocks_of_3000_characters() -> None:
    """More than fits is counted."""
    many = payload(message(*(hostile(label="<" * 90) for _ in range(200))))
    assert len(many["blocks"]) == 50
    assert many["blocks"][-1]["text"]["text"] == "and 152 more"
    assert all(len(str(one["text"])) <= SECTION_CHARS_MAX for one in texts(many))
    assert len(many["blocks"][0]["text"]["text"]) <= 150
    assert len(payload(message(hostile(label="<" * 150)))["blocks"][0]["text"]["text"]) <= 150


@pytest.mark.parametrize("chars_max", range(2, 30))
def test_no_escape_is_cut_in_two(chars_max: int) -> None:
    cut = escaped("ab<&>cd&&&&" * 3, chars_max)
    assert len(cut) <= chars_max
    assert cut.endswith("…")
    bare = cut.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in bare
    assert escaped("a<b", 6) == "a&lt;b"


def test_a_mail_is_text_and_html_and_has_no_header_of_a_visitor() -> None:
    made = mail(message(hostile(label=HOSTILE)), "Heatline <leads@example.com>", "andy@example.com")
    read = message_from_bytes(bytes(made), policy=default)
    assert read["To"] == "andy@example.com"
    assert read["Bcc"] is None
    assert read["Message-ID"] == "<message-1@example.com>"
    assert set(read.keys()) == {
        *("From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"),
    }
    text, html = (part.get_content() for part in read.iter_parts())
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<script>" in text
    assert not any(mark in text.replace("\r\n", "\n") + html.replace("\r\n", "\n") for mark in FORBIDDEN)
    assert "\nBcc" not in text


def test_a_push_mentions_nobody_and_links_nowhere() -> None:
    body = body_of(message(hostile()))
    assert not any(mark in body for mark in (*FORBIDDEN, "<", ">", "](", " @everyone"))
    assert plain("mail ada@example.com @here @everyone") == "mail ada@example.com @\u200bhere @\u200beveryone"
    assert len(body_of(message(*(hostile() for _ in range(100))))) <= 2_000


BOARD = "https://leads.example.com/"
LINK = "https://leads.example.com/leads?id="
ATTACK = '"><script>|>@here&x'
QUOTED = "%22%3E%3Cscript%3E%7C%3E%40here%26x"


def test_what_people_read_links_to_its_lead() -> None:
    """The same link in all of them, and of a lead's id nothing that is mark-up anywhere."""
    sent = message(notice(alerted(lead=ATTACK)))
    fields = payload(sent, BOARD)["blocks"][1]["fields"]
    assert fields == [{"type": "mrkdwn", "text": f"<{LINK}{QUOTED}|Open the lead>"}]
    text, html = (
        part.get_content()
        for part in mail(sent, "Heatline <leads@example.com>", "andy@example.com", BOARD).iter_parts()
    )
    assert f"Open the lead: {LINK}{QUOTED}\n" in text
    assert f'<a href="{LINK}{QUOTED}">Open the lead</a>' in html
    assert body_of(sent, BOARD).splitlines()[0] == f"Open the lead: {LINK}{QUOTED}"


def test_no_link_where_nobody_said_where_the_board_is_or_it_is_too_long() -> None:
    assert tell(notice()).link is None
    assert tell(notice(alerted(lead="é" * 1_000)), BOARD).link is None
    assert "fields" not in payload(message())["blocks"][1]
    assert "Open the lead" not in body_of(message())


def test_a_forged_body_is_not_verified() -> None:
    body = b"{}"
    assert Webhook(SECRET).verify(body, headers(body, SECRET)) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a":1}', headers(body, SECRET))
