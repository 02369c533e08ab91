"""The only reader of the environment and of connections.yaml. Nothing is read when this module is imported."""

from __future__ import annotations

import difflib
import json
import os
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.sources import KINDS
from pipelines.sources.connection import Connection
from pipelines.sources.credentials import Secrets
from pipelines.sources.live import LiveConnection
from pipelines.sources.places import Place
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.schema import KeyClass

PROJECT = Path(__file__).resolve().parent.parent
KEY_CLASSES: tuple[KeyClass, ...] = ("employee", "customer", "social")
FINGERPRINTS = "pseudonym_keys.json"  # in the home: which keys its rows were hashed with
KEPT_KEYS = "pseudonym_keys.env"  # in the home: random keys, where none are set
# How DuckDB opens a file that is only read: by itself it keeps what it read, up to four fifths of all memory.
READING: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "1GB"}


class ConfigError(Exception):
    """The configuration cannot be used; the message holds one line per problem."""


class Company(BaseModel):
    """The `company` section of connections.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    first_day: date
    time_zone: Literal["Asia/Tokyo"] = "Asia/Tokyo"
    currency: Literal["JPY"] = "JPY"
    fiscal_year_start_month: int = Field(default=4, ge=1, le=12)


class Config(NamedTuple):
    """connections.yaml, validated: the company and its connections by name."""

    company: Company
    connections: Mapping[str, Connection]


class Settings(BaseSettings):
    """Where things lie and how hard to work, from ENGAGEMENT_* variables or the project's .env file."""

    model_config = SettingsConfigDict(env_prefix="ENGAGEMENT_", env_file=PROJECT / ".env", extra="ignore", frozen=True)

    home: Path = PROJECT / "data"
    lake: Place | None = None  # where landing/ and quarantine/ lie, if not in the home: a folder or s3://bucket/folder
    connections: Path = PROJECT / "connections.yaml"
    key_employee: SecretStr | None = None
    key_customer: SecretStr | None = None
    key_social: SecretStr | None = None
    old_key_employee: SecretStr | None = None  # only while keys are changed
    old_key_customer: SecretStr | None = None
    old_key_social: SecretStr | None = None
    pull_threads: int = Field(default=4, ge=1, le=64)
    keep_releases: int = Field(default=7, ge=1)

    def config(self) -> Config:
        """Read and validate connections.yaml; ConfigError with one line per problem."""
        return read_connections(self.connections)

    def keys(self) -> dict[KeyClass, bytes]:
        """The three pseudonym keys. Where none is set, random ones are made once and kept beside the data.

        Refuses other keys than those the home's rows were hashed with: each person would silently become two.
        """
        keys = self._given_keys() or self._kept_keys()
        require_same_keys(self.home, Pseudonymiser(keys))
        _write_once(self.home / FINGERPRINTS, json.dumps(Pseudonymiser(keys).fingerprints()))
        return keys

    def changed_keys(self) -> tuple[dict[KeyClass, bytes], dict[KeyClass, bytes]]:
        """The keys the home's rows were hashed with, and those that are to take their place: the ones set, else random ones.

        Raises ConfigError when an old key is not known or no key would change.
        """
        if not (self.home / FINGERPRINTS).exists():
            raise ConfigError(f"nothing has landed in {self.home} yet: there are no keys to change")
        marks = json.loads((self.home / FINGERPRINTS).read_text())
        given = self._given_keys()
        kept = self._kept_keys() if (self.home / KEPT_KEYS).exists() else {}
        old: dict[KeyClass, bytes] = {}
        for name in KEY_CLASSES:
            stated = getattr(self, f"old_key_{name}")
            known = [stated.get_secret_value().encode()] if stated else []
            known += [keys[name] for keys in (kept, given) if name in keys]
            matching = [key for key in known if Pseudonymiser({name: key}).fingerprints()[name] == marks[name]]
            if not matching:
                raise ConfigError(
                    f"the key before ENGAGEMENT_KEY_{name.upper()} is not known; set ENGAGEMENT_OLD_KEY_{name.upper()} to it"
                )
            old[name] = matching[0]
        new = given or random_keys()
        if new == old:
            raise ConfigError("ENGAGEMENT_KEY_* are the keys in use; set new ones there, and these as ENGAGEMENT_OLD_KEY_*")
        return old, new

    def _given_keys(self) -> dict[KeyClass, bytes]:
        given = {name: getattr(self, f"key_{name}") for name in KEY_CLASSES}
        return _usable(given) if any(value is not None for value in given.values()) else {}

    def _kept_keys(self) -> dict[KeyClass, bytes]:
        file = self.home / KEPT_KEYS
        if not file.exists():
            _write_once(file, kept_text(random_keys()))
        values = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
        return _usable({name: SecretStr(values.get(f"ENGAGEMENT_KEY_{name.upper()}", "").strip()) for name in KEY_CLASSES})

    def secrets(self) -> Secrets:
        """The values of the variables that the connections name as secrets; a variable that is not set has none."""
        live = [connection for connection in self.config().connections.values() if isinstance(connection, LiveConnection)]
        names = {name for connection in live for name in connection.secret_names()}
        values = {name: os.environ[name] for name in names if name in os.environ}
        return Secrets(values, KeptTokens(self.home / "tokens.json"))


