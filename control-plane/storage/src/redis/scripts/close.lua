-- Where a queue has no tickets and no owner, it is over: returns the generation of its registration, or '0'.
local function close(meta, queued, tombstone_px)
  local generation = redis.call('HGET', meta, 'generation')
  if not generation or redis.call('HEXISTS', meta, 'fence') == 1 or redis.call('ZCARD', queued) > 0 then
    return '0'
  end
  redis.call('HSET', meta, 'dead', generation)
  redis.call('HDEL', meta, 'generation')
  redis.call('PEXPIRE', meta, tombstone_px)
  return generation
end
