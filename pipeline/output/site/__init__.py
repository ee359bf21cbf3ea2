"""The files of a finished run for a map without a server: tiles, totals and places."""
