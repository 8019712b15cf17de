"""The FastAPI app: JSON by panel, and the built page. It only reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response, status
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from echotune.dashboard import access
from echotune.dashboard.answers import Answer
from echotune.dashboard.cache import AnswerCache
from echotune.dashboard.databases import Databases
from echotune.dashboard.panel_answers import BACKFILL, ENRICHMENT, MAINTENANCE, SYNC, Panels, find
from echotune.dashboard.runs import written_run

STATIC = Path(__file__).parent / "static"
NOT_BUILT = "The page is not built: run make bootstrap (local/build-page), or build the image with the Dockerfile.\n"
MOST_ROWS = 100
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
DAG_OF_PANEL = {
    "listening": BACKFILL,
    "top": BACKFILL,
    "features": ENRICHMENT,
    "enrichment": ENRICHMENT,
    "sync": SYNC,
    "maintenance": MAINTENANCE,
}
"""Who may read the DAG that writes it may see a panel."""
FIRST_PANELS = ("flow", "listening")
PanelName = Literal["listening", "top", "features", "enrichment", "sync", "maintenance"]


def create_application(static: Path = STATIC) -> FastAPI:
    """Make the app that the plugin mounts below Airflow's address."""
    app = FastAPI(title="EchoTune", docs_url=None, redoc_url=None, openapi_url=None)
    cache, panels = AnswerCache(), Panels(Databases())
    _send_headers(app)
    _answer_page(app, cache, panels, static)
    _answer_panels(app, cache, panels)
    _answer_runs(app)
    app.mount("/assets", StaticFiles(directory=static / "assets", check_dir=False), name="assets")
    return app


def _send_headers(app: FastAPI) -> None:
    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(HEADERS)
        if "/assets/" not in request.url.path:
            response.headers["Cache-Control"] = "no-store"
        return response


def _answer_page(app: FastAPI, cache: AnswerCache, panels: Panels, static: Path) -> None:
    @app.get("/")
    async def page(request: Request, bearer: access.Bearer) -> Response:
        try:
            await access.get_user(request, None, bearer)
        except HTTPException:
            return RedirectResponse(access.login_address(request))
        if not (static / "index.html").is_file():
            return PlainTextResponse(NOT_BUILT, status.HTTP_503_SERVICE_UNAVAILABLE)
        # While the browser reads the page, the databases count what it shows first; more of them would take turns.
        for panel in FIRST_PANELS:
            cache.begin(panel, partial(find, getattr(panels, panel)))
        return FileResponse(static / "index.html")


def _answer_panels(app: FastAPI, cache: AnswerCache, panels: Panels) -> None:
    @app.get("/api/flow")
    def flow(user: access.SignedInUser) -> JSONResponse:
        answer = cache.get("flow", partial(find, panels.flow))
        document = answer.as_document("flow")
        if answer.data:
            steps = [step for step in answer.data["steps"] if access.may_read(user, step["dag_id"])]
            document["data"] = {"steps": steps}
        return JSONResponse(document)

    @app.get("/api/rejected")
    def rejected(
        user: access.SignedInUser,
        system: Literal["mongodb", "supabase"] = "mongodb",
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 25,
    ) -> JSONResponse:
        access.require_dag(user, BACKFILL if system == "mongodb" else SYNC)
        key = ("rejected", system, offset, limit)
        return _json("rejected", cache.get(key, lambda: find(lambda: panels.rejected(system, offset, limit))))

    @app.get("/api/{panel}")
    def numbers(user: access.SignedInUser, panel: PanelName) -> JSONResponse:
        access.require_dag(user, DAG_OF_PANEL[panel])
        return _json(panel, cache.get(panel, partial(find, getattr(panels, panel))))


def _answer_runs(app: FastAPI) -> None:
    @app.get("/api/runs/{dag_id}/{run_id:path}")
    def run(user: access.SignedInUser, dag_id: str, run_id: str) -> JSONResponse:
        access.require_summary(user, dag_id)
        found = written_run(dag_id, run_id)
        if found is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such run.")
        return _json("runs", find(lambda: found))


def _json(panel: str, answer: Answer) -> JSONResponse:
    return JSONResponse(answer.as_document(panel))
