"""The page of the map: its files, its configuration, and the same as a static site."""
