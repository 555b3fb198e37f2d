-- KEYS: meta, queued. ARGV: fence, unowned channel, queue, tombstone px. Returns the generation of a queue that is over, or '0'.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return '0' end
redis.call('HDEL', KEYS[1], 'fence', 'until', 'worker', 'report')
if redis.call('ZCARD', KEYS[2]) > 0 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return close(KEYS[1], KEYS[2], ARGV[4])
