"""A real Redis, loopback only, without persistence unless its options say so."""

import socket
from collections.abc import Mapping
from pathlib import Path

from tests.servers.install import redis_server
from tests.servers.process import HOST, Server


class RedisServer(Server):
    """A Redis; `options` are directives of redis.conf, such as `{"appendonly": "yes"}`."""

    name = "redis"

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None, port: int | None = None) -> None:
        """Nothing runs before `start`."""
        super().__init__(directory, port)
        self.options = {"save": "", "appendonly": "no", **(options or {})}

    @property
    def url(self) -> str:
        """`redis://127.0.0.1:PORT/0`."""
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        """Redis with every option on its command line."""
        options = {"bind": HOST, "port": str(self.port), "dir": str(self.directory), **self.options}
        flags = [part for key, value in options.items() for part in (f"--{key}", value)]
        return [redis_server(), *flags]

    def answers(self) -> bool:
        """It answers PING; with a password set it asks for it, which is an answer too."""
        with socket.create_connection((HOST, self.port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
