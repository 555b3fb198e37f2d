-- What the allocations' scripts have in common. KEYS: allocations, ids by expiry, ids by land.
-- An allocation is '<stage> <until> <attempt> <content>', a line with its land, and its answer. Stages: F, a first attempt is under
-- way; A, another one; O, nobody makes it now and its land may be there; M, it was made.
local ALL, EXPIRY, LANDS = KEYS[1], KEYS[2], KEYS[3]

local function read(id)
  local value = redis.call('HGET', ALL, id)
  if not value then return nil end
  local stage, till, attempt, content, land, answer =
    string.match(value, '^(%u) (%d+) (%S+) (%S+)\n([^\n]*)\n(.*)$')
  return {stage = stage, till = till, attempt = attempt, content = content, land = land, answer = answer}
end

local function write(id, it)
  local head = it.stage .. ' ' .. it.till .. ' ' .. it.attempt .. ' ' .. it.content
  redis.call('HSET', ALL, id, head .. '\n' .. it.land .. '\n' .. it.answer)
end

-- Its land isn't its any more.
local function unlink(id, it)
  if redis.call('HGET', LANDS, it.land) == id then redis.call('HDEL', LANDS, it.land) end
end

local function remove(id, it)
  unlink(id, it)
  redis.call('HDEL', ALL, id)
  redis.call('ZREM', EXPIRY, id)
end
