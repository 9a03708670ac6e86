"""`python -m waypost.simulator`: a simulator as a process. Prints one line of JSON when it listens."""

from __future__ import annotations

import argparse
import sys

import msgspec

from waypost.simulator.run import Simulator, SimulatorSettings, run


def main() -> None:
    """Read the options and serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m waypost.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--key", default=None, help="want this API key")
    parser.add_argument("--secret", default=None, help="check signatures against this secret access key")
    options = parser.parse_args()
    run(
        SimulatorSettings(options.host, options.port, options.seed, options.key, options.secret),
        ready=_announce,
    )


def _announce(simulator: Simulator) -> None:
    line = msgspec.json.encode({"url": simulator.url, "root": simulator.root, "port": simulator.port})
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
