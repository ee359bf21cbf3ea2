"""Jobs: a table of what is asked for, and the processes that work it off."""
