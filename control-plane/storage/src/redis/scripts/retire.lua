-- KEYS: meta, queued. ARGV: now, generation, tombstone px. Ends a queue that has no tickets and whose owner, if any, is over.
if redis.call('ZCARD', KEYS[2]) > 0 then return 0 end
local meta = redis.call('HMGET', KEYS[1], 'until', 'dead')
if meta[1] and tonumber(meta[1]) > tonumber(ARGV[1]) then return 0 end
if tonumber(ARGV[2]) > tonumber(meta[2] or '0') then redis.call('HSET', KEYS[1], 'dead', ARGV[2]) end
redis.call('HDEL', KEYS[1], 'generation', 'fence', 'until', 'worker', 'report')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
