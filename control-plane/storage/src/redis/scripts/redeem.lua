-- KEYS: redeemed, redeemed_by. ARGV: token, redemption, expires_at. Whether the token is this redemption's: now, or because it
-- was before and the answer was lost.
if redis.call('ZADD', KEYS[1], 'NX', ARGV[3], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  return 1
end
return redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[2] and 1 or 0
