"""Marks that citizens make on the map, and their moderation."""
