"""How the service is set up: by options, by the environment, by a file; each setting said once."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipeline.errors import InputError

PREFIX = "DAKLAAG_SERVE_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def state_dir() -> Path:
    """Where jobs, keys, marks and results are kept if nothing else is said."""
    return Path.home() / ".local" / "share" / "daklaag"


class Settings(BaseSettings):
    """The settings of the service; an option goes before the environment, that before the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid")

    data: tuple[str, ...] = Field(
        (), description="finished runs that are shown, and folders of sheets and footprints"
    )
    host: str = Field("127.0.0.1", description="address to listen at; beyond loopback needs keys")
    port: int = Field(8000, ge=0, le=65535, description="port; 0 takes a free one")
    state: Path = Field(
        default_factory=state_dir, description="folder of jobs, keys, marks and results"
    )
    scheduler: str = Field("threads", description="`threads`, or the address of a dask scheduler")
    workers: int | None = Field(None, ge=1, description="threads a job; default: one a core")
    jobs_at_once: int = Field(1, ge=1, le=64, description="jobs computed at once")
    dsm: tuple[str, ...] = Field((), description="sheets of the surface, beside those in `data`")
    dtm: tuple[str, ...] = Field((), description="sheets of the terrain, likewise")
    buildings: tuple[str, ...] = Field((), description="footprints, likewise")
    boundaries: tuple[str, ...] = Field((), description="regions by code and name, likewise")
    open: bool = Field(
        True, description="on loopback, whoever asks may do everything without a key"
    )
    public_url: str | None = Field(
        None, description="the address by which clients know the service, behind a proxy"
    )
    hosts: tuple[str, ...] = Field(
        (), description="names by which it may be asked, beside loopback and `public_url`"
    )
    origins: tuple[str, ...] = Field(
        (), description="web origins whose pages may ask it (CORS); `*`: all, for what is public"
    )
    callback_hosts: tuple[str, ...] = Field(
        (), description="hosts that may be told of a job's end; none: no callbacks"
    )
    basemap_url: str | None = Field(
        None, description="tiles below the map, with {z}, {x}, {y}; none: no outside request"
    )
    basemap_attribution: str = Field("", description="the source line of that base map")
    jobs_a_client: int = Field(4, ge=1, description="jobs that wait or run, a key")
    jobs_a_visitor: int = Field(1, ge=1, description="the same for a visitor without a key")
    area_km2: float = Field(50_000.0, gt=0, description="largest area of a job, a key [km2]")
    visitor_area_km2: float = Field(16.0, gt=0, description="the same for a visitor [km2]")
    storage_gb: float = Field(50.0, gt=0, description="results kept, a key [GB]")
    visitor_storage_gb: float = Field(1.0, gt=0, description="the same for a visitor [GB]")
    body_mb: float = Field(10.0, gt=0, description="largest request [MB]")
    result_days: float = Field(30.0, gt=0, description="how long a key's results are kept [days]")
    visitor_result_days: float = Field(2.0, gt=0, description="the same for a visitor [days]")
    requests_a_minute: int = Field(
        1200, ge=1, description="requests that a visitor's address may make a minute, tiles aside"
    )
    marks: bool = Field(True, description="whether citizens may mark roofs")
    marks_a_day: int = Field(20, ge=1, description="marks a visitor may make a day")
    marks_days: float = Field(730.0, gt=0, description="how long a published mark is kept [days]")
    marks_pending_days: float = Field(
        90.0, gt=0, description="how long one that nobody has looked at is kept [days]"
    )

    @field_validator("basemap_url")
    @classmethod
    def _is_web(cls, value: str | None) -> str | None:
        if value and not value.startswith(("https://", "http://", "/")):
            raise ValueError("give an address that begins with https://")
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options, the environment, the file."""
        return (
            sources["init_settings"],
            sources["env_settings"],
            TomlConfigSettingsSource(settings_cls),
        )

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this machine can ask."""
        return self.host in LOOPBACK

    @property
    def is_open(self) -> bool:
        """Whether no key is needed for anything."""
        return self.open and self.on_loopback


def read_settings(file: Path | None, **options: Any) -> Settings:
    """The settings; options that are None or empty say nothing.

    Raises InputError for a file that cannot be read or a value that is not accepted.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if file is not None and not file.is_file():
        raise InputError(f"--config {file}: no such file; check the path")

    class Read(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return Read(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"setting {name}: {first['msg']}; docs/service.md lists them") from None
    except ValueError as error:  # TOML that is none
        raise InputError(f"--config {file}: {error}; give TOML") from None
