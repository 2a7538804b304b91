-- Counts one request, if it may pass.
--
-- KEYS[1]  the log of requests that passed: a sorted set, by when they did, in microseconds
-- ARGV[1]  how many may pass in a window
-- ARGV[2]  the window in microseconds
--
-- Returns whether it may pass, how many more may, and in how many microseconds there is room for one more.

local limit = tonumber(ARGV[1])
local window = tonumber(ARGV[2])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Left to itself, Lua writes 14 digits of a number, and these have 16.
local function exactly(number)
  return string.format('%.0f', number)
end

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', exactly(now - window))
-- What is to come was written by a clock that has been set back since, and would count for too long.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. exactly(now), '+inf')

local count = redis.call('ZCARD', KEYS[1])
local allowed = count < limit
if allowed then
  -- With its place in the log, two requests of the same microsecond are two.
  redis.call('ZADD', KEYS[1], exactly(now), exactly(now) .. '-' .. count)
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
  count = count + 1
end

-- All that are above a limit, which was higher before, have to go, and then one more.
local next_to_make_room = math.max(0, count - limit)
local hit = redis.call('ZRANGE', KEYS[1], next_to_make_room, next_to_make_room, 'WITHSCORES')
local age = hit[2] and now - tonumber(hit[2]) or 0

return { allowed and 1 or 0, math.max(0, limit - count), window - age }
