-- Some at a time: the sync's writers wait meanwhile.
delete from public.listening_history
where (id, played_at) in (
    select id, played_at from public.listening_history where user_id = %(user_id)s limit %(rows)s
);
