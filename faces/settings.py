"""Every environment variable: type, default, one line of meaning. `etc/face.env.example` lists the same."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from faces.errors import SettingsError

#: A class name with its namespace, as PHP allows it.
_PHP_CLASS = r"^[A-Za-z_][A-Za-z0-9_]*(\\[A-Za-z_][A-Za-z0-9_]*)*$"

#: A name or an address of a host: no port, no scheme. An IPv6 address has two colons at least.
_HOST_NAME = r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"

#: At most one `%s`, and no other `%`: PHP's sprintf would read it as something else.
_ROUTING_KEY = r"^[^%]*(%s)?[^%]*$"

#: An encoding is about 1 long: at this distance every face is near every other.
LARGEST_THRESHOLD = 2

#: Longest path of a file that Linux takes, in bytes.
LONGEST_PATH = 4096

FastPart = Literal["decode", "resize", "scan", "resnet"]

FAST_PARTS: tuple[FastPart, ...] = get_args(FastPart)

DebugPictures = Literal["required", "best_effort", "off"]

#: What links a face by itself.
MatchRule = Literal["calibrated", "nearest"]

#: Databases that MySQL and MariaDB keep for themselves.
_SERVERS_OWN = {"information_schema", "mysql", "performance_schema", "sys"}


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """The driver's `options.queue`: one part of `Settings`; the defaults are the driver's."""

    prioritize_delayed: bool = False
    max_priority: int = 10
    quorum: bool = False
    exchange: str = ""
    exchange_type: str = "direct"
    routing_key: str = "%s"
    reroute_failed: bool = False
    failed_exchange: str = ""
    failed_routing_key: str = "%s.failed"


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0))


def refusal_of_subdir(subdir: str) -> str | None:
    """Why this is no folder for debug pictures beside their originals; None if it is one. The API's own rules."""
    names = [name for name in subdir.split("/") if name not in ("", ".")]
    try:
        fits = len(subdir.encode()) <= LONGEST_PATH
    except UnicodeError:
        fits = False
    if fits and names and ".." not in names and "\0" not in subdir and not subdir.startswith("/"):
        return None
    return f"found {subdir!r}, needed the name of a folder, or several with / between, without '..'"


def risk_of(debug_pictures: DebugPictures) -> str | None:
    """What is said at a start where photos may be done without their debug pictures; None where they may not."""
    if debug_pictures == "required":
        return None
    return (
        f"FACE_DEBUG_PICTURES is {debug_pictures}: the app's images:faces:check deletes the faces of every photo "
        "without its debug picture, and their names with them; it must not run"
    )


