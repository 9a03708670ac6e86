"""A provider that does not exist: real HTTP, exact token counts, faults on purpose, and a bill for everything."""
