"""Every ORCID_SYNC_* variable, read and checked once at the edge.

`load_settings()` reads the environment, then the secrets file; `settings_table()` is the README's table;
`connection(name)` reads a connection of Airflow's from the same two places.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from orcid_sync.connections import (
    ConnectionInfo,
    connection,
    connection_from_parts,
    environment_name,
    orcid_connection_name,
)
from orcid_sync.environment import from_secrets_file
from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret

__all__ = [
    "ConnectionInfo",
    "Settings",
    "connection",
    "connection_from_parts",
    "environment_name",
    "load_settings",
    "orcid_connection_name",
    "settings_table",
    "unknown_variables",
]

PREFIX = "ORCID_SYNC_"
WAYS_IN: Final = ("link", "oidc", "proxy", "demo")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
LEAST_SETTLE_SECONDS = 2.0
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

Words = Annotated[tuple[str, ...], NoDecode]
Dates = Annotated[tuple[dt.date, ...], NoDecode]
Percent = Annotated[float, Field(ge=0, le=100)]


class _SecretsFile(PydanticBaseSettingsSource):
    """The secrets file, as a source that ranks behind the environment."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = PREFIX + field_name.upper()
        return from_secrets_file().get(name) or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = from_secrets_file()
        named = {field: values.get(PREFIX + field.upper()) for field in self.settings_cls.model_fields}
        return {field: value for field, value in named.items() if value}


