drop table if exists pg_temp.staged;
create temporary table staged ({columns}) on commit drop;
