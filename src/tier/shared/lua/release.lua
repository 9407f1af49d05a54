-- Gives a claim up, unless it is another owner's by now. KEYS[1]: the claim; ARGV[1]: the owner.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
