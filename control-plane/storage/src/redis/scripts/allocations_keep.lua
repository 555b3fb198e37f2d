-- ARGV: id, land, until. Whether it was made, as this land.
local it = read(ARGV[1])
if not it or it.stage ~= 'M' or it.land ~= ARGV[2] then return 0 end
redis.call('ZADD', EXPIRY, 'XX', 'GT', ARGV[3], ARGV[1])
return 1
