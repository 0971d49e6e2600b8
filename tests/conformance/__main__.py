"""Send generated requests to every unary RPC for as long as one likes: ``python -m tests.conformance --examples 1000``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.conformance.run import conform
from tests.conformance.world import world


def main() -> int:
    """Run from the command line; the status is 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="requests to each RPC, twice as many to money calls")
    parser.add_argument("--seed", type=int, default=0, help="decides which requests")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder, world(Path(folder)) as there:
        found = conform(there, arguments.examples, arguments.seed)
    print(f"{found.answers.total()} requests in {time.monotonic() - began:.0f} s, seed {arguments.seed}")
    for problem in found.problems:
        print(problem, file=sys.stderr)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