class KeptTokens:
    """Refresh tokens that a server replaces at each use, kept for the next night in a file for its owner alone."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def load(self, name: str) -> str | None:
        """The token last saved under `name`."""
        with self._lock:
            return self._all().get(name)

    def save(self, name: str, token: str) -> None:
        """Keep `token` under `name`; the ones before it are of no use any more."""
        with self._lock:
            own = name.partition(":")[0]
            tokens = {key: value for key, value in self._all().items() if key.partition(":")[0] != own}
            temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}")
            _write_private(temporary, json.dumps({**tokens, name: token}))
            os.replace(temporary, self._file)

    def _all(self) -> dict[str, str]:
        return dict(json.loads(self._file.read_text())) if self._file.exists() else {}


def load_settings() -> Settings:
    """The settings in force; ConfigError with one line per wrong variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise ConfigError("\n".join(f"ENGAGEMENT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())) from None
    return settings.model_copy(update={"home": settings.home.resolve(), "connections": settings.connections.resolve()})


def require_same_keys(home: Path, pseudonymiser: Pseudonymiser) -> None:
    """ConfigError when the rows in `home` were hashed with other keys."""
    file = home / FINGERPRINTS
    if not file.exists():
        return
    before, marks = json.loads(file.read_text()), pseudonymiser.fingerprints()
    changed = [f"ENGAGEMENT_KEY_{name.upper()}" for name in KEY_CLASSES if before.get(name) != marks[name]]
    if changed:
        raise ConfigError(
            f"{', '.join(changed)} differs from the key that the rows in {home} were hashed with; set the old key again, "
            "or set it as ENGAGEMENT_OLD_KEY_* and call `engagement rotate-keys`"
        )


def mails_per_phone() -> int:
    """How many mail addresses a phone number may be seen with and still be one person's: the variable of the dbt project."""
    project = yaml.safe_load((PROJECT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    return int(project["vars"]["mails_per_phone"])


def random_keys() -> dict[KeyClass, bytes]:
    """Three new keys."""
    return {name: secrets.token_hex(32).encode() for name in KEY_CLASSES}


def kept_text(keys: Mapping[KeyClass, bytes]) -> str:
    """The content of the file that keeps random keys beside the data."""
    return "".join(f"ENGAGEMENT_KEY_{name.upper()}={keys[name].decode()}\n" for name in KEY_CLASSES)


def _usable(given: Mapping[KeyClass, SecretStr | None]) -> dict[KeyClass, bytes]:
    keys: dict[KeyClass, bytes] = {}
    for name in KEY_CLASSES:
        value = given[name]
        secret = value.get_secret_value() if value is not None else ""
        if len(secret) < 32:
            raise ConfigError(f"ENGAGEMENT_KEY_{name.upper()} must be set and at least 32 characters long")
        keys[name] = secret.encode()
    if len(set(keys.values())) < len(KEY_CLASSES):
        raise ConfigError("the three ENGAGEMENT_KEY_* values must differ: equal keys would let employees and customers be joined")
    return keys


def _write_once(file: Path, text: str) -> None:
    """Create a file for its owner alone, whole and on the disk; where there is one already, it stays."""
    if file.exists():
        return
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    _write_private(temporary, text)
    with suppress(FileExistsError):
        os.link(temporary, file)
    temporary.unlink()


def _write_private(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())


def read_connections(file: Path) -> Config:
    """Parse and validate a connections.yaml.

    Relative paths are taken from the file's own folder; `${NAME}` is replaced by the environment variable NAME.
    Raises ConfigError naming file, entry, key and what to do, one line per problem.
    """
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506  # a SafeLoader
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist; copy the project's connections.yaml or set ENGAGEMENT_CONNECTIONS") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{file.name} must hold the sections company and connections")
    problems = [
        f"{file.name}: unknown section {key!r}; it holds company and connections"
        for key in raw
        if key not in ("company", "connections")
    ]
    company = _company(raw.get("company") or {}, file.name, problems)
    connections: dict[str, Connection] = {}
    for name, entry in (raw.get("connections") or {}).items():
        connection = _connection(str(name), entry, file, problems)
        if connection is not None:
            connections[str(name)] = connection
    if not connections and not problems:
        problems.append(f"{file.name}: no connection is configured; add one under connections")
    if problems or company is None:
        raise ConfigError("\n".join(problems))
    return Config(company, connections)


class _UniqueKeys(yaml.SafeLoader):
    """YAML lets the last of two equal keys win; here that would silently drop a connection."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands there twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _company(entry: Any, file: str, problems: list[str]) -> Company | None:
    try:
        return Company.model_validate(entry)
    except ValidationError as error:
        problems.extend(_lines(f"{file}: company", error, Company))
        return None


def _connection(name: str, entry: Any, file: Path, problems: list[str]) -> Connection | None:
    where = f"{file.name}: {name}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        problems.append(f"{where}: a connection's name is lower-case letters, digits and _")
        return None
    if not isinstance(entry, dict):
        problems.append(f"{where}: must hold source, kind and the kind's options")
        return None
    key = (str(entry.get("source")), str(entry.get("kind")))
    model = KINDS.get(key)
    if model is None:
        kinds = ", ".join(f"{source}/{kind}" for source, kind in sorted(KINDS))
        problems.append(f"{where}: there is no kind {key[1]!r} for source {key[0]!r}; the kinds are {kinds}")
        return None
    try:
        options = _fill(entry, where)
        options.pop("source")
        if "path" in options and "path" in model.model_fields and "://" not in str(options["path"]):
            options["path"] = (file.parent / str(options["path"])).resolve()
        return model.model_validate({**options, "name": name})
    except ConfigError as error:
        problems.append(str(error))
    except ValidationError as error:
        problems.extend(_lines(where, error, model))
    return None


def _fill(value: Any, where: str) -> Any:
    """Replace ${NAME} by the environment; the value itself never appears in a message."""
    if isinstance(value, dict):
        return {key: _fill(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, where) for item in value]
    if not isinstance(value, str):
        return value

    def environment(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(f"{where}: the environment variable {match[1]} is not set")
        return os.environ[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", environment, value)


def _lines(where: str, error: ValidationError, model: type[BaseModel]) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False):
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = _known_keys(model, problem["loc"])
            near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            lines.append(f"{where}.{key}: unknown key; {hint}")
        elif problem["type"] == "missing":
            lines.append(f"{where}.{key}: is missing")
        else:
            # pydantic prefixes messages of our own validators; the input is left out, it may be a secret.
            lines.append(f"{where}.{key}: {problem['msg'].removeprefix('Value error, ')}".replace(".:", ":"))
    return lines


def _known_keys(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The keys that may stand beside the last one of `place`, a path into `model` and the models it holds."""
    candidates = [model]
    for part in place[:-1]:
        fields = [candidate.model_fields[str(part)] for candidate in candidates if str(part) in candidate.model_fields]
        inside = [held for field in fields for held in _models_in(field.annotation)]
        # Where a field may be one of several models, pydantic names in `place` which one was meant by its `type`.
        tagged = [one for one in candidates if "type" in one.model_fields]
        meant = [one for one in tagged if part in get_args(one.model_fields["type"].annotation)]
        candidates = inside or meant or candidates
    return sorted({name for candidate in candidates for name in candidate.model_fields} - {"name"})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every model that an annotation names, at any depth of unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [held for part in get_args(annotation) for held in _models_in(part)]
