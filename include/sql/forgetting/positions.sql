-- How far slices of user names came: a user's name is the place.
select run_id, slice, position
from echotune.sync_slices
where table_name = 'users' and position is not null;
