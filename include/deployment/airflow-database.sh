#!/bin/bash
# At the first start of the container airflow-database: a role and a database of their own for what Celery's workers
# report, so that no worker can read Airflow's tables.
set -euo pipefail

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password AIRFLOW_RESULTS_PASSWORD
create role celery login password :'password';
create database celery owner celery;
select format('revoke connect on database %I from public', current_database()) \gexec
SQL
