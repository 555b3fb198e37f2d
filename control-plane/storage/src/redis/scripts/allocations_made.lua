-- ARGV: id, attempt, land, answer, keep_until. Whether the answer is this attempt's.
local id = ARGV[1]
local it = read(id)
if not it or it.attempt ~= ARGV[2] then return 0 end
if it.stage ~= 'M' then
  it.stage, it.land, it.answer = 'M', ARGV[3], ARGV[4]
  write(id, it)
  redis.call('ZADD', EXPIRY, ARGV[5], id)
  redis.call('HSET', LANDS, it.land, id)
end
return 1
