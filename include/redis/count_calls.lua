-- Count the calls that ended in the past day or are in flight.
--
-- KEYS[1]  sorted set of calls by the time they ended, in microseconds
-- ARGV     day, in microseconds
local time = redis.call('TIME')
return redis.call('ZCOUNT', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2] - ARGV[1]), '+inf')
