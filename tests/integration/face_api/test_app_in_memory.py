"""The application without a server: what a client's tests talk to."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import httpx2
from PIL import Image

from face_api.main import create_app
from faces.photo.open_engine import open_engine
from faces.settings import load


def test_the_application_works_without_a_server_and_without_a_lifespan(tmp_path: Path) -> None:
    app = create_app(load(state_dir=tmp_path), open_engine(load()))
    file = io.BytesIO()
    Image.new("RGB", (80, 60)).save(file, "PNG")

    async def ask() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            photo = await client.post("/encode", files={"image": ("a.png", file.getvalue())})
            figures = await client.get("/metrics")
            # The engine counts a photo just after it has answered.
            for _ in range(500):
                if "face_api_photos_total 1.0" in figures.text:
                    break
                await asyncio.sleep(0.01)
                figures = await client.get("/metrics")
            return [photo, await client.get("/readyz"), figures]

    photo, ready, figures = asyncio.run(ask())
    assert photo.status_code == 200
    assert photo.json()["encodings"] == []
    assert ready.status_code == 200
    assert "face_api_photos_total 1.0" in figures.text
    app.state.service.process.stop()
    assert app.state.service.process.join(10)
    assert app.state.service.process.reasons_not_ready() == ["this process is stopping"]


def test_a_service_that_is_not_started_says_that_it_is_not_ready(tmp_path: Path) -> None:
    app = create_app(load(state_dir=tmp_path), open_engine(load()))

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            return await client.get("/readyz")

    reply = asyncio.run(ask())
    assert reply.status_code == 503
    assert reply.json()["code"] == "not_ready"
    assert reply.json()["reasons"] == ["the engine is not started yet"]
