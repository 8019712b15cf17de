-- Users whose profile changed since it was last written to MongoDB.
select user_id
from echotune.profile_changes
where version > synced_version and (%(after)s::uuid is null or user_id > %(after)s::uuid)
order by user_id
limit %(users)s
