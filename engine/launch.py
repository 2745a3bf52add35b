"""From a command line to running work: settings from flags, environment and file; errors as a user needs them."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from engine import __version__
from engine.core.source import ConfigError
from engine.local.errors import LocalError, SimulateError
from engine.notify.port import StoreAway
from engine.ops.health import OpsPortTakenError
from engine.ops.loading import SettingsError, load_settings
from engine.ops.logs import setup_logs
from engine.ops.settings import SECTIONS, Settings
from engine.readmodel.port import ReadModelAway
from engine.stream.errors import StreamError

if TYPE_CHECKING:
    # Calendars, telephone numbers and public suffixes take a second to load: only who needs them should wait for that.
    from engine.core.context import Locate
    from engine.local.checked import Checked

log = logging.getLogger(__name__)

T = TypeVar("T")
SETTINGS_FILE = Path("config/heatline.toml")
SETTINGS_FLAG = "settings"
FAILED = 1
MISUSED = 2
NOT_FOUND = 3
IpDatabase = Annotated[
    str | None, typer.Option("--ip-database", help="gives the country of an IP address; else paths.ip_database")
]


class Flags:
    """The settings among a command line's arguments: `--kafka.bootstrap=HOST:PORT`, `--settings FILE`."""

    def __init__(self) -> None:
        """None yet."""
        self._given: dict[str, str | None] = {}
        self._file: Path | None = None

    def take(self, arguments: list[str]) -> list[str]:
        """Keep the settings; what is left is the command's."""
        rest = []
        waiting = iter(arguments)
        for argument in waiting:
            name, equals, value = argument.removeprefix("--").partition("=")
            section, dot, _ = name.partition(".")
            if not argument.startswith("--") or not (name == SETTINGS_FLAG or (dot and section in SECTIONS)):
                rest.append(argument)
                continue
            given = value if equals else next(waiting, "")
            if name == SETTINGS_FLAG:
                self._file = Path(given)
            else:
                self._given[name] = given
        return rest

    def settings(self, **more: str | None) -> Settings:
        """The settings in force, `more` (with `__` for the dot) below the flags. Raises SettingsError."""
        named = {key.replace("__", "."): value for key, value in more.items()}
        file = self._file or (SETTINGS_FILE if SETTINGS_FILE.exists() else None)
        return load_settings(file, os.environ, {**named, **self._given})


FLAGS = Flags()


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors that a user can mend end in their message, not in a traceback."""
    try:
        yield
    except BrokenPipeError:
        # Whoever reads us has enough; without this Python complains when it flushes standard output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ConfigError, SettingsError, SimulateError) as error:
        end(str(error), MISUSED)
    except (StreamError, LocalError, OpsPortTakenError, ReadModelAway, StoreAway, OSError) as error:
        end(str(error), FAILED)


def locator(ip_database: str | None) -> "Locate | None":
    """What gives the country of an IP address: by the file `ip_database`, else by the one that the settings name.

    Raises SettingsError.
    """
    from engine.local.ipdatabase import read_ip_database

    return read_ip_database(FLAGS.settings(paths__ip_database=ip_database).paths.ip_database)


def tell_checked(check: Callable[[], "Checked"], *, strict: bool) -> None:
    """Say what a check found; the command fails for mistakes, if `strict` for warnings, too."""
    with plain_errors():
        checked = check()
        typer.echo("\n".join(checked.lines()))
    if checked.mistakes or (strict and checked.warnings):
        raise typer.Exit(FAILED)


def end(message: str, status: int) -> NoReturn:
    """End the command with `message` on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(status)


def once(work: Callable[[Settings], Coroutine[Any, Any, T]], **more: str | None) -> T:
    """What `work` comes to with the settings in force."""
    with plain_errors():
        settings = FLAGS.settings(**more)
        setup_logs(settings.log.level, settings.log.format)
        return asyncio.run(work(settings))


def serve(name: str, role: Callable[[Settings, asyncio.Event], Coroutine[Any, Any, None]], **more: str | None) -> None:
    """Run a role until SIGTERM or Ctrl-C; a second one ends the process as it would without us.

    The log says under its `name` when it starts, and what ends it.
    """

    async def run(settings: Settings) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def halt(by: signal.Signals) -> None:
            log.info("%s ends: %s", name, by.name)
            stop.set()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, halt, number)
        log.info("%s %s starts", name, __version__)
        await role(settings, stop)

    once(run, **more)
