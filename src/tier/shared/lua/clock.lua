-- Before each of the scripts on the clock.
--
-- KEYS[1] is the hash of one shard: e epoch, run process for which it holds, b time of the last beat, m the shortest
-- silence that matters to somebody, s epoch that strict processes know of, g era: the
-- epoch with which the memory or the time of the clock began, u<topic> what is vouched for ("era:moment"), <slot> version, f<slot> holds ("id:expiry:kind;…"), f0 holds of everything.
-- ARGV[1] is the channel that tells of its steps, ARGV[2] an epoch that was never used.
--
-- Epochs stay text: Lua's numbers would lose their last bits. Whatever takes away a hold comes after what moves a slot:
-- short of memory, Redis refuses HINCRBY and HSET, not HDEL, and a hold must not end before its slot has moved.
local clock, channel, fresh = KEYS[1], ARGV[1], ARGV[2]

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- One message: who, epoch ("-": there is none), for how long in doubt, and slot=version pairs; slot 0 is everything.
local function tell(origin, epoch, doubt, moved)
  redis.call('PUBLISH', channel, origin .. ' ' .. epoch .. ' ' .. doubt .. moved)
end

-- Moves every slot. Fences survive, so what strict processes know of the old epoch holds for the new one.
local function renew(epoch)
  if redis.call('HGET', clock, 's') == epoch then
    redis.call('HSET', clock, 'e', fresh, 's', fresh)
  else
    redis.call('HSET', clock, 'e', fresh)
  end
  return fresh
end

local function move(slot)
  return ' ' .. slot .. '=' .. string.format('%.0f', redis.call('HINCRBY', clock, slot, 1))
end

-- Calls visit(id, expiry, kind) for each hold of a slot.
local function each(slot, visit)
  local text = redis.call('HGET', clock, 'f' .. slot)
  if text then
    for id, expiry, kind in string.gmatch(text, '(%d+):(%d+):(%a)') do
      visit(id, tonumber(expiry), kind)
    end
  end
end

-- The holds of a slot for which keep(id, expiry) holds, and how many were left out.
local function filter(slot, keep)
  local kept, dropped = {}, 0
  each(slot, function(id, expiry, kind)
    if keep(id, expiry) then
      kept[#kept + 1] = id .. ':' .. string.format('%.0f', expiry) .. ':' .. kind
    else
      dropped = dropped + 1
    end
  end)
  return kept, dropped
end

local function write(slot, holds)
  if #holds == 0 then
    redis.call('HDEL', clock, 'f' .. slot)
  else
    redis.call('HSET', clock, 'f' .. slot, table.concat(holds, ';'))
  end
end

local function release(slot, gone)
  local kept, dropped = filter(slot, function(id) return id ~= gone end)
  if dropped > 0 then
    write(slot, kept)
  end
end

local function hold(slot, id, expiry, kind)
  local holds = filter(slot, function(other) return other ~= id end)
  holds[#holds + 1] = id .. ':' .. string.format('%.0f', expiry) .. ':' .. kind
  write(slot, holds)
end
