"""The API: the map in JSON, questions to it, and the map as a page."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse

import flowlens
from flowlens import page

from .collector import Collector
from .pipeline import Pipeline


def make_app(collector: Collector, pipeline: Pipeline) -> FastAPI:
    app = FastAPI(title="A flow collector", version=flowlens.__version__)

    @app.exception_handler(flowlens.ConfigError)
    async def refused(_: Request, problem: flowlens.ConfigError) -> JSONResponse:
        """A filter that is none, and the like."""
        return JSONResponse({"detail": str(problem)}, status_code=400)

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {
            "datagrams": collector.datagrams,
            "problems": collector.problems,
            "revision": pipeline.revision,
            "assets": len(pipeline.graph.assets()),
            "dependencies": len(pipeline.graph),
        }

    @app.get("/dependencies")
    def dependencies(filter: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        return [d.to_dict() for d in pipeline.graph.dependencies(filter, limit=limit)]

    @app.get("/assets")
    def assets(filter: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        return [a.to_dict() for a in pipeline.graph.assets(filter, limit=limit)]

    @app.get("/impact/{asset}")
    def impact(asset: str) -> Any:
        try:
            return pipeline.graph.impact(asset)
        except KeyError as unknown:
            raise HTTPException(404, str(unknown.args[0])) from None

    @app.get("/", response_class=HTMLResponse)
    def show() -> str:
        return page.render(
            json.loads(pipeline.graph.export("json")), title="The map as it is now", version=flowlens.__version__
        )

    return app
