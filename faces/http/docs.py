"""/docs: Swagger UI, served from our own machine, which may have no internet."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

#: The package whose files are served. It is found, not imported: none of its code is used.
_PACKAGE = "fastapi_offline"

_FILES = "/docs/files"


def serve(app: FastAPI) -> None:
    """Add /docs and its files."""
    app.mount(_FILES, StaticFiles(directory=_directory()), name="docs")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        version = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{version}/openapi.json",
            title=app.title,
            swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{_FILES}/swagger-ui.css",
            swagger_favicon_url=f"{_FILES}/favicon.png",
        )


def _directory() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"the package {_PACKAGE} (requirements.txt) is not installed")
    return Path(spec.submodule_search_locations[0]) / "static"
