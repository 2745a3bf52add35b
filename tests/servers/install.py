"""Finds the programs that the test servers need; where they are missing, installs them if it can."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".servers"
POM = Path(__file__).with_name("pom.xml")
JAVA_RELEASE_MIN = 17
AXE = "axe-core@4.14.1"


class MissingToolError(RuntimeError):
    """A program that the tests need is missing and cannot be installed from here; the message says which."""


def kafka_libs() -> Path:
    """The folder with the broker's jars, copied there by Maven the first time."""
    _require_java()
    version = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    libs = CACHE / f"kafka-{version}"
    if not libs.is_dir():
        kept(libs, partial(_copy_jars, _require("mvn", package="maven")))
    return libs


def redis_server() -> str:
    """The path of `redis-server`."""
    return _require("redis-server", package="redis-server")


def prometheus(program: str = "prometheus") -> str:
    """The path of `prometheus`, or of another program of its package, such as `promtool`."""
    return _require(program, package="prometheus")


def chromium() -> str:
    """The path of Debian's Chromium."""
    return _require("chromium", package="chromium")


def axe() -> Path:
    """The script of axe-core, which looks for what keeps people out of a page; npm copies it there the first time."""
    folder = CACHE / AXE
    if not folder.is_dir():
        kept(folder, partial(_copy_axe, _require("npm", package="npm")))
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def kept(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder of the cache, which `make` makes the first time; it may install nothing."""
    if not folder.is_dir():
        with _one_at_a_time():
            if not folder.is_dir():
                made = folder.with_suffix(".partial")
                shutil.rmtree(made, ignore_errors=True)
                make(made)
                made.rename(folder)
    return folder


def _copy_jars(maven: str, folder: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    _run([maven, "-q", "-B", "-f", str(POM), *goal], "Maven cannot fetch the jars of Apache Kafka")


def _copy_axe(npm: str, folder: Path) -> None:
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder)]
    _run([npm, "install", *flags, AXE], f"npm cannot fetch {AXE}")


def _require_java() -> None:
    java = _require("java", package="default-jre-headless")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    release = re.search(r'version "(\d+)', shown)
    if release is None or int(release[1]) < JAVA_RELEASE_MIN:
        raise MissingToolError(
            f"Apache Kafka needs Java {JAVA_RELEASE_MIN} or newer; {java} is {shown.splitlines()[0]}"
        )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Tests run beside each other: the first installs, the others wait for it."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _require(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        with _one_at_a_time():
            if shutil.which(program) is None:
                _apt_install(program, package)
        found = shutil.which(program)
    if found is None:
        raise MissingToolError(f"{program} is still missing after the installation of the package {package}")
    return found


def _apt_install(program: str, package: str) -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise MissingToolError(
            f"The tests need {program}, which is not on the PATH. Install it (Debian, Ubuntu: "
            f"sudo apt-get install {package}) and run them again; as root on Debian they install it themselves."
        )
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run([apt, "-qq", "update"], "apt-get update failed", environ)
    _run(
        [apt, "-qq", "-y", "install", "--no-install-recommends", package], f"apt-get cannot install {package}", environ
    )


def _run(command: list[str], failure: str, environ: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    if done.returncode != 0:
        raise MissingToolError(f"{failure}: {(done.stdout + done.stderr).strip()[-2000:]}")
