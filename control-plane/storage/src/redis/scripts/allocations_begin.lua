-- ARGV: id, content, land, attempt, now, until, keep_until, instead_of, limit.
local id, now = ARGV[1], tonumber(ARGV[5])
local it, land, stage = read(id), ARGV[3], 'F'
if not it then
  if redis.call('HLEN', ALL) >= tonumber(ARGV[9]) then return {'full'} end
else
  if it.content ~= ARGV[2] then return {'other'} end
  if it.stage == 'M' then
    if it.land ~= ARGV[8] then return {'made', it.land, it.answer} end
    unlink(id, it)
  else
    local under_way = it.stage ~= 'O'
    if under_way and it.attempt == ARGV[4] then return {'first', it.land, it.stage} end
    if under_way and tonumber(it.till) > now then return {'under way', it.till} end
    land, stage = it.land, 'A'
  end
end
write(id, {stage = stage, till = ARGV[6], attempt = ARGV[4], content = ARGV[2], land = land, answer = ''})
redis.call('ZADD', EXPIRY, ARGV[7], id)
return {'first', land, stage}
