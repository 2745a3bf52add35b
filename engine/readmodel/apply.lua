-- Takes a batch of changes, or nothing where the positions are not the expected ones.
-- KEYS: positions, progress, scores (hash), order (sorted set), erased (sorted set), band (hash: of a lead), bands (hash:
--   how many leads), then for alerts and assignments each: the log (sorted set), its events (hash), whose they are
--   (hash: time and pseudonym)
-- ARGV: since, until, progress, leads_max, log_max, erased_max, channel, then six for each change:
--   kind, name, rank, event, pseudonym (of a score: its band), time
-- Returns 1 where it was taken, 0 where the positions differ.

if (redis.call('GET', KEYS[1]) or '[]') ~= ARGV[1] then
  return 0
end

local scores, order, erased, of_band, bands = unpack(KEYS, 3, 7)
local leads_max, log_max, erased_max = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local logs = { alerts = { unpack(KEYS, 8, 10) }, assignments = { unpack(KEYS, 11, 13) } }

local function drop(set, name, ...)
  redis.call('ZREM', set, name)
  for _, hash in ipairs({ ... }) do
    redis.call('HDEL', hash, name)
  end
end

local function count(lead, change)
  local band = redis.call('HGET', of_band, lead)
  if band then
    redis.call('HINCRBY', bands, band, change)
  end
end

local function drop_lead(lead)
  count(lead, -1)
  drop(order, lead, scores, of_band)
end

local function is_erased(pseudonym, time)
  local at = redis.call('ZSCORE', erased, pseudonym)
  return at and tonumber(time) <= tonumber(at)
end

local function forget(log, lead, pseudonym, at)
  local leads = redis.call('HGETALL', log[3])
  for i = 1, #leads, 2 do
    local time, whose = string.match(leads[i + 1], '^(%-?%d+) (.*)$')
    if (whose == pseudonym or whose == lead) and tonumber(time) <= tonumber(at) then
      drop(log[1], leads[i], log[2], log[3])
    end
  end
end

for i = 8, #ARGV, 6 do
  local kind, name, rank, event, pseudonym, time = unpack(ARGV, i, i + 5)
  if kind == 'scored' then
    count(name, -1)
    redis.call('HSET', scores, name, event)
    redis.call('HSET', of_band, name, pseudonym)
    redis.call('ZADD', order, rank, name)
    count(name, 1)
    if redis.call('ZCARD', order) > leads_max then
      for _, lead in ipairs(redis.call('ZRANGE', order, leads_max, -1)) do
        drop_lead(lead)
      end
    end
  elseif kind == 'gone' then
    drop_lead(name)
  elseif kind == 'erased' then
    drop_lead(name)
    forget(logs.alerts, name, pseudonym, rank)
    forget(logs.assignments, name, pseudonym, rank)
    if not is_erased(pseudonym, rank) then
      redis.call('ZADD', erased, rank, pseudonym)
      redis.call('ZREMRANGEBYRANK', erased, 0, -erased_max - 1)
    end
  elseif not is_erased(pseudonym, time) then
    local log = logs[kind]
    if redis.call('ZADD', log[1], 'NX', rank, name) == 1 then
      redis.call('HSET', log[2], name, event)
      redis.call('HSET', log[3], name, time .. ' ' .. pseudonym)
      local excess = redis.call('ZCARD', log[1]) - log_max
      if excess > 0 then
        for _, oldest in ipairs(redis.call('ZRANGE', log[1], 0, excess - 1)) do
          drop(log[1], oldest, log[2], log[3])
        end
      end
    end
  end
end

redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
if #ARGV > 7 then
  redis.call('PUBLISH', ARGV[7], '')
end
return 1
