#!/bin/bash
# At the first start of the container supabase-database: the platform's role and database, with the rights that a
# project on Supabase gives to its role postgres, and what such a project has besides.
set -euo pipefail

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\getenv password LOCAL_POSTGRES_PASSWORD
create role echotune login createdb createrole bypassrls password :'password';
grant pg_monitor to echotune;
create database echotune owner echotune;
\connect echotune
set role echotune;
\include ${BOOTSTRAP_FILE:-/bootstrap/roles.sql}
SQL
