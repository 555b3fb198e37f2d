-- KEYS: live, the replica's entries. ARGV: replica, channel.
local number = string.format('%.0f', after(redis.call('HGET', KEYS[2], 'number')))
redis.call('DEL', KEYS[2])
redis.call('ZREM', LIVE, ARGV[1])
redis.call('SPUBLISH', ARGV[2], 'left ' .. ARGV[1] .. ' ' .. number .. '\n')
return 1
