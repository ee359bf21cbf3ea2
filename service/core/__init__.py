"""What command line and service share: settings, keys, the database, collections."""
