"""Links as OGC API writes them, the media types of what they lead to, and the program's version."""

from importlib.metadata import version

VERSION = version("daklaag")  # read from a file, so once
JSON = "application/json"
GEOJSON = "application/geo+json"
SCHEMA_JSON = "application/schema+json"
PARQUET = "application/vnd.apache.parquet"
GEOPACKAGE = "application/geopackage+sqlite3"
FLATGEOBUF = "application/flatgeobuf"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
PROBLEM = "application/problem+json"
OPENAPI = "application/vnd.oai.openapi+json"
# Who asks for one of these reads the others.
KIN = (JSON, GEOJSON, SCHEMA_JSON, PROBLEM, OPENAPI, "application/openapi+json")
REL = "http://www.opengis.net/def/rel/ogc/1.0/"  # begins the names of relations of the standard


def plain(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def same(one: str, other: str) -> bool:
    """Whether who asks for one media type reads the other."""
    one, other = plain(one), plain(other)
    return one == other or (one in KIN and other in KIN)


def link(href: str, rel: str, media_type: str = JSON, title: str | None = None) -> dict[str, str]:
    """A link as OGC API writes it."""
    values = {"href": href, "rel": rel, "type": media_type}
    return values | ({"title": title} if title else {})
