"""The FastAPI application: paths to calls, and the control API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException
from fastapi.encoders import jsonable_encoder
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulator import authorization
from local.simulator.listeners import Listeners, Play, Playlist
from local.simulator.rules import Rule, Rules
from local.simulator.sending import response
from local.simulator.services import ACCOUNTS, LISTENERS_PATHS, RECCOBEATS, SPOTIFY, Call
from local.simulator.settings import Settings
from local.simulator.simulator import Simulator


def make_app(simulator: Simulator) -> FastAPI:
    """The application of one simulator."""

    async def spotify(request: Request) -> Response:
        return response(await simulator.answer(spotify_call(request)), request)

    async def reccobeats(request: Request) -> Response:
        call = Call(service=RECCOBEATS, endpoint="reccobeats", ids=_ids(request))
        return response(await simulator.answer(call), request)

    async def token(request: Request) -> Response:
        form = await request.body()
        call = Call(service=ACCOUNTS, endpoint="token", authorization=request.headers.get("authorization", ""))
        return response(await simulator.answer(call, form), request)

    async def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        return response(
            authorization.authorize(asked, simulator.settings, simulator.credentials, simulator.listeners), request
        )

    # Plain routes: what Spotify answers are bytes already. Every path below /v1 goes to one of them, so that a slash
    # at the end is never answered with a redirect.
    routes = [
        Route("/authorize", authorize, methods=["GET"]),
        Route("/api/token", token, methods=["POST"]),
        Route("/v1/{path:path}", spotify, methods=["GET"]),
        Route("/reccobeats/v1/audio-features", reccobeats, methods=["GET"]),
        Route("/reccobeats/v1/audio-features/", reccobeats, methods=["GET"]),
    ]
    app = FastAPI(title="Spotify, simulated", routes=list(routes))
    add_control(app, simulator)
    add_control_of_listeners(app, simulator)
    return app


def spotify_call(request: Request) -> Call:
    """What a request below /v1 asks for."""
    path = request.path_params["path"].strip("/")
    if path in LISTENERS_PATHS:
        return Call(
            service=SPOTIFY,
            endpoint=LISTENERS_PATHS[path],
            authorization=request.headers.get("authorization", ""),
            query=dict(request.query_params),
        )
    endpoint, _, item = path.partition("/")
    ids = (item,) if item else _ids(request)
    header = request.headers.get("authorization", "")
    return Call(service=SPOTIFY, endpoint=endpoint, ids=ids, batch=not item, authorization=header)


def add_control(app: FastAPI, simulator: Simulator) -> None:
    """The control API, which the package describes."""

    @app.get("/simulator/health")
    async def health() -> dict[str, str]:
        return {"status": "healthy", "mode": simulator.settings.mode}

    @app.get("/simulator/settings")
    async def settings() -> Settings:
        return simulator.settings

    @app.post("/simulator/settings")
    async def change(values: Annotated[dict[str, Any], Body()]) -> Settings:
        try:
            simulator.settings = Settings.model_validate({**simulator.settings.model_dump(), **values})
        except ValidationError as error:
            raise HTTPException(
                422, jsonable_encoder(error.errors(include_url=False, include_context=False))
            ) from error
        return simulator.settings

    @app.post("/simulator/rules")
    async def set_rules(rules: list[Rule]) -> dict[str, int]:
        simulator.rules = Rules(rules)
        return {"rules": len(rules)}

    @app.post("/simulator/expire-tokens")
    async def expire_tokens() -> dict[str, int]:
        simulator.tokens.expire()
        return {"expired": len(simulator.tokens.ends)}

    @app.post("/simulator/reset")
    async def reset() -> dict[str, str]:
        simulator.reset()
        return {"status": "reset"}

    @app.get("/simulator/report")
    async def report(full: bool = False) -> dict[str, Any]:
        return simulator.report(full)


def add_control_of_listeners(app: FastAPI, simulator: Simulator) -> None:
    """The part of the control API that is about listeners' accounts."""

    @app.post("/simulator/listeners/{user}/plays")
    async def add_plays(user: str, plays: list[Play]) -> dict[str, int]:
        listener = simulator.listeners.of(user)
        listener.add(plays, simulator.settings.plays_kept)
        return {"plays": len(listener.plays)}

    @app.post("/simulator/listeners/{user}/playlists")
    async def set_playlists(user: str, playlists: list[Playlist]) -> dict[str, int]:
        simulator.listeners.of(user).playlists = playlists
        return {"playlists": len(playlists)}

    @app.post("/simulator/listeners/{user}/revoke")
    async def revoke(user: str) -> dict[str, str]:
        simulator.listeners.revoke(user)
        simulator.tokens.expire_of(user)
        return {"status": "revoked"}

    @app.post("/simulator/forget-listeners")
    async def forget_listeners() -> dict[str, str]:
        simulator.listeners = Listeners()
        return {"status": "forgotten"}


def _ids(request: Request) -> tuple[str, ...]:
    given = request.query_params.get("ids", "")
    return tuple(given.split(",")) if given else ()
