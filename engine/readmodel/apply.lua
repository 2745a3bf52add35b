-- Takes a batch of changes, or nothing where the positions are not the expected ones.
-- KEYS: positions, progress, scores (hash), order (sorted set), alerts, alert events, assignments, assignment events
-- ARGV: since, until, progress, leads_max, log_max, channel, then four for each change: kind, name, rank, event
-- Returns 1 where it was taken, 0 where the positions differ.

if (redis.call('GET', KEYS[1]) or '[]') ~= ARGV[1] then
  return 0
end

local scores, order = KEYS[3], KEYS[4]
local leads_max, log_max = tonumber(ARGV[4]), tonumber(ARGV[5])
local logs = { alerts = { KEYS[5], KEYS[6] }, assignments = { KEYS[7], KEYS[8] } }

local function drop(set, events, excess, first, last)
  if excess > 0 then
    for _, name in ipairs(redis.call('ZRANGE', set, first, last)) do
      redis.call('ZREM', set, name)
      redis.call('HDEL', events, name)
    end
  end
end

for i = 7, #ARGV, 4 do
  local kind, name, rank, event = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if kind == 'scored' then
    redis.call('HSET', scores, name, event)
    redis.call('ZADD', order, rank, name)
    drop(order, scores, redis.call('ZCARD', order) - leads_max, leads_max, -1)
  elseif kind == 'gone' then
    redis.call('HDEL', scores, name)
    redis.call('ZREM', order, name)
  else
    local set, events = logs[kind][1], logs[kind][2]
    if redis.call('ZADD', set, 'NX', rank, name) == 1 then
      redis.call('HSET', events, name, event)
      local excess = redis.call('ZCARD', set) - log_max
      drop(set, events, excess, 0, excess - 1)
    end
  end
end

redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
if #ARGV > 6 then
  redis.call('PUBLISH', ARGV[6], '')
end
return 1
