"""Measurements of the gateway against what its machine can do at best; see README.md for the method."""
