-- KEYS: meta, queued, ticket. ARGV: id, nonce, record, expires_at, now, limit, generation, channel, unowned channel, queue.
local known = redis.call('GET', KEYS[3])
if known then
  if string.sub(known, 1, 1) ~= 'V' then return {'known', known} end
  if string.find(known, ARGV[2], 1, true) then return {'void'} end
end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then return {'full'} end
local meta = redis.call('HMGET', KEYS[1], 'generation', 'dead', 'until')
if not meta[1] then
  local dead = meta[2] or '0'
  if ARGV[7] == '' or tonumber(ARGV[7]) <= tonumber(dead) then return {'unregistered', dead} end
  redis.call('HSET', KEYS[1], 'generation', ARGV[7])
  redis.call('PERSIST', KEYS[1])
end
local order = redis.call('HINCRBY', KEYS[1], 'seq', 1)
local value = 'Q ' .. order .. ' ' .. ARGV[4] .. ' ' .. ARGV[2] .. '\n' .. ARGV[3]
redis.call('SET', KEYS[3], value)
redis.call('ZADD', KEYS[2], order, ARGV[1])
redis.call('SPUBLISH', ARGV[8], order .. '\n' .. value)
local owned = meta[3] and tonumber(meta[3]) > tonumber(ARGV[5])
if not owned then redis.call('PUBLISH', ARGV[9], ARGV[10]) end
return {'new', tostring(order), owned and '1' or '0'}
