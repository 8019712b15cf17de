-- Profiles that fit, or are gone, are no longer listed as rejected.
delete from echotune.rejected_documents
where table_name = 'user_profiles' and row_id = any(%(users)s::uuid[])
