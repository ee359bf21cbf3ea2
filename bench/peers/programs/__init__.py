"""One program a peer, named after it: run with -m, in the peers' environment."""
