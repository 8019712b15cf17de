-- Documents that do not fit, in all.
select count(*) as documents from echotune.rejected_documents
