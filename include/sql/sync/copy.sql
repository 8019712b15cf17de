copy pg_temp.staged ({columns}) from stdin (format binary)
