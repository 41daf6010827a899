-- One flow. KEYS[1]: its hash, with fields
--   v version, e end, s sealed: the flow; not there under a hold on a free key, nor once it was taken
--   h the ticket that holds it, l what it had to live when it was held
--   t the ticket of the last change, by which a command sent twice is known
--   f the ticket that let go last, whatever it held
-- ARGV: what, ticket, then what that needs. Gives 1: done, 0: lost, 2: another ticket holds it.
local key, what, ticket = KEYS[1], ARGV[1], ARGV[2]
local now = redis.call('HMGET', key, 'v', 'h', 't', 'l', 'f')
local version, holder, last = now[1] or '', now[2], now[3]

if what == 'hold' then
  local expect, lease = ARGV[3], ARGV[4]
  -- Sent twice, it may come the second time when its ticket has let go: it would have no holder.
  if holder == ticket or now[5] == ticket then return 1 end
  if holder then return 2 end
  if version ~= expect then return 0 end
  local left = redis.call('PTTL', key)
  redis.call('HSET', key, 'h', ticket, 'l', left)
  redis.call('PEXPIRE', key, lease)
  return 1
end

if what == 'free' then
  -- Also where it holds nothing: its hold may have yet to come.
  if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'f', ticket) end
  if holder ~= ticket then return 0 end
  redis.call('HDEL', key, 'h', 'l')
  if version ~= '' then redis.call('PEXPIRE', key, now[4]) end
  return 1
end

-- settle: expect, time to live, then version, end and sealed of what shall stand there, or nothing.
local expect, life = ARGV[3], ARGV[4]
if last == ticket then return 1 end
if holder and holder ~= ticket then return 2 end
if version ~= expect then return 0 end
redis.call('DEL', key)
redis.call('HSET', key, 't', ticket)
if ARGV[5] then redis.call('HSET', key, 'v', ARGV[5], 'e', ARGV[6], 's', ARGV[7]) end
redis.call('PEXPIRE', key, life)
return 1
