-- What the scripts that end tickets have in common. KEYS[1..4] are the queue's meta, queued, ended and seen.
local META, QUEUED, ENDED, SEEN = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- The parts of a queued ticket's value: order, expires_at, nonce, record.
local function parts(value)
  return string.match(value, '^Q (%d+) (%d+) (%w+)\n(.*)$')
end

-- Writes tickets (key, id, value) under their new status and takes them out of the queue, as one change.
-- Returns '1' where the queue had no ended ticket before: somebody has to remember that it is to be swept.
local function finish(tickets, keep_until, px, channel)
  local ids, kept = {}, {}
  for i, ticket in ipairs(tickets) do
    redis.call('SET', ticket.key, ticket.value, 'PX', px)
    ids[i] = ticket.id
    kept[#kept + 1] = keep_until
    kept[#kept + 1] = ticket.id
  end
  redis.call('ZREM', QUEUED, unpack(ids))
  redis.call('ZREM', SEEN, unpack(ids))
  redis.call('ZADD', ENDED, unpack(kept))
  redis.call('PEXPIRE', ENDED, px)
  local seq = redis.call('HINCRBY', META, 'seq', 1)
  redis.call('SPUBLISH', channel, seq .. '\n' .. cjson.encode(ids))
  return redis.call('ZCARD', ENDED) == #ids and '1' or '0'
end
