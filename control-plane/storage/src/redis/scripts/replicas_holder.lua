-- KEYS: live, held. ARGV: server.
local _, holder = holder_of(redis.call('HGET', KEYS[2], ARGV[1]))
return holder and is_alive(holder) and holder
