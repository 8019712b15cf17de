"""EchoTune in Airflow's UI: the page in the navigation, and the link of each task to what its run wrote."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from echotune.operators.links import WRITTEN_LINKS


class DashboardOnDemand:
    """The page's app, made by the first request.

    Every component of Airflow imports this file, and only the api-server needs the app and what it imports.
    """

    @cached_property
    def _application(self) -> Any:
        from echotune.dashboard.application import create_application  # noqa: PLC0415

        return create_application()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._application(scope, receive, send)


class EchoTunePlugin(AirflowPlugin):
    """What Airflow reads of it."""

    name = "echotune"
    fastapi_apps = [{"app": DashboardOnDemand(), "url_prefix": "/echotune", "name": "EchoTune"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "EchoTune",
            "href": "/echotune/",
            "destination": "nav",
            "url_route": "echotune",
            "nav_top_level": True,
        }
    ]
    operator_extra_links = WRITTEN_LINKS
