"""The interfaces: command line, HTTP interface, jobs, and the page of the map."""
