"""Vector files read in RD metres; polygons made valid and overlaid."""
