-- KEYS: meta. ARGV: fence, until. Returns the number of the queue's newest change.
local meta = redis.call('HMGET', KEYS[1], 'fence', 'seq')
if meta[1] ~= ARGV[1] then return false end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
return meta[2] or '0'
