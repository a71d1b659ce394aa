"""The command line of script/openapi."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.openapi.run import API, findings
from tests.servers.running_api import RunningApi, free_port

KEY = "a-key-of-length-24------"


def main() -> int:
    """Run it with and without a key, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/openapi", description=__doc__)
    parser.add_argument("--cases", type=int, default=300, metavar="N", help="of each operation (default: 300)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), metavar="N")
    told = parser.parse_args()
    port, status = free_port(), 0
    with tempfile.TemporaryDirectory() as home:
        keys = {"FACE_API_OUTSIDE_ADDRESS": f"127.0.0.1:{port}", "FACE_API_KEYS": KEY}
        api = RunningApi(Path(home), API | keys)
        try:
            api.wait_until_ready()
            for url, key in ((api.url, None), (f"http://127.0.0.1:{port}", KEY)):
                print(f"{told.cases} cases {'with' if key else 'without'} a key, seed {told.seed}", flush=True)  # noqa: T201
                if found := findings(url, key, told.cases, told.seed):
                    print(found, flush=True)  # noqa: T201  the answer
                    status = 1
        finally:
            api.stop()
    print("findings: see above" if status else "no findings")  # noqa: T201  the answer
    return status


if __name__ == "__main__":
    sys.exit(main())
