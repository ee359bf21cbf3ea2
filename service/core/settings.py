"""Settings of the service, from options, the environment and a file."""

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipeline.errors import InputError
from pipeline.messages import Text

PREFIX = "DAKLAAG_SERVE_"
PATHS = ("data", "dsm", "dtm", "buildings", "boundaries", "addresses")  # of them several
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def state_dir() -> Path:
    """Default folder of jobs, keys, marks and results."""
    return Path.home() / ".local" / "share" / "daklaag"


def _several(value: Any) -> Any:
    """Texts of the environment: JSON, or parted by commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return tuple(part.strip() for part in value.split(",") if part.strip())


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_several)]


class Settings(BaseSettings):
    """The settings of the service; an option goes before the environment, that before the file."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", ser_json_inf_nan="constants"
    )

    data: Texts = Field(
        (), description="finished runs that are shown, and folders of sheets and footprints"
    )
    host: str = Field("127.0.0.1", description="address to listen at; beyond loopback needs keys")
    port: int = Field(8000, ge=0, le=65535, description="port; 0 takes a free one")
    state: Path = Field(
        default_factory=state_dir,
        description="folder of jobs, keys, marks and results; default: `~/.local/share/daklaag`",
    )
    scheduler: str = Field(
        "threads",
        description="`threads`, `processes`, `auto` (of these), or the address of dask",
    )
    workers: int | None = Field(None, ge=1, description="workers a job; default: one a core")
    jobs_at_once: int = Field(1, ge=1, le=64, description="jobs computed at once")
    dsm: Texts = Field((), description="sheets of the surface, beside those in `data`")
    dtm: Texts = Field((), description="sheets of the terrain, likewise")
    buildings: Texts = Field((), description="footprints, likewise")
    attribution: str | None = Field(
        None, description="source line of what jobs compute, if the inputs are not AHN and BAG"
    )
    boundaries: Texts = Field((), description="regions by code and name, likewise")
    addresses: Texts = Field(
        (), description="addresses to find a building by, likewise: BAG's GeoPackage, or a CSV"
    )
    nodata: float | None = Field(
        None, description="what stands for no data in sheets that declare nothing"
    )
    allow: Annotated[
        tuple[Literal["gaps", "heights", "versions"], ...], NoDecode, BeforeValidator(_several)
    ] = Field(
        (),
        description="`gaps`, `heights`, `versions`: accept missing sheets, a DSM below the DTM, or"
        " mixed AHN versions",
    )
    layer: str | None = Field(None, description="layer of the footprints' files")
    id: str | None = Field(None, description="column of their ids")
    group: str | None = Field(None, description="column that parts of a building share")
    open: bool = Field(
        True, description="on loopback, whoever asks may do everything without a key"
    )
    public_url: str | None = Field(
        None, description="the address by which clients know the service, behind a proxy"
    )
    hosts: Texts = Field(
        (), description="names by which it may be asked, beside loopback and `public_url`"
    )
    proxies: Texts = Field(
        (), description="addresses of proxies whose X-Forwarded-For and -Proto are believed"
    )
    origins: Texts = Field(
        (),
        description="web origins whose pages may ask it (CORS), as visitors or by key; `*`: all",
    )
    callback_hosts: Texts = Field(
        (), description="hosts that may be told of a job's end; none: no callbacks"
    )
    basemap_url: str | None = Field(
        None, description="tiles below the map, with {z}, {x}, {y}; none: no outside request"
    )
    basemap: str | None = Field(
        None, description="a PMTiles file of vector tiles below the map, instead: streets and names"
    )
    basemap_attribution: str = Field("", description="the source line of that base map")
    jobs_a_client: int = Field(4, ge=1, description="jobs that wait or run, a key")
    jobs_a_visitor: int = Field(1, ge=1, description="the same for a visitor without a key")
    area_km2: float = Field(50_000.0, gt=0, description="largest area of a job, a key [km2]")
    visitor_area_km2: float = Field(16.0, gt=0, description="the same for a visitor [km2]")
    storage_gb: float = Field(50.0, gt=0, description="results kept, a key [GB]")
    visitor_storage_gb: float = Field(1.0, gt=0, description="the same for a visitor [GB]")
    visitors_storage_gb: float = Field(
        20.0, gt=0, description="the same for all visitors together [GB]"
    )
    body_mb: float = Field(10.0, gt=0, le=1000, description="largest request, a key [MB]")
    visitor_body_mb: float = Field(1.0, gt=0, le=1000, description="the same for a visitor [MB]")
    result_days: float = Field(30.0, gt=0, description="how long a key's results are kept [days]")
    visitor_result_days: float = Field(2.0, gt=0, description="the same for a visitor [days]")
    requests_a_minute: int = Field(
        1200,
        ge=1,
        description="requests that a visitor's address may make a minute; a tile counts a tenth",
    )
    visitor_makes_an_hour: int = Field(
        60, ge=1, description="jobs and marks that visitors of one address may make an hour"
    )
    room_gb: float = Field(
        1.0,
        ge=0,
        description="room on the disk of `state` below which no job is taken and `/ready` says 503"
        " [GB]",
    )
    log_requests: bool = Field(True, description="a line in the log for each request")
    marks: bool = Field(True, description="whether citizens may mark roofs")
    marks_a_day: int = Field(20, ge=1, description="marks a visitor may make a day")
    marks_days: float = Field(730.0, gt=0, description="how long a published mark is kept [days]")
    marks_pending_days: float = Field(
        90.0, gt=0, description="how long one that nobody has looked at is kept [days]"
    )

    @property
    def work(self) -> Path:
        """The folder below `state` of what is written for a job and is no result: its inputs as
        files, and its work."""
        return self.state / "work"

    @field_validator("basemap_url")
    @classmethod
    def _is_tiles(cls, value: str | None) -> str | None:
        if value and not value.startswith(("https://", "http://", "/")):
            raise ValueError("give an address that begins with https://")
        # It becomes part of a header that says what the page may load.
        if value and (set(urlsplit(value).netloc) & set(" ;,'\"*") or not value.isprintable()):
            raise ValueError("its host is none")
        return value or None

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        whole = parts.scheme in ("http", "https") and parts.hostname
        if value and (not whole or parts.query or parts.fragment or "@" in parts.netloc):
            raise ValueError("give an address such as https://roofs.example.nl/")
        return value or None

    @field_validator("state", *PATHS, mode="before")
    @classmethod
    def _has_names(cls, value: Any) -> Any:
        if value == "" or (isinstance(value, tuple | list) and "" in value):
            raise ValueError("'' is no path; name a file or a folder")
        return value

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin.rstrip("/"))
            if origin != "*" and (not parts.netloc or parts.path or parts.query):
                raise ValueError(f"{origin}: give an origin such as https://example.nl")
        return value

    @classmethod
    def settings_customise_sources(  # type: ignore[override]
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
        """Whether nobody but this machine can connect."""
        return self.host in LOOPBACK

    @property
    def exposed(self) -> bool:
        """Whether others can ask, be it by a proxy: then there must be keys."""
        public = urlsplit(self.public_url or "").hostname
        return not self.on_loopback or (public is not None and public not in LOOPBACK)

    @property
    def is_open(self) -> bool:
        """Whether no key is needed for anything."""
        return self.open and not self.exposed


def read_settings(file: Path | None, **options: Any) -> Settings:
    """The settings; options that are None or empty say nothing.

    Raises InputError for a file that cannot be read or a value that is not accepted.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    _check_file(file)
    _check_environment()

    class Read(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return Read(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        where = _where(name, given, file)
        unknown = first["type"] == "extra_forbidden"
        text = "no such setting" if unknown else first["msg"].removeprefix("Value error, ")
        raise InputError(where, "{said}", "docs/service.md lists the settings", said=text) from None


def _check_file(file: Path | None) -> None:
    if file is None:
        return
    try:
        tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InputError(
            Text("--config {file}", file=file), "{error}", "check the path", error=error.strerror
        ) from None
    except ValueError as error:
        raise InputError(
            Text("--config {file}", file=file),
            "not TOML: {error}",
            "docs/service.md shows one",
            error=error,
        ) from None


def _check_environment() -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise InputError(name, "no such setting", "docs/service.md lists the settings")


def _where(name: str, given: dict[str, Any], file: Path | None) -> str:
    """The option or variable that gave a setting, else the file."""
    if name in given:
        return f"--{name.replace('_', '-')}"
    variable = f"{PREFIX}{name.upper()}"
    spelled = next((each for each in os.environ if each.upper() == variable), None)
    return spelled or Text("--config {file}: {name}", file=file, name=name)


def kind_of(name: str) -> str:
    """Kind of a setting: `yes or no`, `several`, else the placeholder of its value."""
    kind = Settings.model_fields[name].annotation
    if kind is bool:
        return "yes or no"
    if "tuple" in str(kind):
        return "several"
    if kind in (int, float):
        return "n"
    if kind is Path:
        return "dir"
    return "text" if "str" in str(kind) else "n"


def table() -> str:
    """All settings as a table of Markdown, for docs/service.md."""
    rows = [
        f"| `{name}` | {_default(name)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | what it says |", "|---|---|---|", *rows]) + "\n"


def _default(name: str) -> str:
    field = Settings.model_fields[name]
    if field.default_factory is not None or field.default in (None, (), ""):
        return ""
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    return f"{field.default:,g}" if isinstance(field.default, float) else str(field.default)
