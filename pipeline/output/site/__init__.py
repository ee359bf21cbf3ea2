"""What a map without a server needs of a finished run: tiles, totals and places as files."""
