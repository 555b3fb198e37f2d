-- KEYS: queued, seen. ARGV: now, then ids. Notes those that are queued; never an earlier time than is known.
local seen = {}
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    seen[#seen + 1] = ARGV[1]
    seen[#seen + 1] = ARGV[i]
  end
end
if #seen > 0 then redis.call('ZADD', KEYS[2], 'GT', unpack(seen)) end
return #seen / 2
