-- KEYS: meta. ARGV: fence, report.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'report', ARGV[2])
return 1
