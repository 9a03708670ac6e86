"""The control API: a table of routes over values, ports and the directory. It knows no HTTP server."""
