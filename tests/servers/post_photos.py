"""post_photos.py PHOTO SECONDS [FILE]: posts a photo again and again from six sides, on new connections as PHP does.

Until so many seconds are over, or the file is there. Prints how many answers of which status came, and the longest wait
in seconds.
"""

from __future__ import annotations

import collections
import http.client
import sys
import threading
import time
from pathlib import Path

_HEADERS = {"Content-Type": "multipart/form-data; boundary=b"}
_HEAD = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'


def main(photo: Path, seconds: float, until: Path) -> None:
    body = _HEAD + photo.read_bytes() + b"\r\n--b--\r\n"
    end, answers, waits = time.monotonic() + seconds, collections.Counter[str](), [0.0]

    def post() -> None:
        while time.monotonic() < end and not until.exists():
            began = time.monotonic()
            answers[_answer(body)] += 1
            waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(dict(answers), f"{max(waits):.1f}")  # noqa: T201  the answer


def _answer(body: bytes) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", 5000, timeout=100)
    try:
        connection.request("POST", "/encode", body, _HEADERS)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), Path(*sys.argv[3:] or ["/nothing"]))
