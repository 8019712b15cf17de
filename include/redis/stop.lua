-- Let nobody call for so long; a stop that is on already and ends later stays.
--
-- KEYS[1]  is there while nobody may call
-- ARGV     milliseconds
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], 'stopped', 'PX', ARGV[1])
end
