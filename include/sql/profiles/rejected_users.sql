-- Those of some users whose profile does not fit in MongoDB.
select row_id from echotune.rejected_documents where table_name = 'user_profiles' and row_id = any(%(users)s::uuid[])
