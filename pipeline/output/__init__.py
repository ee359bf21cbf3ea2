"""A run for other programs and for people: exports, map, tiles and a static site."""
