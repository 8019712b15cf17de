-- Set the end of a call to now. One that is not there any more (the server lost its data) is counted again.
--
-- KEYS[1]  sorted set of calls by the time they ended, in microseconds
-- ARGV     call id; how long the set is needed, in milliseconds
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
