"""Shared by command line and service: settings, keys, the database, collections."""
