"""One module a panel: what is read for it, from plain clients to plain values; nothing here knows Airflow."""
