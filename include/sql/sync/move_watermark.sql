-- Never back: a task that ends late knows less than one that began later.
insert into echotune.watermarks as known (
    table_name, month, through, window_start, window_documents, window_fingerprint
)
values (
    %(table_name)s, null, %(through)s, %(window_start)s, %(window_documents)s, %(window_fingerprint)s
)
on conflict (table_name, month) do update set
    through = excluded.through,
    window_start = excluded.window_start,
    window_documents = excluded.window_documents,
    window_fingerprint = excluded.window_fingerprint
where known.through <= excluded.through;
