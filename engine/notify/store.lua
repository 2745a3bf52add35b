-- Everything that changes what waits to be sent; each call is one step.
-- KEYS: the prefix of every key. ARGV: what to do, then its arguments.
--
-- positions: text; queues: sorted set of queues by when to look at them next; q:<queue>: sorted set of messages by when
-- they are due; pen:<queue>: sorted set of entries by when their digest is; since:<queue>: sorted set of all entries that
-- wait in it, by since when; failing: hash of queues that wait, and why the last attempt failed; dead: sorted set of
-- entries by since when; disabled: hash of queues, and why; erased: sorted set of pseudonyms by when; leads: sorted set
-- of "pseudonym NUL time NUL entry"; and hashes by entry: entry (what to send), digest (there if it waits for one), queue,
-- lead (its member of leads), tries, why. A digest has a queue, members (separated by NUL) and tries.

local prefix = KEYS[1]
local function key(name) return prefix .. name end
local positions, queues, dead = key('positions'), key('queues'), key('dead')
local disabled, erased, leads = key('disabled'), key('erased'), key('leads')
local entries, queue_of, lead_of = key('entry'), key('queue'), key('lead')
local digests, members, tries, whys = key('digest'), key('members'), key('tries'), key('why')
local failing = key('failing')
local LAST = 253402300799999

