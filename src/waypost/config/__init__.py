"""Configuration: schema → load → resolve → one immutable Snapshot, swapped whole."""
