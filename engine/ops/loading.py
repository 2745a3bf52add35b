"""Reads settings from their file, the environment and flags, and finds every mistake in one go."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from engine.core.instants import parse_duration
from engine.core.reader import unknown
from engine.core.source import shown
from engine.ops.settings import REPLACED, SECTIONS, Duration, Settings, contradictions
from engine.ops.values import MASK, Secret, Url

PREFIX = "HEATLINE_"
FILE = "_file"
SECRET_BYTES_MAX = 65_536

KINDS: Mapping[str, Any] = {
    f"{section}.{field.encode_name}": field.type
    for section, struct in SECTIONS.items()
    for field in msgspec.structs.fields(struct)
}
SECRET_FILES: Mapping[str, str] = {key + FILE: key for key, kind in KINDS.items() if kind is Secret}
KNOWN = [*KINDS, *SECRET_FILES]


class SettingsError(Exception):
    """Settings that cannot be used; `mistakes` has one line for each, with its place, value and what would be right."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


class Given(NamedTuple):
    """A value as it was written; `place` names it: `config/heatline.toml: kafka.bootstrap`, a variable or a flag."""

    place: str
    value: Any
    typed: bool


class Layer(NamedTuple):
    """What one place sets, by key, and what is wrong with it."""

    given: dict[str, Given]
    mistakes: list[str]


def load_settings(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str | None]) -> Settings:
    """The settings that `file` (None: no file), then `HEATLINE_*` in `environ`, then `flags` come to.

    A flag is a key such as `kafka.bootstrap`; None means that it was not given. Raises SettingsError with all
    mistakes: an unknown key is one, in the environment too.
    """
    layers = [_from_file(file), _from_environ(environ), _from_flags(flags)]
    mistakes = [mistake for layer in layers for mistake in layer.mistakes]
    given = {key: value for layer in layers for key, value in _with_secrets(layer.given, mistakes).items()}
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key, one in given.items():
        section, _, name = key.partition(".")
        try:
            sections[section][name] = _read(one, KINDS[key])
        except ValueError as error:
            value = MASK if KINDS[key] is Secret else _masked(one.value)
            mistakes.append(f"{one.place} = {value}: expected {error}")
    built: dict[str, Any] = {section: _struct(SECTIONS[section], values) for section, values in sections.items()}
    settings = Settings(**built, origins={key: one.place for key, one in given.items()})
    mistakes += [] if mistakes else contradictions(settings)
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _struct(kind: type[msgspec.Struct], values: Mapping[str, Any]) -> msgspec.Struct:
    names = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    return kind(**{names[key]: value for key, value in values.items()})


def _from_file(file: Path | None) -> Layer:
    layer = Layer({}, [])
    if file is None:
        return layer
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        layer.mistakes.append(f"{file}: cannot be read: {error.strerror}")
        return layer
    except ValueError as error:
        layer.mistakes.append(f"{file}: not TOML: {error}")
        return layer
    for section, values in document.items():
        if section not in SECTIONS:
            layer.mistakes.append(f"{file}: section {unknown(section, SECTIONS)}")
        elif not isinstance(values, dict):
            layer.mistakes.append(f"{file}: {section} = {_masked(values)}: expected a section [{section}]")
        else:
            named = {f"{section}.{name}": value for name, value in values.items()}
            _take(layer, {key: Given(f"{file}: {key}", value, typed=True) for key, value in named.items()})
    return layer


def _from_environ(environ: Mapping[str, str]) -> Layer:
    layer = Layer({}, [])
    variables = {_variable(key): key for key in KNOWN}
    for name in sorted(environ):
        if name in variables:
            layer.given[variables[name]] = Given(name, environ[name], typed=False)
        elif name.startswith(PREFIX):
            layer.mistakes.append(f"environment: {_unknown(name, variables)}")
    return layer


def _from_flags(flags: Mapping[str, str | None]) -> Layer:
    layer = Layer({}, [])
    given = {key: Given(f"flag {key}", value, typed=False) for key, value in flags.items() if value is not None}
    _take(layer, given)
    return layer


def _take(layer: Layer, given: Mapping[str, Given]) -> None:
    for key, one in given.items():
        if key in KNOWN:
            layer.given[key] = one
        else:
            layer.mistakes.append(f"{one.place}: {_unknown(key, KNOWN)}")


def _unknown(name: str, known: Collection[str]) -> str:
    """Why a key or variable is refused, with what took its place."""
    key = next((key for key in REPLACED if name in {key, _variable(key)}), None)
    return unknown(name, known) if key is None else f"`{name}` {REPLACED[key]}"


def _variable(key: str) -> str:
    return PREFIX + key.replace(".", "_").upper()


def _with_secrets(layer: Mapping[str, Given], mistakes: list[str]) -> dict[str, Given]:
    """The layer with every secret that is named by its file read from there."""
    whole = {key: one for key, one in layer.items() if key not in SECRET_FILES}
    for file_key, key in SECRET_FILES.items():
        if file_key not in layer:
            continue
        named = layer[file_key]
        if key in layer:
            mistakes.append(f"{named.place}: {layer[key].place} is set too; expected one of them")
            continue
        try:
            with Path(str(named.value)).open(encoding="utf-8") as secret:
                text = secret.read(SECRET_BYTES_MAX)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            mistakes.append(f"{named.place} = {shown(str(named.value))}: cannot be read: {reason}")
            continue
        whole[key] = Given(named.place, text.strip("\r\n"), typed=False)
    return whole


def _read(one: Given, kind: Any) -> Any:
    """The value as `kind`. Raises ValueError that says what is expected."""
    if kind in (Secret, Url, Path):
        if not isinstance(one.value, str):
            raise ValueError("text")
        return kind(one.value)
    if kind is Duration:
        try:
            return Duration(parse_duration(str(one.value)))
        except ValueError:
            raise ValueError("a duration such as 3s, 15m or 1h30m") from None
    try:
        return msgspec.convert(one.value, kind, strict=one.typed)
    except msgspec.ValidationError:
        raise ValueError(_expected(kind)) from None


def _expected(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        return str(get_args(kind)[1].description)
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    return "true or false" if kind is bool else "text"


def _masked(value: object) -> str:
    """A value for a message, without the credentials of an address."""
    text = value if isinstance(value, str | int | float | bool) else str(value)
    return shown(Url(text).masked if isinstance(text, str) else text)
