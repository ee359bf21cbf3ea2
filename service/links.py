"""Links as OGC API writes them, and the media types of what they lead to."""

JSON = "application/json"
GEOJSON = "application/geo+json"
SCHEMA_JSON = "application/schema+json"
PARQUET = "application/vnd.apache.parquet"
GEOPACKAGE = "application/geopackage+sqlite3"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"  # begins the names of relations of the standard


def link(href: str, rel: str, media_type: str = JSON, title: str | None = None) -> dict[str, str]:
    """A link as OGC API writes it."""
    said = {"href": href, "rel": rel, "type": media_type}
    return said | ({"title": title} if title else {})
