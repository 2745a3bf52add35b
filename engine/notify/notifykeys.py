"""The keys of `notify.yaml`, each with what its value looks like: readers take the names, editors the schema."""

from engine.core.modelkeys import CONDITION, DURATION, TEXT, Keys, Shape, list_of, mapping, named, one_of
from engine.notify.records import KINDS
from engine.routing import routingkeys

CHANNELS_MAX = 50
RULES_MAX = 200
RECIPIENTS_MAX = 50
EMAIL_MAX = routingkeys.EMAIL_MAX
SECRETS_MAX = 8
URLS_MAX = 20
FILE_MAX = 200
URL_MAX = 2_000
DIGEST_MS_MIN, DIGEST_MS_MAX = 60_000, 7 * 86_400_000

_FILE: Shape = {"type": "string", "minLength": 1, "maxLength": FILE_MAX}
_FILES: Shape = {"anyOf": [_FILE, list_of(_FILE)]}
_RECIPIENT: Shape = {"type": "string", "pattern": "@|^[{]rep[.]email[}]$", "maxLength": EMAIL_MAX}

WEBHOOK: Keys = {
    "url": {"type": "string", "pattern": "^https?://", "maxLength": URL_MAX},
    "secret_file": _FILES,
}
SLACK: Keys = {"url_file": _FILE}
MAIL: Keys = {"to": {"anyOf": [_RECIPIENT, list_of(_RECIPIENT)]}}
APPRISE: Keys = {"url_file": _FILE}
WAYS: Keys = {
    "webhook": mapping(WEBHOOK, required=("url", "secret_file")),
    "slack": mapping(SLACK, required=("url_file",)),
    "mail": mapping(MAIL, required=("to",)),
    "apprise": mapping(APPRISE, required=("url_file",)),
}
RULE: Keys = {
    "records": list_of(one_of(KINDS)),
    "if": CONDITION,
    "to": list_of(TEXT),
    "digest": DURATION,
}
NOTIFY: Keys = {
    "time_zone": TEXT,
    "channels": named(mapping(WAYS, minProperties=1, maxProperties=1)),
    "quiet_hours": named(routingkeys.REP["hours"]),
    "rules": {"type": "array", "items": mapping(RULE, required=("records", "to"))},
}
