insert into echotune.sync_slices (
    run_id, slice, table_name, first_month, last_month, without_month, since, through, moves_watermark,
    window_start, window_documents, window_fingerprint
)
values (
    %(run_id)s, %(slice)s, %(table_name)s, %(first_month)s, %(last_month)s, %(without_month)s, %(since)s, %(through)s,
    %(moves_watermark)s, %(window_start)s, %(window_documents)s, %(window_fingerprint)s
);
