-- The sessions of one account. KEYS[1]: their hash, with fields
--   e          the account's epoch, as far as it was heard of here
--   s<token>   a session: epoch, seen and end of 20 digits each, id and account of 16 bytes each, the rest
--   x<token>   a session that a ticket holds, so that nobody finds it: the ticket of 16 bytes, the first six of them
--              the milliseconds at which its commit began, then the row. Under the ticket of noughts it has ended: it
--              waits for whoever has recorded that and has yet to settle it, and is nobody's
--   t          the ticket of the last settlement, by which a command sent twice is known
--   f          the ticket that let go last, whatever it held
-- ARGV: ticket, '1' for a settlement, the moments between which a hold must have begun to stand still, then operations
-- with their arguments, applied in order, all or none.
-- Gives which operation lost (0: none), then the ids that were held; 'held' when another ticket has the session.
local key, ticket, settles = KEYS[1], ARGV[1], ARGV[2] == '1'
local oldest, newest = tonumber(ARGV[3]), tonumber(ARGV[4])
local rows, changed, held, gone, life = {}, {}, {}, {}, 0
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do rows[flat[i]] = flat[i + 1] end
-- A hold that was sent twice may come the second time when its ticket is through: it would have no holder.
if rows.t == ticket or (rows.f == ticket and not settles) then return { '0' } end

local function set(field, value)
  rows[field] = value
  changed[field] = true
end

local ENDED = ('\0'):rep(16)

-- A hold that ran out has no holder any more. What it hides is as good as ended from here on: told "not there",
-- somebody relies on that, so nobody may bring it back, its own ticket included; and a ticket that comes to settle
-- after all finds it still. Written at once: it stands whatever becomes of the operations.
for field, value in pairs(rows) do
  if field:sub(1, 1) == 'x' and value:sub(1, 16) ~= ENDED then
    local began = 0
    for i = 1, 6 do began = began * 256 + value:byte(i) end
    if began < oldest or began > newest then
      rows[field] = ENDED .. value:sub(17)
      redis.call('HSET', key, field, rows[field])
    end
  end
end

-- Each session of the account that is chosen, held or not; '' chooses any.
local function each(account, id, with)
  local found = {}
  for field, value in pairs(rows) do
    local kind, row, holder = field:sub(1, 1), value, nil
    if kind == 'x' then holder, row = value:sub(1, 16), value:sub(17) end
    if (kind == 's' or kind == 'x') and row:sub(77, 92) == account and (id == '' or row:sub(61, 76) == id) then
      found[#found + 1] = { field = field, row = row, id = row:sub(61, 76), holder = holder }
    end
  end
  for _, one in ipairs(found) do with(one) end
  return #found
end

local at, nth, busy = 5, 0, false
local function arg()
  at = at + 1
  return ARGV[at - 1]
end

local operations = {
  -- Hides sessions until they are settled or freed. Who wants all takes over: it ends them or brings them back. Who
  -- wants one waits: two that renew the same session would else end it for each other and grant nothing. What has
  -- ended is there for neither: taken over, it would be brought back by whoever is lost in the ledger after that.
  hold = function()
    local account, id, except = arg(), arg(), arg()
    local count = 0
    each(account, id, function(one)
      if one.holder == ENDED then
        -- Named where all are meant: a replica that has not heard of its end would bring it back.
        if id == '' and one.id ~= except then held[#held + 1] = one.id end
        return
      end
      count = count + 1
      if one.id == except then return end
      if id ~= '' and one.holder and one.holder ~= ticket then
        busy = true
        return
      end
      set(one.field, nil)
      set('x' .. one.field:sub(2), ticket .. one.row)
      held[#held + 1] = one.id
    end)
    return id == '' or (count > 0 and not busy)
  end,
  free = function()
    local mine = {}
    for field, value in pairs(rows) do
      if field:sub(1, 1) == 'x' and value:sub(1, 16) == ticket then mine[#mine + 1] = field end
    end
    for _, field in ipairs(mine) do
      local row = rows[field]:sub(17)
      set(field, nil)
      if rows.e == row:sub(1, 20) then set('s' .. field:sub(2), row) end
    end
    -- Also where it holds nothing: its hold may have yet to come.
    if rows.e then set('f', ticket) end
    return true
  end,
  -- Ends one session, whoever has taken it over: the ledger has recorded it. Lost when there is none. One that has
  -- ended is not renewed by it: told "not there", somebody relies on that, whatever its token.
  finish = function()
    local account, id = arg(), arg()
    return each(account, id, function(one)
      if one.holder == ENDED then gone[id] = true end
      set(one.field, nil)
    end) > 0
  end,
  -- The same, never lost. Where it spares, what another holds stays hidden, and is no longer anybody's to bring back:
  -- whoever has recorded its end may have yet to settle, and would find nothing to end, and grant nothing.
  drop = function()
    local account, id, spares = arg(), arg(), arg() == '1'
    each(account, id, function(one)
      local others = spares and one.holder and one.holder ~= ticket
      set(one.field, others and ENDED .. one.row or nil)
    end)
    return true
  end,
  clear = function()
    local account, except = arg(), arg()
    each(account, '', function(one)
      if one.id ~= except then set(one.field, nil) end
    end)
    return true
  end,
  raise = function()
    local account, epoch = arg(), arg()
    life = math.max(life, tonumber(arg()))
    local spares = arg() == '1'
    if not rows.e or rows.e < epoch then set('e', epoch) end
    each(account, '', function(one)
      local others = spares and one.holder and one.holder ~= ticket
      if one.row:sub(1, 20) < epoch and not others then set(one.field, nil) end
    end)
    return true
  end,
  add = function()
    local field, row, now, keep, ttl = 's' .. arg(), arg(), arg(), tonumber(arg()), tonumber(arg())
    local epoch, account = row:sub(1, 20), row:sub(77, 92)
    if rows.e and rows.e > epoch then return false end
    local old = rows[field]
    if old then return old:sub(61, 92) == row:sub(61, 92) end
    if rows['x' .. field:sub(2)] then return false end
    if gone[row:sub(61, 76)] then return false end
    life = math.max(life, ttl)
    set('e', epoch)
    local others = {}
    each(account, '', function(one)
      if one.row:sub(1, 20) < epoch or one.row:sub(41, 60) <= now then
        set(one.field, nil)
      elseif not one.holder then
        others[#others + 1] = one
      end
    end)
    table.sort(others, function(a, b)
      local seen, other = a.row:sub(21, 40), b.row:sub(21, 40)
      return seen < other or (seen == other and a.id < b.id)
    end)
    for i = 1, #others + 1 - math.max(keep, 1) do set(others[i].field, nil) end
    set(field, row)
    return true
  end,
  touch = function()
    local field, seen = 's' .. arg(), arg()
    local row = rows[field]
    if row and row:sub(21, 40) < seen then set(field, row:sub(1, 20) .. seen .. row:sub(41)) end
    return true
  end,
}

while ARGV[at] do
  nth = nth + 1
  if not operations[arg()]() then return { busy and 'held' or tostring(nth) } end
end
for field in pairs(changed) do
  if rows[field] then
    redis.call('HSET', key, field, rows[field])
  else
    redis.call('HDEL', key, field)
  end
end
if settles and rows.e then redis.call('HSET', key, 't', ticket) end
if life > redis.call('PTTL', key) and life > 0 then redis.call('PEXPIRE', key, life) end
-- Not by unpack: it fails beyond some 8,000 results.
table.insert(held, 1, '0')
return held
