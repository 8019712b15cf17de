found.month = %(month)s::date
and found.played_at >= %(month)s::timestamp at time zone 'UTC'
and found.played_at < (%(month)s::timestamp + interval '1 month') at time zone 'UTC'
