-- KEYS: ticket. ARGV: nonce, px. Where the ticket isn't there, the attempt `nonce` to enqueue it can't succeed any more.
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, 1) ~= 'V' then return value end
redis.call('SET', KEYS[1], (value or 'V') .. ' ' .. ARGV[1], 'PX', ARGV[2])
return false
