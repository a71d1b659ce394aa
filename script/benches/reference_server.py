"""The server that people run today, in shape: one handler at a time in each process, on its event loop.

gunicorn -k asgi script.benches.reference_server:app
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, File, UploadFile

from tests.oracle.reference import face_recognition, reference

face_recognition()
app = FastAPI()


@app.post("/encode")
async def encode(image: Annotated[UploadFile, File()]) -> dict[str, Any]:
    """Find and encode; nothing else of this process answers meanwhile."""
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(await image.read())
        file.flush()
        found = reference(Path(file.name))
    return {"encodings": [encoding.tolist() for encoding in found.encodings]}


@app.get("/health")
async def health() -> dict[str, str]:
    """As it answers when nothing computes."""
    return {"status": "ok"}
