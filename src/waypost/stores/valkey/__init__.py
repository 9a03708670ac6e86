"""What nodes tell each other over a Valkey or Redis server: the health of targets."""