local function split(text)
  local parts = {}
  for part in string.gmatch(text, '[^%z]+') do parts[#parts + 1] = part end
  return parts
end

local function first_of(set)
  return redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
end

-- When to look at a queue next, by what waits in it.
local function show(queue)
  local due, pen = first_of(key('q:' .. queue)), first_of(key('pen:' .. queue))
  if due or pen then
    redis.call('ZADD', queues, math.min(tonumber(due or LAST), tonumber(pen or LAST)), queue)
  else
    redis.call('ZREM', queues, queue)
    redis.call('HDEL', failing, queue)
  end
end

local function waits_no_more(name)
  local queue = redis.call('HGET', queue_of, name)
  if queue then redis.call('ZREM', key('since:' .. queue), name) end
end

local function forget_one(name)
  waits_no_more(name)
  local member = redis.call('HGET', lead_of, name)
  if member then redis.call('ZREM', leads, member) end
  for _, hash in ipairs({ entries, queue_of, lead_of, digests, members, tries, whys }) do
    redis.call('HDEL', hash, name)
  end
end

local function members_of(name)
  return split(redis.call('HGET', members, name) or '')
end

local function forget(name)
  for _, one in ipairs(members_of(name)) do forget_one(one) end
  forget_one(name)
end

local function bury_one(name, at, why, dead_max)
  waits_no_more(name)
  redis.call('ZADD', dead, at, name)
  redis.call('HSET', whys, name, why)
  local excess = redis.call('ZCARD', dead) - dead_max
  for _, oldest in ipairs(excess > 0 and redis.call('ZRANGE', dead, 0, excess - 1) or {}) do
    redis.call('ZREM', dead, oldest)
    forget_one(oldest)
  end
end

-- Of a digest every record that is left is a dead letter of its own.
local function bury(name, at, why, dead_max)
  local parts, attempts = members_of(name), redis.call('HGET', tries, name)
  if #parts == 0 then
    bury_one(name, at, why, dead_max)
    return
  end
  forget_one(name)
  for _, one in ipairs(parts) do
    if redis.call('HEXISTS', entries, one) == 1 then
      if attempts then redis.call('HSET', tries, one, attempts) end
      bury_one(one, at, why, dead_max)
    end
  end
end

local function remove(queue, name)
  redis.call('ZREM', key('q:' .. queue), name)
  redis.call('ZREM', key('pen:' .. queue), name)
end

local function is_erased(pseudonym, time)
  local at = redis.call('ZSCORE', erased, pseudonym)
  return at and tonumber(time) <= tonumber(at)
end

local function erase(pseudonym, at, erased_max)
  local found = redis.call('ZRANGEBYLEX', leads, '[' .. pseudonym .. '\0', '(' .. pseudonym .. '\1')
  for _, member in ipairs(found) do
    local parts = split(member)
    if tonumber(parts[2]) <= tonumber(at) then
      local queue = redis.call('HGET', queue_of, parts[3])
      remove(queue, parts[3])
      redis.call('ZREM', dead, parts[3])
      forget_one(parts[3])
      show(queue)
    end
  end
  if not is_erased(pseudonym, at) then
    redis.call('ZADD', erased, at, pseudonym)
    redis.call('ZREMRANGEBYRANK', erased, 0, -erased_max - 1)
  end
end

local function add(name, queue, entry, pseudonym, time, due, is_digest, made, full, limits)
  if is_erased(pseudonym, time) or redis.call('HEXISTS', entries, name) == 1 then return end
  local lead = pseudonym .. '\0' .. time .. '\0' .. name
  redis.call('HSET', entries, name, entry)
  redis.call('HSET', queue_of, name, queue)
  redis.call('HSET', lead_of, name, lead)
  redis.call('ZADD', leads, 0, lead)
  if is_digest == '1' then redis.call('HSET', digests, name, 1) end
  local why = redis.call('HGET', disabled, queue)
  local waiting = redis.call('ZCARD', key('q:' .. queue)) + redis.call('ZCARD', key('pen:' .. queue))
  local pending = redis.call('HLEN', entries) - redis.call('ZCARD', dead)
  if not why and (waiting >= limits[1] or pending > limits[2]) then why = full end
  if why then
    bury_one(name, made, why, limits[3])
    return
  end
  redis.call('ZADD', key('since:' .. queue), made, name)
  redis.call('ZADD', key((is_digest == '1' and 'pen:' or 'q:') .. queue), due, name)
  local at = redis.call('ZSCORE', queues, queue)
  if not at or tonumber(due) < tonumber(at) then redis.call('ZADD', queues, due, queue) end
end

-- What waited for its digest becomes one message, in order of arrival.
local function bundle(queue, now, digest_max)
  local pen = key('pen:' .. queue)
  local ripe = redis.call('ZRANGEBYSCORE', pen, '-inf', now, 'LIMIT', 0, digest_max)
  while #ripe > 0 do
    local name = 'digest-' .. ripe[1]
    redis.call('ZREM', pen, unpack(ripe))
    redis.call('HSET', queue_of, name, queue)
    redis.call('HSET', members, name, table.concat(ripe, '\0'))
    redis.call('ZADD', key('q:' .. queue), now, name)
    ripe = redis.call('ZRANGEBYSCORE', pen, '-inf', now, 'LIMIT', 0, digest_max)
  end
end

-- Name, queue, tries, what to send (of a digest: what is left of it).
local function told(name)
  local parts = members_of(name)
  local sent = redis.call('HMGET', entries, unpack(#parts > 0 and parts or { name }))
  local held = {}
  for _, entry in ipairs(sent) do
    if entry then held[#held + 1] = entry end
  end
  return { name, redis.call('HGET', queue_of, name), redis.call('HGET', tries, name) or '0 0', held }
end

local steps = {}

function steps.take(since, till, full, queue_max, pending_max, dead_max, erased_max)
  if (redis.call('GET', positions) or '[]') ~= since then return 0 end
  local limits = { tonumber(queue_max), tonumber(pending_max), tonumber(dead_max) }
  for i = 9, #ARGV, 8 do
    local name, queue, entry, pseudonym, time, due, is_digest, made = unpack(ARGV, i, i + 7)
    if name == '' then
      erase(pseudonym, time, tonumber(erased_max))
    else
      add(name, queue, entry, pseudonym, time, due, is_digest, made, full, limits)
    end
  end
  redis.call('SET', positions, till)
  return 1
end

function steps.claim(queue, now, till, limit, digest_max)
  bundle(queue, now, tonumber(digest_max))
  local q, claimed = key('q:' .. queue), {}
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', q, '-inf', now, 'LIMIT', 0, limit)) do
    local one = told(name)
    if #one[4] == 0 then
      redis.call('ZREM', q, name)
      forget(name)
    else
      redis.call('ZADD', q, till, name)
      claimed[#claimed + 1] = one
    end
  end
  show(queue)
  return claimed
end

function steps.sent(queue, name)
  redis.call('ZREM', key('q:' .. queue), name)
  redis.call('HDEL', failing, queue)
  if not redis.call('ZSCORE', dead, name) then forget(name) end
  show(queue)
end

function steps.postpone(queue, name, due, attempts, why)
  if not redis.call('ZSCORE', key('q:' .. queue), name) then return end
  redis.call('HSET', tries, name, attempts)
  redis.call('HSET', failing, queue, why)
  redis.call('ZADD', key('q:' .. queue), due, name)
  show(queue)
end

function steps.bury(queue, name, at, why, dead_max)
  if redis.call('HEXISTS', queue_of, name) == 0 or redis.call('ZSCORE', dead, name) then return end
  remove(queue, name)
  bury(name, at, why, tonumber(dead_max))
  show(queue)
end

function steps.disable(queue, at, why, dead_max, digest_max)
  bundle(queue, LAST, tonumber(digest_max))
  redis.call('HSET', disabled, queue, why)
  for _, name in ipairs(redis.call('ZRANGE', key('q:' .. queue), 0, -1)) do
    redis.call('ZREM', key('q:' .. queue), name)
    bury(name, at, why, tonumber(dead_max))
  end
  show(queue)
end

function steps.retry(now)
  local found = 0
  for i = 3, #ARGV do
    local name = ARGV[i]
    if redis.call('ZREM', dead, name) == 1 then
      local queue = redis.call('HGET', queue_of, name)
      redis.call('HDEL', whys, name)
      redis.call('HDEL', tries, name)
      redis.call('HDEL', disabled, queue)
      local where = redis.call('HEXISTS', digests, name) == 1 and 'pen:' or 'q:'
      redis.call('ZADD', key(where .. queue), now, name)
      redis.call('ZADD', key('since:' .. queue), now, name)
      show(queue)
      found = found + 1
    end
  end
  return found
end

function steps.waiting()
  local found, names = {}, redis.call('ZRANGE', queues, 0, -1, 'WITHSCORES')
  for i = 1, #names, 2 do
    local queue, since = names[i], first_of(key('since:' .. names[i]))
    -- Of a digest nothing may be left, of people who were erased.
    if since then
      local held, why = redis.call('ZCARD', key('since:' .. queue)), redis.call('HGET', failing, queue) or ''
      found[#found + 1] = { queue, held, since, names[i + 1], why }
    end
  end
  return found
end

function steps.dead(from, to)
  local found, names = {}, redis.call('ZRANGE', dead, from, to, 'REV', 'WITHSCORES')
  for i = 1, #names, 2 do
    local name = names[i]
    local attempts = redis.call('HGET', tries, name) or '0 0'
    found[#found + 1] = { redis.call('HGET', entries, name), attempts, names[i + 1], redis.call('HGET', whys, name) }
  end
  return found
end

-- Changes and names, of which there may be more than a function takes, stand behind the eighth, or the second.
return steps[ARGV[1]](unpack(ARGV, 2, math.min(#ARGV, 8)))
