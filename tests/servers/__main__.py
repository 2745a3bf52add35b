"""Installs what the tests with servers need, before their time counts; what cannot be installed is said."""

import sys

from tests.servers.install import MissingToolError, axe, chromium, prometheus, redis_server
from tests.servers.kafka import warm_classes

for get in (warm_classes, redis_server, prometheus, chromium, axe):
    try:
        get()
    except MissingToolError as missing:
        sys.stderr.write(f"{missing}\n")
