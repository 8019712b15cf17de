"""The link of a task to what its run wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow.sdk import BaseOperator, BaseOperatorLink

from echotune.operators.connection_check import SummariseChecksOperator
from echotune.operators.csv_backfill import (
    LoadHistoryChunksOperator,
    MarkDuplicatesOperator,
    RefreshCatalogOperator,
    SummariseLoadOperator,
)
from echotune.operators.forget_user import RemoveUserOperator, SummariseForgettingOperator
from echotune.operators.history_archive import (
    ArchivePlaysOperator,
    RestorePlaysOperator,
    SummariseArchiveOperator,
    SummariseRestoreOperator,
)
from echotune.operators.index_maintenance import (
    MaintainMongoIndexesOperator,
    MaintainPostgresIndexesOperator,
    ReportMaintenanceOperator,
)
from echotune.operators.listening_statistics import (
    RefreshStatisticsOperator,
    SummariseStatisticsOperator,
    WriteFeaturesOperator,
)
from echotune.operators.recently_played import (
    BringPlaylistsOperator,
    LoadRecentPlaysOperator,
    SummariseRecentPlaysOperator,
)
from echotune.operators.spotify_enrichment import EmbedEnrichmentOperator, EnrichOperator, SummariseEnrichmentOperator
from echotune.operators.supabase_sync import (
    ReconcileSyncOperator,
    SummariseSyncOperator,
    SyncProfilesOperator,
    SyncSliceOperator,
)
from echotune.run_pages import written_page

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class WrittenLink(BaseOperatorLink):
    """Leads to the EchoTune page on the task's run.

    It is the plugin's and no operator's own: so the API server makes it when somebody looks, also for tasks that were
    killed, and no task stores it.
    """

    operators: ClassVar[list[type[BaseOperator]]] = [
        SummariseLoadOperator,
        SummariseEnrichmentOperator,
        SummariseSyncOperator,
        SummariseArchiveOperator,
        SummariseChecksOperator,
        SummariseRestoreOperator,
        SummariseForgettingOperator,
        ReportMaintenanceOperator,
        SummariseRecentPlaysOperator,
        SummariseStatisticsOperator,
        RefreshStatisticsOperator,
        WriteFeaturesOperator,
        LoadHistoryChunksOperator,
        LoadRecentPlaysOperator,
        BringPlaylistsOperator,
        MarkDuplicatesOperator,
        RefreshCatalogOperator,
        EnrichOperator,
        EmbedEnrichmentOperator,
        SyncSliceOperator,
        ReconcileSyncOperator,
        SyncProfilesOperator,
        ArchivePlaysOperator,
        RestorePlaysOperator,
        RemoveUserOperator,
        MaintainMongoIndexesOperator,
        MaintainPostgresIndexesOperator,
    ]

    @property
    def name(self) -> str:
        return "What it wrote"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the path of the page."""
        return written_page(ti_key.dag_id, ti_key.run_id)


WRITTEN_LINKS = [WrittenLink()]
"""What the plugin registers as ``operator_extra_links``."""
