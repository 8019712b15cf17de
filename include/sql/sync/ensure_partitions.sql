select echotune.ensure_partitions(%(first_year)s, %(last_year)s);
