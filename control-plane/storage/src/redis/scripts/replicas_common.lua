-- What the replicas' scripts have in common. KEYS[1] is the live replicas by when they are taken for gone.
-- The time is the server's own: replicas have no clock in common.
local LIVE = KEYS[1]
local time = redis.call('TIME')
local NOW = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function is_alive(replica)
  return tonumber(redis.call('ZSCORE', LIVE, replica) or '0') > NOW
end

-- The server, held as '<term> <replica> -', or '<term> <replica> +<instance>' where it has one.
local function holder_of(held)
  return string.match(held or '', '^(%d+) (%S+) (.*)$')
end

-- Greater than the last; the clock keeps it growing where the last one was lost with the server.
local function after(last)
  return math.max(tonumber(last or '0') + 1, NOW)
end
