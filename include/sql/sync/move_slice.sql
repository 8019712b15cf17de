-- Only from where the writer found it: another task that copies the same slice is noticed.
update echotune.sync_slices set
    position = %(position)s,
    documents = documents + %(documents)s,
    inserted = inserted + %(inserted)s,
    updated = updated + %(updated)s,
    unchanged = unchanged + %(unchanged)s,
    deleted = deleted + %(deleted)s,
    quarantined = quarantined + %(quarantined)s,
    seconds = seconds + %(seconds)s
where run_id = %(run_id)s and slice = %(slice)s and position is not distinct from %(found_at)s;
