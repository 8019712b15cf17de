-- Plays in all.
select count(*) as plays from public.listening_history
