delete from public.{table} as found
where found.placeholder and not ({referred});
