"""What the export does not say: the queue, the providers, the rate limit, the cache. Knows no Airflow."""
