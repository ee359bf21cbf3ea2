"""The method of the study Powermapping Amsterdam."""
