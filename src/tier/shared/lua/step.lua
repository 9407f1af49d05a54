-- Takes steps. ARGV: origin, then for each step: slot, 1 if it moves, id of the hold that it ends or 0.
-- Returns the epoch and the version of each slot that moved except 0; nil without an epoch.
local origin = ARGV[3]
local epoch = redis.call('HGET', clock, 'e')
local moves, moved, reply = false, '', {}
for i = 4, #ARGV, 3 do
  moves = moves or ARGV[i + 1] == '1'
  if epoch and ARGV[i] == '0' and ARGV[i + 1] == '1' then
    epoch = renew(epoch)
    moved = ' 0=0'
  end
end
reply[1] = epoch
for i = 4, #ARGV, 3 do
  if epoch and ARGV[i] ~= '0' and ARGV[i + 1] == '1' then
    local version = redis.call('HINCRBY', clock, ARGV[i], 1)
    moved = moved .. ' ' .. ARGV[i] .. '=' .. string.format('%.0f', version)
    reply[#reply + 1] = version
  end
end
for i = 4, #ARGV, 3 do
  if ARGV[i + 2] ~= '0' then
    release(ARGV[i], ARGV[i + 2])
  end
end
if moves then
  tell(origin, epoch or '-', 0, moved)
end
return epoch and reply
