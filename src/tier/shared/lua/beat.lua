-- Proves that the shard takes writes, and gives it a new epoch if steps may have been lost. ARGV: run id of this process,
-- the longest silence in ms, span of strict fences in ms (0: the caller is not strict), id of a hold.
-- Returns the epoch, and 1 if it is new.
local run, silence, fence, id = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local known = redis.call('HMGET', clock, 'e', 'run', 'b', 'm')
local epoch, time, new = known[1], now(), 0
if not epoch or known[2] ~= run then
  -- The hash is new, or it is the memory of another process, which may have lost its last steps. So it may have lost
  -- fences: `s` stays as it was.
  redis.call('HSET', clock, 'e', fresh, 'g', fresh, 'run', run, 'b', time, 'm', ARGV[4])
  epoch, new = fresh, 1
elseif not known[3] or math.abs(time - tonumber(known[3])) > math.min(silence, tonumber(known[4] or ARGV[4])) then
  -- Nobody could deliver a step for longer than somebody was promised, or the clock of the server was set, and holds may have
  -- ended too early: `s` stays as it was here too.
  redis.call('HSET', clock, 'e', fresh, 'g', fresh, 'b', time, 'm', ARGV[4])
  epoch, new = fresh, 1
elseif not known[4] or silence < tonumber(known[4]) then
  redis.call('HSET', clock, 'b', time, 'm', ARGV[4])
else
  redis.call('HSET', clock, 'b', time)
end
if new == 1 then
  tell('0', epoch, 0, ' 0=0')
end
-- Fences that were lost with an older hash have expired after one span: until then everything is held, and then it moves.
if fence > 0 and redis.call('HGET', clock, 's') ~= epoch then
  hold('0', id, time + fence, 'w')
  redis.call('HSET', clock, 's', epoch)
end
return { epoch, new }
