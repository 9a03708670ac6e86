"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# Where nobody is there to look at a new counterexample, the examples are the same in every run.
settings.register_profile("same", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same")
