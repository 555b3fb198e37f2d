-- ARGV: land. Its allocation's answer, where there was one.
local id = redis.call('HGET', LANDS, ARGV[1])
local it = id and read(id)
if not it then return false end
remove(id, it)
return it.answer
