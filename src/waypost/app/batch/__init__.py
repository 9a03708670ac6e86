"""Batches: taken, validated, worked off, handed over."""
