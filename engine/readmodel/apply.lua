-- Takes a batch of changes, or nothing where the positions are not the expected ones.
-- KEYS: positions, progress, scores (hash), order (sorted set), erased (sorted set), band (hash: of a lead), bands (hash:
--   how many leads), dossiers (hash), dossiers' order (sorted set: by the last touch), names (hash: pseudonym of a
--   lead), named (hash: lead of a pseudonym), touch (hash: epoch, sequence, floor), held and gone (sorted sets: sequence
--   of a lead's last change), then for alerts, assignments and answers each: the log (sorted set), its events (hash),
--   whose they are (hash: time and pseudonym)
-- ARGV: since, until, progress, leads_max, log_max, erased_max, dossiers_max, gone_max, epoch if there is none, channel,
--   then six for each change: kind, name, rank, event, pseudonym (of a score: its band), time
-- Returns 1 where it was taken, 0 where the positions differ.

if (redis.call('GET', KEYS[1]) or '[]') ~= ARGV[1] then
  return 0
end

local scores, order, erased, of_band, bands = unpack(KEYS, 3, 7)
local dossiers, untouched, names, named, touch, held, gone = unpack(KEYS, 8, 14)
local leads_max, log_max, erased_max = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local dossiers_max, gone_max = tonumber(ARGV[7]), tonumber(ARGV[8])
local logs = { alerts = { unpack(KEYS, 15, 17) }, assignments = { unpack(KEYS, 18, 20) }, answers = { unpack(KEYS, 21, 23) } }

-- The leads of this batch in the order of their last change: each is touched once.
local touched, last_of, wiped = {}, {}, {}

local function touches(lead)
  touched[#touched + 1] = lead
  last_of[lead] = #touched
end

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
  if redis.call('HEXISTS', scores, lead) == 1 then
    count(lead, -1)
    drop(order, lead, scores, of_band)
    touches(lead)
  end
end

local function unname(lead)
  local pseudonym = redis.call('HGET', names, lead)
  if pseudonym then
    redis.call('HDEL', named, pseudonym)
    redis.call('HDEL', names, lead)
  end
  return pseudonym
end

local function drop_dossier(lead)
  if unname(lead) then
    drop(untouched, lead, dossiers)
    touches(lead)
  end
end

local function keep_dossier(lead, event, pseudonym)
  unname(lead)
  redis.call('HSET', dossiers, lead, event)
  redis.call('HSET', names, lead, pseudonym)
  redis.call('HSET', named, pseudonym, lead)
  redis.call('ZADD', untouched, redis.call('HINCRBY', touch, 'kept', 1), lead)
  touches(lead)
  if redis.call('ZCARD', untouched) > dossiers_max then
    drop_dossier(redis.call('ZRANGE', untouched, 0, 0)[1])
  end
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

local function wipe(lead)
  drop_lead(lead)
  drop_dossier(lead)
  wiped[lead] = true
end

local function erase(lead, pseudonym, at)
  local other = redis.call('HGET', named, pseudonym)
  wipe(lead)
  if other then
    drop_dossier(other)
    wiped[other] = true
  end
  for _, log in pairs(logs) do
    forget(log, lead, pseudonym, at)
  end
  if not is_erased(pseudonym, at) then
    redis.call('ZADD', erased, at, pseudonym)
    redis.call('ZREMRANGEBYRANK', erased, 0, -erased_max - 1)
  end
end

for i = 11, #ARGV, 6 do
  local kind, name, rank, event, pseudonym, time = unpack(ARGV, i, i + 5)
  if kind == 'scored' then
    count(name, -1)
    redis.call('HSET', scores, name, event)
    redis.call('HSET', of_band, name, pseudonym)
    redis.call('ZADD', order, rank, name)
    count(name, 1)
    touches(name)
    if redis.call('ZCARD', order) > leads_max then
      for _, lead in ipairs(redis.call('ZRANGE', order, leads_max, -1)) do
        drop_lead(lead)
      end
    end
  elseif kind == 'gone' then
    drop_lead(name)
  elseif kind == 'dossier' then
    keep_dossier(name, event, pseudonym)
  elseif kind == 'erased' then
    erase(name, pseudonym, rank)
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

local function is_held(lead)
  return redis.call('HEXISTS', scores, lead) == 1 or redis.call('HEXISTS', dossiers, lead) == 1
end

for place, lead in ipairs(touched) do
  if last_of[lead] == place and (is_held(lead) or not wiped[lead]) then
    local sequence, stays = redis.call('HINCRBY', touch, 'sequence', 1), is_held(lead)
    redis.call('ZADD', stays and held or gone, sequence, lead)
    redis.call('ZREM', stays and gone or held, lead)
  end
end
-- The id of who was erased is not kept, not even to say that the lead went: everybody begins anew.
for lead in pairs(wiped) do
  if not is_held(lead) and redis.call('ZREM', held, lead) + redis.call('ZREM', gone, lead) > 0 then
    redis.call('HSET', touch, 'floor', redis.call('HINCRBY', touch, 'sequence', 1))
  end
end
local excess = redis.call('ZCARD', gone) - gone_max
if excess > 0 then
  local oldest = redis.call('ZRANGE', gone, excess - 1, excess - 1, 'WITHSCORES')
  redis.call('HSET', touch, 'floor', oldest[2])
  redis.call('ZREMRANGEBYRANK', gone, 0, excess - 1)
end

redis.call('HSETNX', touch, 'epoch', ARGV[9])
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
if #ARGV > 10 then
  redis.call('PUBLISH', ARGV[10], '')
end
return 1
