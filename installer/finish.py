"""The five lines at the end: what runs, and what a person does next."""

from __future__ import annotations

from installer.face_env import FaceEnv
from installer.sentence import Sentence, say
from installer.situation import Situation


def next_steps(situation: Situation, settings: FaceEnv, seconds: float) -> list[Sentence]:
    """Five lines."""
    address = settings.address
    workers = situation.options.choices.workers or 0
    logs = f"{situation.places.logs}/" if situation.supervisor else "journalctl -u face-api -u 'face-worker@*' -f"
    return [
        say("The face API answers at http://{address} ({seconds:.0f} s)", address=address, seconds=seconds),
        say("1. Try it: curl -F image=@photo.jpg http://{address}/encode", address=address),
        say("2. In the app's .env: FACE_API_URL=http://{address}", address=address),
        say(
            "3. {workers} workers run; others: sudo ./install.sh --with-worker N; see them: sudo face-sidecar status",
            workers=workers,
        )
        if workers
        else say("3. PHP's workers go on; in their place: sudo ./install.sh --with-worker 2"),
        say("4. Settings: {file}; logs: {logs}", file=situation.places.env_file, logs=logs),
    ]
