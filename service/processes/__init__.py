"""Processes: descriptions, inputs that are checked, and execution by the pipeline."""