class Settings(BaseSettings):
    """The settings. A field `x_y` is the variable ORCID_SYNC_X_Y; an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    timezone: str = Field(
        default="UTC", description="Time zone of schedules and pages (a name like `Europe/Berlin`)."
    )
    every_days: int = Field(default=2, ge=1, le=366, description="Calendar days from one sync to the next.")
    extract_at: str = Field(default="02:00", description="Local time at which extraction starts (`HH:MM`).")
    write_after_hours: float = Field(
        default=6, gt=0, le=24, description="Hours after `EXTRACT_AT` at which approved changes are written."
    )
    secrets_file: Path | None = Field(
        default=None,
        description="File of KEY=VALUE lines, read for every variable that the environment does not set.",
    )
    keys: SecretStr | None = Field(
        default=None,
        description="Keys of the token vault, `id:base64key`, comma-separated; the first one encrypts.",
    )
    keys_file: Path | None = Field(
        default=None,
        description="File of the vault's keys, one `id:base64key` a line, read where `ORCID_SYNC_KEYS` is not set; "
        "without either, the password of the connection `vault_keys`.",
    )
    cris_schema: str = Field(
        default="orcid_feed", description="Schema of the contract views in the CRIS database."
    )
    overlap_minutes: int = Field(
        default=10,
        ge=0,
        description="Minutes re-read behind the watermark: at least the CRIS's longest transaction.",
    )
    unknown_dates: Dates = Field(
        default=(),
        description="Dates that mean 'unknown' in the CRIS, such as days of a bulk import (comma-separated).",
    )
    new_post_by: Annotated[tuple[Literal["title", "department"], ...], NoDecode] = Field(
        default=(),
        description="What makes a row of the same `employment_id` that starts later a new post: `title`, `department` "
        "(comma-separated); empty: the entry is corrected.",
    )
    item_uri_base: str | None = Field(
        default=None, description="Base of the stable link each affiliation carries, `BASE/section/CRIS id`."
    )
    mirror_max_age: float = Field(
        default=4, gt=0, description="Days after which a record is read again before it is written to."
    )
    detect_changes: Literal["search", "read"] = Field(
        default="search",
        description="How changed records are found: `search` asks the registry's search which changed, `read` reads each.",
    )
    search_margin_hours: float = Field(
        default=24, gt=0, description="Hours by which the registry's search index may run behind."
    )
    webhook_url: str | None = Field(
        default=None,
        description="Address under which the registry reaches the portal's `/webhooks`, where the API client is premium.",
    )
    rate: float = Field(
        default=23, gt=0, le=24, description="Calls a second to the registry, per API client."
    )
    connect_timeout: float = Field(
        default=5, gt=0, description="Seconds to wait for a connection to the registry."
    )
    call_timeout: float = Field(
        default=60, gt=0, description="Seconds to wait for the registry's next bytes."
    )
    call_deadline: float = Field(
        default=120, gt=0, description="Seconds after which a call is given up as a whole."
    )
    settle_seconds: float = Field(
        default=60,
        description="Seconds beyond the call's deadline within which a lost request may still land; at least 2.",
    )
    calls_in_flight: int = Field(
        default=96,
        ge=1,
        le=128,
        description="Calls that one worker keeps open at most; there are as many as the registry's answer times ask for.",
    )
    shards: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Tasks that writing is split into at most, with about as many calls each.",
    )
    attempts: int = Field(
        default=5, ge=1, description="Failed attempts after which a change is stopped and needs a person."
    )
    approval_timeout_hours: float | None = Field(
        default=None, gt=0, description="Hours an approval waits; default: the rhythm less two hours."
    )
    guard_removals: int = Field(
        default=20, ge=0, description="Removals of a unit in one run that are always let through."
    )
    guard_removals_percent: Percent = Field(
        default=10, description="Removals, in percent of a unit's written items, above which a run stops."
    )
    guard_updates_percent: Percent = Field(
        default=10, description="Updates, in percent of a unit's written items, above which a run stops."
    )
    guard_person_percent: Percent = Field(
        default=50,
        description="Removals, in percent of one researcher's written items, above which a run stops.",
    )
    guard_shrink: int = Field(
        default=20,
        ge=0,
        description="Rows a view may lose in a full reconciliation without being asked about.",
    )
    guard_shrink_percent: Percent = Field(
        default=10, description="Loss, in percent of a view's rows, above which a full reconciliation stops."
    )
    data_docs_dir: Path = Field(
        default=Path(".local/data_docs"),
        description="Folder into which each run's data quality pages are written.",
    )
    keep_days: int = Field(
        default=400,
        ge=30,
        description="Days after which corrected quarantine rows, ended alerts and old data quality pages are deleted.",
    )
    console_url: str | None = Field(
        default=None, description="Address of Airflow as librarians open it, for links in messages."
    )
    cris_item_url: str | None = Field(
        default=None,
        description="Address of an entry in the CRIS with `{cris_id}` and, where needed, `{section}` in it, "
        "for the link that leads to where it is corrected.",
    )
    mail_from: str | None = Field(
        default=None,
        description="Sender of e-mails about batches and of alerts; none are sent without it and the connection "
        "`smtp_default`.",
    )
    alert_mail_to: Words = Field(
        default=(),
        description="Addresses that get every alert beside the units' technical contacts, and alone while the ledger "
        "does not answer (comma-separated).",
    )
    alert_webhook_url: SecretStr | None = Field(
        default=None,
        description="Address to which each alert is posted as JSON, with `text` for chat programs.",
    )
    alert_batch_days: int = Field(
        default=7, ge=1, description="Days that a change may wait for a decision before an alert tells of it."
    )
    contact: str | None = Field(
        default=None, description="E-mail address or URL named to the registry in each call's User-Agent."
    )
    invitation_domains: Words = Field(
        default=(),
        description="Domains of the addresses that invitations may go to, comma-separated; without one, none go by e-mail.",
    )
    invitation_days: int = Field(
        default=30, ge=1, le=365, description="Days for which the link of an invitation works."
    )
    invitation_templates: Path | None = Field(
        default=None,
        description="Folder of your own templates, `LANGUAGE/invitation.txt` and `reminder.txt`, the subject first.",
    )
    permission_checks: int = Field(
        default=50,
        ge=0,
        description="Permissions that are proved at the registry in an hour, those first that were not seen for longest.",
    )
    refresh_before_days: int = Field(
        default=30, ge=0, description="Days before a token expires at which it is renewed; 0: never."
    )
    delete_only_days: int = Field(
        default=90,
        ge=0,
        description="Days a permission revoked by its researcher is kept to remove what we wrote.",
    )
    portal_url: str = Field(
        default="http://127.0.0.1:8070",
        description="Address of the researchers' portal as they open it; `ADDRESS/orcid/callback` is registered at ORCID.",
    )
    portal_institution: str = Field(
        default="Your university", description="Name that the portal and its e-mails give the institution."
    )
    portal_contact: str | None = Field(
        default=None, description="E-mail address to which the portal sends researchers who have questions."
    )
    portal_sign_in: Words = Field(
        default=("link",),
        description="Ways into the portal, comma-separated: `link` (a link that was sent, and the name), `oidc` (connection "
        "`portal_oidc`), `proxy` (a trusted proxy's header), `demo` (a list of names, with the simulator only). "
        "Without `link`, links work after a sign-in alone.",
    )
    portal_claim: str = Field(
        default="sub", description="Claim of the OpenID Connect sign-in that says who somebody is."
    )
    portal_match: Literal["person_id", "email"] = Field(
        default="person_id",
        description="What the sign-in's claim or header holds: the CRIS's `person_id`, or `email`.",
    )
    portal_proxy_header: str = Field(
        default="X-Remote-User", description="Header in which a trusted proxy says who is signed in."
    )
    portal_proxies: Words = Field(
        default=(), description="Addresses of the proxies in front of the portal whose headers are believed."
    )
    portal_scopes: Words = Field(
        default=("/read-limited", "/activities/update"),
        description="Scopes that researchers are asked for, comma-separated.",
    )
    portal_veto_days: float = Field(
        default=2,
        ge=0,
        description="Days from a researcher's first connection to the first write, in which they can object.",
    )
    portal_erasure: bool = Field(
        default=True, description="Whether disconnected researchers may erase what is stored about them."
    )
    postgres_dsn: SecretStr | None = Field(
        default=None,
        description="PostgreSQL server for `make demo` and `make up`; default: an embedded one.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SecretsFile(settings_cls)

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            msg = "it is no time zone; use a name like Europe/Berlin"
            raise ValueError(msg) from None
        return value

    @field_validator("settle_seconds")
    @classmethod
    def _is_sound(cls, value: float) -> float:
        if value < LEAST_SETTLE_SECONDS:
            msg = f"it is less than {LEAST_SETTLE_SECONDS:g} seconds, so that a call could land after it was looked for"
            raise ValueError(msg)
        return value

    @field_validator("extract_at")
    @classmethod
    def _is_a_clock_time(cls, value: str) -> str:
        if not _CLOCK_TIME.fullmatch(value):
            msg = "it is no time of day; write it like 02:00"
            raise ValueError(msg)
        return value

    @field_validator("cris_schema")
    @classmethod
    def _is_a_plain_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            msg = "it is no plain name of a schema (letters, digits, underscores)"
            raise ValueError(msg)
        return value

    @field_validator("item_uri_base", "console_url", "webhook_url", "portal_url")
    @classmethod
    def _is_a_web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.match(r"https?://[^/\s]+", value) or re.search(r"[\s?#]", value):
            msg = "it is no web address; write it like https://cris.example.edu/items"
            raise ValueError(msg)
        return value.rstrip("/")

    @field_validator("alert_webhook_url")
    @classmethod
    def _can_be_posted_to(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"https?://[^/\s]+\S*", value.get_secret_value()):
            msg = "it is no web address; write it like https://chat.example.edu/hooks/..."
            raise ValueError(msg)
        return value

    @field_validator("cris_item_url")
    @classmethod
    def _is_an_address_with_a_place_for_the_key(cls, value: str | None) -> str | None:
        if value is not None and not (re.match(r"https?://[^/\s]+/", value) and "{cris_id}" in value):
            msg = "it is no web address with {cris_id} in it; write it like https://cris.example.edu/{section}/{cris_id}"
            raise ValueError(msg)
        return value

    @field_validator("portal_sign_in")
    @classmethod
    def _are_ways_in(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        strange = [way for way in value if way not in WAYS_IN]
        if strange or not value:
            msg = f"it names {', '.join(strange) or 'none'}; known are {', '.join(WAYS_IN)}"
            raise ValueError(msg)
        return value

    @field_validator(
        "invitation_domains",
        "unknown_dates",
        "new_post_by",
        "portal_sign_in",
        "portal_proxies",
        "portal_scopes",
        "alert_mail_to",
        mode="before",
    )
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return tuple(filter(None, re.split(r"[\s,]+", value))) if isinstance(value, str) else value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def extract_time(self) -> dt.time:
        return dt.time.fromisoformat(self.extract_at)

    @property
    def approval_timeout(self) -> dt.timedelta:
        """How long an approval waits: just under the rhythm, so that the next batch finds the field free."""
        hours = self.approval_timeout_hours
        return dt.timedelta(hours=max(1.0, self.every_days * 24 - 2) if hours is None else hours)

    @property
    def refresh_before(self) -> dt.timedelta:
        """How long before its expiry a token is renewed."""
        return dt.timedelta(days=self.refresh_before_days)

    @property
    def alert_webhook(self) -> Secret | None:
        return None if self.alert_webhook_url is None else Secret(self.alert_webhook_url.get_secret_value())

    @property
    def send_within(self) -> float:
        """Seconds after its intents were committed within which a writing call has to leave: half of what its deadline
        leaves, the other half is for the way. Never less than one, which is why `settle_seconds` is at least two: with
        less, a call could land after it was looked for. Tests without a network between take that upon themselves
        (`Settings().model_copy(update={"settle_seconds": 0})`).
        """
        return max(1.0, self.settle_seconds / 2)

    @property
    def vault_keys(self) -> Secret | None:
        return None if self.keys is None else Secret(self.keys.get_secret_value())


def load_settings() -> Settings:
    """The settings of this process. Raises SettingInvalid naming each wrong variable, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            (PREFIX + str(e["loc"][0]).upper(), e["msg"].removeprefix("Value error, "))
            for e in error.errors()
        ]
    raise SettingInvalid(
        f"Setting {', '.join(name for name, _ in wrong)}",
        why="; ".join(f"{name}: {why}" for name, why in wrong),
        remedy="Correct it in the environment or in the secrets file",
        variable=wrong[0][0],
    )


def unknown_variables(environ: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """ORCID_SYNC_* variables that nothing reads, each with the likeliest name that was meant."""
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    given = set(os.environ if environ is None else environ) | set(from_secrets_file(environ))
    strays = sorted(name for name in given if name.startswith(PREFIX) and name not in known)
    return {name: _likeliest(name, known) for name in strays}


def _likeliest(name: str, known: list[str]) -> str | None:
    close = difflib.get_close_matches(
        name.removeprefix(PREFIX), [other.removeprefix(PREFIX) for other in known], n=1
    )
    return PREFIX + close[0] if close else None


def settings_table() -> str:
    """All variables as a Markdown table: name, default, meaning."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, info in Settings.model_fields.items():
        lines.append(f"| `{PREFIX}{name.upper()}` | {_default(info)} | {info.description} |")
    return "\n".join(lines) + "\n"


def _default(info: FieldInfo) -> str:
    if info.default in (None, (), PydanticUndefined):
        return ""
    if isinstance(info.default, tuple):
        shown = ",".join(info.default)
    else:
        shown = f"{info.default:g}" if isinstance(info.default, float) else str(info.default)
    return f"`{shown}`"
