-- Whether a sync ever made its tables here.
select to_regclass('public.users') is not null and to_regclass('echotune.rejected_documents') is not null;
