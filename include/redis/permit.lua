-- Give leave for one call, or say how long none can be given.
--
-- KEYS[1]  sorted set: every call of the past day, by the time it ended in microseconds. A call in flight stands
--          with the latest time it can end, which lies in the future.
-- KEYS[2]  is there while nobody may call
-- ARGV     call id; most calls in a window; window; most calls in a day, or -1; day; longest call (times in us)
-- Returns  {microseconds to wait, 0 being leave; why: 0 leave, 1 stop, 2 window, 3 day; calls of the past day;
--          milliseconds until a stop ends}
local call = ARGV[1]
local window_calls, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local day_calls, day = tonumber(ARGV[4]), tonumber(ARGV[5])
local longest_call = tonumber(ARGV[6])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function micros(number)
  return string.format('%.0f', number)
end

-- Microseconds until one more call fits, 0 where it fits now. A call in flight may reach the service at any moment,
-- so it leaves the window a whole window from now at the earliest.
local function wait_for_room(calls, most, length)
  if calls < most then
    return 0
  end
  if most == 0 then
    return length
  end
  local ends = redis.call('ZRANGE', KEYS[1], -most, -most, 'WITHSCORES')[2]
  return math.min(tonumber(ends), now) + length - now + 1
end

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. micros(now - day))
local calls_of_day = redis.call('ZCARD', KEYS[1])
local stopped = redis.call('PTTL', KEYS[2])

local wait, why = 0, 0
if stopped >= 0 then
  wait, why = math.max(stopped, 1) * 1000, 1
end
local window_wait = wait_for_room(redis.call('ZCOUNT', KEYS[1], micros(now - window), '+inf'), window_calls, window)
if window_wait > wait then
  wait, why = window_wait, 2
end
if day_calls >= 0 then
  local day_wait = wait_for_room(calls_of_day, day_calls, day)
  if day_wait > wait then
    wait, why = day_wait, 3
  end
end

if wait == 0 then
  redis.call('ZADD', KEYS[1], micros(now + longest_call), call)
  redis.call('PEXPIRE', KEYS[1], micros((day + longest_call) / 1000 + 1))
  calls_of_day = calls_of_day + 1
end
return { wait, why, calls_of_day, math.max(stopped, 0) }
