"""One request, ten stages, one function: `run.py` shows them in order."""