class Settings(BaseSettings):
    """The settings of all processes; each field `x` is the variable `FACE_X`.

    Use `load`: it turns what pydantic says into one sentence that names the variable.
    """

    model_config = SettingsConfigDict(env_prefix="FACE_", frozen=True, extra="ignore", env_ignore_empty=True)

    # --- the HTTP API ---------------------------------------------------------------------------
    api_address: str = Field("127.0.0.1:5000", description="host:port of the API; loopback wants no key")
    api_outside_address: str | None = Field(None, description="second host:port; always wants a key")
    api_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="further names by which the API may be asked without a key, comma-separated"
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), description="accepted keys, comma-separated")
    api_keys_file: Path | None = Field(None, description="file with further accepted keys, one a line")
    api_processes: int = Field(
        default_factory=_usable_cores, ge=1, le=256, description="engine processes; default: the usable cores"
    )
    api_waiting: int = Field(16, ge=1, le=1000, description="photos that may wait in each process; more get 503")
    api_photo_seconds: int = Field(
        240, ge=1, description="a photo that keeps an engine longer ends that process (PHP waits 300)"
    )
    api_memory_mb: int = Field(800, ge=100, description="a process larger than this is replaced between photos")
    api_upload_mb: int = Field(
        256, ge=0, description="uploads of a process that lie in memory, all together; those beyond it go to TMPDIR"
    )
    api_idle_seconds: int = Field(
        30, ge=1, le=600, description="a client that sends nothing for so long in the middle of a request gets 408"
    )
    api_compare_megabytes: int = Field(512, ge=1, description="largest body of /compare")
    max_megapixels: float = Field(120, gt=0, description="photos with more are refused before they are decoded")
    max_megabytes: float = Field(64, gt=0, description="photo files with more are refused")
    disk_roots: Annotated[Mapping[str, Path], NoDecode] = Field(
        {}, description="name=path,…: Laravel's disks; debug pictures are only written below them"
    )
    debug_pictures: DebugPictures = Field(
        "required",
        description="where a debug picture cannot be written: required refuses the photo, best_effort does without; "
        "off draws none",
    )
    models_dir: Path | None = Field(None, description="where the model files lie; default: face_recognition_models")
    fast: Annotated[tuple[FastPart, ...], NoDecode] = Field(
        FAST_PARTS,
        description="what faster code with the same numbers may do: any of decode, resize, scan, resnet; or none",
    )
    look_turned: bool = Field(
        False, description="on: a photo without faces is looked at turned by 90, 180 and 270° as well"
    )
    state_dir: Path = Field(
        default_factory=lambda: Path.home() / ".local/state/face-sidecar",
        description="what must outlive a process: photos that crashed one, the index of people and groups",
    )

    # --- the people API -------------------------------------------------------------------------
    people_address: str = Field("127.0.0.1:5002", description="host:port of the people API; always wants a key")
    people_processes: int = Field(2, ge=1, le=64, description="processes of the people API")
    people_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="further names by which the people API may be asked for its state without a key, comma-separated",
    )
    people_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="accepted keys, comma-separated, each with read:, answer: or admin: in front"
    )
    people_keys_file: Path | None = Field(
        None, description="file with further accepted keys, one a line behind read, answer or admin and a blank"
    )
    people_jwt_shared_key: SecretStr | None = Field(
        None, description="shared key of 32 characters or more that signs accepted tokens (JWT, HS256)"
    )
    people_jwt_public_key_file: Path | None = Field(
        None,
        description="public key file (PEM) of whatever signs accepted tokens (JWT, RS256); instead of a shared key",
    )
    people_jwt_audience: str = Field("face-sidecar", min_length=1, description="what a token's aud must be")

    # --- the store and the job ------------------------------------------------------------------
    database_url: SecretStr = Field(
        SecretStr("sqlite:///faces.db"), description="SQLAlchemy URL: mysql+pymysql://… or sqlite:///…"
    )
    database_timezone: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_+:/-]+$",
        description="the app's database option timezone, like +03:00; default: none",
    )
    tables_database: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_$-]{1,64}$",
        description="another database of the app's server for our tables: migrate:fresh does not drop it; "
        "default: the app's",
    )
    redis_ca_file: Path | None = Field(
        None, description="CA certificate file (PEM) for TLS to the app's Redis; default: the system's"
    )
    api_url: str | None = Field(None, description="where the face API answers; default: api_address, or a private one")
    api_key: SecretStr | None = Field(None, description="the key that we send to the face API")
    api_timeout: float = Field(300, gt=0, description="seconds that a job waits for one photo's answer")
    threshold: float = Field(
        0.6,
        gt=0,
        le=LARGEST_THRESHOLD,
        description="a face strictly nearer than this to a master is linked to it; default: the app's, or 0.6",
    )
    match: MatchRule | None = Field(
        None,
        description="what links faces by itself: nearest, or calibrated, which needs our own tables; "
        "default: the library's rule, or nearest",
    )
    cohort: Path | None = Field(
        None,
        description="file of script/cohort with averages to tell people apart by; default: those that come with it",
    )
    debug_subdir: str = Field(
        "debug", description="folder of the debug picture, beside the original; default: the app's, or debug"
    )
    link_within_photo: bool = Field(False, description="also link faces of one photo to each other")

    # --- the queue ------------------------------------------------------------------------------
    job_class: str = Field(
        r"App\Jobs\FaceProcessJob", pattern=_PHP_CLASS, description="the app's class of a face job, with its namespace"
    )
    foreign_jobs_queue: str | None = Field(
        None, description="where jobs of other classes go; default: they fail, recorded in failed_jobs"
    )
    completion_event: Literal["A", "B", "none"] | None = Field(
        None, description="what the app's listener does with a done image: A, B or none; needed from its v4 on"
    )
    worker_tries: int = Field(3, ge=0, description="tries of a job that brings no number of its own; 0: without end")
    worker_backoff: Annotated[tuple[int, ...], NoDecode] = Field(
        (10, 60, 300), description="seconds before the second, third, … try, comma-separated; the last one stays"
    )
    worker_timeout: int = Field(360, ge=1, description="seconds for one job that brings no time of its own")
    lock: Literal["auto", "none"] = Field(
        "auto", description="auto: the image's lock in the app's cache (database, redis); none: work without it"
    )
    lock_seconds: int = Field(120, ge=3, description="the image's lock runs out after so long; renewed at a third")

    # --- the driver's options: as the app's config/queue.php has them ---------------------------
    rabbitmq_prioritize_delayed: bool = Field(False, description="prioritize_delayed: queues have priorities")
    rabbitmq_queue_max_priority: int = Field(10, ge=1, le=255, description="queue_max_priority, with the one above")
    rabbitmq_quorum: bool = Field(False, description="quorum: queues are quorum queues")
    rabbitmq_exchange: str | None = Field(None, description="exchange that jobs are published to; default: the queue")
    rabbitmq_exchange_type: str = Field(
        "direct", pattern="^(direct|fanout|topic|headers|x-[a-z-]+)$", description="exchange_type, with the one above"
    )
    rabbitmq_exchange_routing_key: str = Field(
        "%s", pattern=_ROUTING_KEY, description="exchange_routing_key; %s is the queue"
    )
    rabbitmq_reroute_failed: bool = Field(False, description="reroute_failed: failed jobs go to an exchange")
    rabbitmq_failed_exchange: str | None = Field(None, description="failed_exchange, with the one above")
    rabbitmq_failed_routing_key: str = Field(
        "%s.failed", pattern=_ROUTING_KEY, description="failed_routing_key; %s is the queue"
    )

    @property
    def queue_options(self) -> QueueOptions:
        return QueueOptions(
            prioritize_delayed=self.rabbitmq_prioritize_delayed,
            max_priority=self.rabbitmq_queue_max_priority,
            quorum=self.rabbitmq_quorum,
            exchange=self.rabbitmq_exchange or "",
            exchange_type=self.rabbitmq_exchange_type,
            routing_key=self.rabbitmq_exchange_routing_key,
            reroute_failed=self.rabbitmq_reroute_failed,
            failed_exchange=self.rabbitmq_failed_exchange or "",
            failed_routing_key=self.rabbitmq_failed_routing_key,
        )

    # --- logs -----------------------------------------------------------------------------------
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR")
    log_format: Literal["text", "json"] = Field("text", description="the worker's log: text, or json lines")

    @field_validator("api_keys", "people_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("api_hosts", "people_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        hosts = tuple(part.strip().strip("[]") for part in value.split(",") if part.strip())
        for host in hosts:
            if not re.fullmatch(_HOST_NAME, host):
                raise ValueError(f"found {host!r}, needed names of hosts without a port, like faces.example.org")
        return hosts

    @field_validator("fast", mode="before")
    @classmethod
    def _split_parts(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts = tuple(part.strip() for part in value.split(","))
        if parts == ("none",):
            return ()
        if not set(parts) <= set(FAST_PARTS):
            raise ValueError(f"found {value!r}, needed some of {', '.join(FAST_PARTS)}; or none")
        return parts

    @field_validator("worker_backoff", mode="before")
    @classmethod
    def _split_seconds(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError(f"found {value!r}, needed whole seconds like 10,60,300")
        return tuple(int(part) for part in parts)

    @field_validator("tables_database")
    @classmethod
    def _check_tables_database(cls, value: str | None) -> str | None:
        if value and value.lower() in _SERVERS_OWN:
            raise ValueError(f"found {value}, which is the server's own; needed the name of another database")
        return value

    @field_validator("debug_subdir")
    @classmethod
    def _check_subdir(cls, value: str) -> str:
        if refusal := refusal_of_subdir(value):
            raise ValueError(refusal)
        return value

    @field_validator("disk_roots", mode="before")
    @classmethod
    def _split_roots(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        roots: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in value.split(","))):
            name, equals, path = (piece.strip() for piece in part.partition("="))
            if not equals or not name or not path.startswith("/"):
                raise ValueError(f"found {part!r}, needed name=/absolute/path")
            if name in roots:
                raise ValueError(f"the disk {name!r} is there twice")
            roots[name] = path
        return roots

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the given values and the environment, nothing else."""
        return init_settings, env_settings


def load(**given: Any) -> Settings:
    """Read the settings from the environment; `given` wins over it.

    Raises:
        SettingsError: a value is wrong; the sentence names each variable.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = "; ".join(
            f"FACE_{'_'.join(str(part) for part in line['loc'][:1]).upper()}: {line['msg']}" for line in error.errors()
        )
        raise SettingsError(f"wrong settings: {wrong}") from None
