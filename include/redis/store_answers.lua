-- Keep texts for a time, each under its key.
--
-- KEYS  where
-- ARGV  for each key its text, then its milliseconds to live
for index, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[2 * index - 1], 'PX', ARGV[2 * index])
end
