#!lua name=@LIBRARY@
-- Every change of state is one call of one of these functions, so a crash leaves all of it or none.
-- KEYS[1] is the city's log `{city}:log`; all other keys share its hash tag, hence its slot.
-- ARGV[1] is one MessagePack map; accept, ask and commit, which every call needs, take rows: an argument that holds
-- values one after the other without a table around them, and long texts (JSON) as they are.
-- Names end in @SUFFIX@ so that two versions can live on one store.
-- What costs the server is not the bytes but the commands: each redis.call takes some thousand instructions on its way
-- and, when it writes, as many again into the log; a table costs as much whichever way it goes. Hence rows, one command
-- for many values, an answer packed into one text, and nothing written that stands there already.

local HOOK_MS = 7 * 86400000
local LINK_MS = 40 * 86400000
-- Entries of a window that are looked at, at most (MOST_READ in engine/model/alert.py).
local MOST_READ = 512
-- The log is cut at so many entries, with every so many-th call.
local LOG_ENTRIES, CUT_EVERY = '2000000', 128

local function tag(key)
  return string.match(key, '^({.-}:)')
end

-- A Cluster that is moving the city's slot has some keys here and some elsewhere: asking for one that nobody has then
-- fails, before anything is written, and the caller tries again (engine/store/client.py).
local function probe(p)
  redis.call('EXISTS', p .. '-')
end

-- prefix: the city's tag, once its slot is known to be here.
local function prefix(key)
  local p = tag(key)
  probe(p)
  return p
end

-- An instant or a length as text: a number would be written by the dearer way for fractions.
local function int(x)
  return string.format('%d', x)
end

local function entry(p, subject, json)
  redis.call('XADD', p .. 'log', '*', 'j', json)
  redis.call('RPUSH', p .. 'line:' .. subject, json)
end

-- remember: a member of a list that lives for `ms` after its last use. What is older than `old` is thrown out, and the
-- time begins anew, only once an eighth of it has gone by: not two more writes with every member. Answers whether the
-- list holds anything else: one that does has its time.
local function remember(key, at, member, ms, old)
  redis.call('ZADD', key, at, member)
  local left = redis.call('PTTL', key)
  if left >= ms then return true end
  if left >= 0 then redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. int(old)) end
  redis.call('PEXPIRE', key, int(ms * 9 / 8))
  return left >= 0
end

local function tick(t, part, by)
  local before = t.seen[part] or 0
  t.seen[part] = before + by
  if before == 0 then t.n = t.n + 1 elseif before + by == 0 then t.n = t.n - 1 end
end

-- weigh: one event enters (by = 1) or leaves (by = -1) what is measured. A member is `<id>|<value>`.
local weigh = {
  count = function(t, member, by) t.n = t.n + by end,
  distinct = function(t, member, by) tick(t, string.match(member, '^.*|(.*)$'), by) end,
  sum = function(t, member, by) t.n = t.n + by * (tonumber(string.match(member, '^.*|(.*)$')) or 0) end,
  n_of = function(t, member, by)
    for sign in string.gmatch(string.match(member, '^.*|(.*)$'), '%d+') do tick(t, sign, by) end
  end,
}

-- best: of all windows (x - length, x] with q.at inside that end at an event, the one that measures most; the earliest
-- when equal. `rows` are members and scores, newest first; answered newest first, then the number with its x.
-- The same as engine/alerting/measures.py, against which the tests hold it.
local function best(rows, q)
  local n = #rows / 2
  local ats = {}
  for i = 1, n do ats[i] = tonumber(rows[2 * (n - i) + 2]) end
  local function member(i) return rows[2 * (n - i) + 1] end
  local move = weigh[q.measure]
  local t, first, last = { n = 0, seen = {} }, 1, 0
  local most, from, to, finish = 0, 1, 0, q.at
  while finish do
    while last < n and ats[last + 1] <= finish do
      last = last + 1
      move(t, member(last), 1)
    end
    while first <= last and ats[first] <= finish - q.length do
      move(t, member(first), -1)
      first = first + 1
    end
    if t.n > most then most, from, to = t.n, first, last end
    finish = ats[last + 1]
  end
  local out = {}
  for i = to, most >= q.least and math.max(from, to - q.limit + 1) or to + 1, -1 do
    table.insert(out, member(i))
    table.insert(out, ats[i])
  end
  table.insert(out, '#' .. string.format('%.17g', most))
  table.insert(out, ats[to] or q.at)
  return out
end

local function entries(key, from, to, limit)
  return redis.call('ZREVRANGEBYSCORE', key, to, from, 'WITHSCORES', 'LIMIT', '0', int(limit))
end

-- answer: entries, or the number that is measured. A count in the order of time needs no entry to be looked at.
local function answer(key, q)
  local from, to = '(' .. int(q.at - q.length), '(' .. int(q.at + q.length)
  local n = q.fewest > 0 and redis.call('ZCOUNT', key, from, to) or 0
  if n < q.fewest then return {} end
  if q.measure == '' then return entries(key, from, to, q.limit) end
  local at = int(q.at)
  if q.measure ~= 'count' or redis.call('ZCOUNT', key, '(' .. at, to) > 0 then
    return best(entries(key, from, to, MOST_READ), q)
  end
  if n == 0 then n = redis.call('ZCOUNT', key, from, at) end
  local out = n >= q.least and entries(key, from, at, q.limit) or {}
  local last = out[2] or at
  table.insert(out, '#' .. n)
  table.insert(out, last)
  return out
end

-- numbers: how many events each bucket holds, newest first; the usual level is not asked for while the first one is too
-- small, nor buckets older than every event.
local function numbers(key, length, least, buckets)
  local out, ends = {}, false
  for i, b in ipairs(buckets) do
    local to = '(' .. int(b + length)
    local n = redis.call('ZCOUNT', key, int(b), to)
    if n == 0 and not ends then
      ends = true
      if redis.call('ZCOUNT', key, '-inf', to) == 0 then break end
    end
    out[i] = n
    if i == 1 and n < least then break end
  end
  return out
end

-- window: one query. `kept` is how long its events are kept. Without a limit the event is only written down, without a
-- member it is only asked. Late events forget nothing that a newer one still looks at. After `fewest`: buckets.
local function window(p, name, member, at, length, kept, limit, measure, least, fewest, ...)
  local key = p .. 'win:' .. name
  local others = member == '' or remember(key, int(at), member, kept, at - kept)
  if not limit or not (others or fewest < 2) then return {} end
  if ... then return numbers(key, length, least, { ... }) end
  return answer(key, { at = at, length = length, limit = limit, measure = measure, least = least, fewest = fewest })
end

local function windows(p, args, first)
  local out = {}
  for i = first, #args do out[#out + 1] = window(p, cmsgpack.unpack(args[i])) end
  return out
end

local function cooldowns(p, names)
  if #names == 0 then return {} end
  for i, name in ipairs(names) do names[i] = p .. 'cool:' .. name end
  return redis.call('MGET', unpack(names))
end

-- Free units near a point, nearest first: [id, metres, instant it last reported]...
local function free_units(p, near)
  if not near then return false end
  local out = {}
  local found = redis.call('GEOSEARCH', p .. 'units:free', 'FROMLONLAT', near.lng, near.lat, 'BYRADIUS', near.radius,
    'm', 'ASC', 'COUNT', near.limit, 'WITHDIST')
  for i, one in ipairs(found) do out[i] = { one[1], one[2], redis.call('HGET', p .. 'unit:' .. one[1], 'at') or '0' } end
  return out
end

-- A unit stands in the index of free ones while it says that it is free and no order has it.
local function show_unit(p, id)
  local u = redis.call('HMGET', p .. 'unit:' .. id, 'said', 'order', 'lat', 'lng')
  if u[1] == 'free' and (not u[2] or u[2] == '') then
    redis.call('GEOADD', p .. 'units:free', u[4], u[3], id)
  else
    redis.call('ZREM', p .. 'units:free', id)
  end
end

-- tie: the call enters one of its lists (a caller's, a place's), and what it finds there is noted in `found`.
-- A call with no name for the list is in none. Answers how many others a list of calls holds, and the newest of them.
local function tie(p, found, name, length, limit, listed)
  local ids, key = {}, p .. name
  if name == '' then return 0, ids end
  local from, to = '(' .. int(found.at - length), int(found.at + found.slack)
  local others = remember(key, int(found.at), found.id, LINK_MS, found.now - LINK_MS - length)
  local rows = others and entries(key, from, to, limit + 1) or {}
  for n = 1, #rows, 2 do
    local id = rows[n]
    if id ~= found.id and listed then ids[#ids + 1] = id end
    if not found.seen[id] and math.abs(rows[n + 1] - found.at) <= found.near_ms then
      found.seen[id] = true
      local c = redis.call('HMGET', p .. 'call:' .. id, 'at', 'link', 'order', 'status', 'seq')
      local order = c[4] == 'accepted' and '?' or c[3] or ''
      if order ~= '' then table.insert(found.calls, { id, c[1] or '', c[2] or '', order, c[5] or '0' }) end
    end
  end
  if #rows > 2 * limit and listed then return redis.call('ZCOUNT', key, from, to) - 1, ids end
  return #rows > 0 and #rows / 2 - 1 or 0, ids
end

-- accept: the call becomes durable, is counted in its windows and finds what it is tied to. Arguments: the row below,
-- body, link, log entry, a row of cool-downs, three lists, windows.
-- Only a call with an order, or one that may still get one, near in time can be the same incident: a candidate.
-- Answers {status, committed answer, caller count, place count, caller ids, place ids,
-- [id, at, link, order]..., windows, cool-downs, free units}, packed; status new | same | other | taken.
local function accept(keys, args)
  local p = tag(keys[1])
  local id, hook_id, digest, at, now, redo, slack, near_ms, near = cmsgpack.unpack(args[1])
  local body, link = args[2], args[3]
  local call = p .. 'call:' .. id
  local status, seq = 'new', nil
  if redo then
    probe(p)
  else
    local hook = p .. 'hook:' .. hook_id
    local known = redis.call('GET', hook) -- of a new call nobody has this one: it need not be asked for another
    if known then
      probe(p)
      if known ~= digest then return cmsgpack.pack({ 'other' }) end
      status = 'same'
      -- A body that cannot be read any more is mended by the same webhook; the digest says that it is the same.
      if redis.call('HGET', call, 'status') == 'accepted' then redis.call('HSET', call, 'body', body) end
    elseif redis.call('EXISTS', call, p .. 'was:' .. id) > 0 then
      return cmsgpack.pack({ 'taken' })
    end
    if status == 'new' then
      local number = redis.call('INCR', p .. 'calls:seq')
      seq = int(number)
      if number % CUT_EVERY == 0 then redis.call('XTRIM', p .. 'log', 'MAXLEN', '~', LOG_ENTRIES) end
      redis.call('SET', hook, digest, 'PX', int(HOOK_MS))
      redis.call('HSET', call, 'body', body, 'link', link, 'at', int(at), 'status', 'accepted', 'tries', '0', 'seq', seq)
      redis.call('ZADD', p .. 'pending', int(now), id)
      entry(p, id, args[4])
    end
  end
  if not seq then
    local known = redis.call('HMGET', call, 'answer', 'seq')
    if known[1] then return cmsgpack.pack({ 'same', known[1] }) end
    seq = known[2] or '0'
    redis.call('HSET', call, 'link', link)
    redis.call('HDEL', call, 'again')
  end
  local found = { id = id, at = at, now = now, slack = slack, near_ms = near_ms, seen = { [id] = true }, calls = {} }
  local of_caller, caller_ids = tie(p, found, cmsgpack.unpack(args[6]))
  local of_place, place_ids = tie(p, found, cmsgpack.unpack(args[7]))
  tie(p, found, cmsgpack.unpack(args[8]))
  return cmsgpack.pack({ status, '', of_caller, of_place, caller_ids, place_ids, found.calls, windows(p, args, 9),
    cooldowns(p, { cmsgpack.unpack(args[5]) }), free_units(p, near), seq })
end

-- read: records to be written, each a row that begins with id and version, and its JSON; and what stands of each now.
-- Answers nothing but a conflict when another version stands there.
local function read(p, kind, args, first, number, ...)
  local records = {}
  for i = 1, number do
    local row, json = { cmsgpack.unpack(args[first + 2 * i - 2]) }, args[first + 2 * i - 1]
    local was = redis.call('HMGET', p .. kind .. ':' .. row[1], 'v', ...)
    local v = tonumber(was[1] or '0')
    if v ~= row[2] - 1 then return nil, { 'conflict', kind, row[1], v } end
    records[i] = { row = row, was = was, json = json }
  end
  return records
end

-- A unit can be sent with an order only while it is free, or is on that order already.
local function unit_taken(p, orders)
  for _, o in ipairs(orders) do
    local unit = o.row[8]
    if unit ~= '' and o.was[4] ~= unit and not redis.call('ZSCORE', p .. 'units:free', unit) then
      return { 'conflict', 'unit', unit, 0 }
    end
  end
end

local function engage(p, was, is, order)
  if was ~= '' and redis.call('HGET', p .. 'unit:' .. was, 'order') == order then
    redis.call('HSET', p .. 'unit:' .. was, 'order', '')
    show_unit(p, was)
  end
  if is ~= '' then
    redis.call('HSET', p .. 'unit:' .. is, 'order', order)
    show_unit(p, is)
  end
  redis.call('HSET', p .. 'order:' .. order, 'unit', is)
end

-- A record stands in one set of a kind (a state, a holder): it moves, or stays without a word.
local function index(p, set, was, is, score, id)
  if was == is then return end
  if was then redis.call('ZREM', p .. set .. was, id) end
  if is then redis.call('ZADD', p .. set .. is, score, id) end
end

local function alarm(p, member, at)
  if at then redis.call('ZADD', p .. 'alarms', int(at), member) else redis.call('ZREM', p .. 'alarms', member) end
end

local function mark(p, set, on, score, id)
  if on then redis.call('ZADD', p .. set, score, id) else redis.call('ZREM', p .. set, id) end
end

-- Of a first version nothing older can stand anywhere: `read` has seen that there is none. `was`: v, state, holder, unit.
local function put_order(p, was, json, id, v, state, body, open, overdue, opened, unit, clock, ...)
  local score, holder = int(opened), open and body or ''
  redis.call('HSET', p .. 'order:' .. id, 'v', int(v), 'state', state, 'holder', holder, 'json', json)
  if v == 1 then redis.call('ZADD', p .. 'orders', score, id) end
  index(p, 'orders:state:', was[2], state, score, id)
  index(p, 'orders:body:', was[3] and was[3] ~= '' and was[3], open and body, score, id)
  for _, b in ipairs({ ... }) do redis.call('ZADD', p .. 'orders:seen:' .. b, score, id) end
  mark(p, 'orders:open', open, score, id)
  if v > 1 or overdue then mark(p, 'orders:overdue', open and overdue, score, id) end
  alarm(p, 'order:' .. id, clock)
  if (was[4] or '') ~= unit then engage(p, was[4] or '', unit, id) end
end

local function put_alert(p, was, json, id, v, state, raised, clock)
  redis.call('HSET', p .. 'alert:' .. id, 'v', int(v), 'state', state, 'json', json)
  if v == 1 then redis.call('ZADD', p .. 'alerts', int(raised), id) end
  index(p, 'alerts:state:', was[2], state, int(raised), id)
  alarm(p, 'alert:' .. id, clock)
end

local function put_dossier(p, was, json, id, v, state, grade, opened, touched, clock, seen_by, about)
  local score = int(opened)
  redis.call('HSET', p .. 'dossier:' .. id, 'v', int(v), 'state', state, 'grade', grade,
    'by', table.concat(about, '\n'), 'seen', table.concat(seen_by, '\n'), 'json', json)
  if v == 1 then redis.call('ZADD', p .. 'dossiers', score, id) end
  index(p, 'dossiers:state:', was[2], state, score, id)
  index(p, 'dossiers:grade:', was[3], grade, score, id)
  for _, b in ipairs(seen_by) do redis.call('ZADD', p .. 'dossiers:seen:' .. b, score, id) end
  -- A call finds a dossier by whom and where; what merged or lost those calls is found no longer.
  local by = {}
  for _, k in ipairs(about) do by[k] = true end
  for k in string.gmatch(was[4] or '', '[^\n]+') do
    if not by[k] then redis.call('ZREM', p .. 'dossiers:' .. k, id) end
  end
  for k in pairs(by) do redis.call('ZADD', p .. 'dossiers:' .. k, int(touched), id) end
  alarm(p, 'dossier:' .. id, clock)
end

local function queue(p, json, id, body, created)
  redis.call('HSET', p .. 'msg:' .. id, 'json', json, 'body', body, 'state', 'queued', 'tries', '0',
    'created', int(created))
  redis.call('XADD', p .. 'outbox', '*', 'id', id, 'body', body)
end

-- commit: one change, whole or not at all. Arguments: the row below, the counters that grow (a name a line), the answer
-- and the outcome of a call, then all that is written, two arguments each: a row and a text.
-- Answers ok | {already, stored answer} | {conflict, kind, id, version}.
local function commit(keys, args)
  local p = tag(keys[1])
  local idem, id, order, at, over, claims, cools, wakes, n_moved, n_orders, n_alerts, n_dossiers, n_messages, n_log,
    n_labels = cmsgpack.unpack(args[1])
  if idem then
    local done = redis.call('GET', p .. 'idem:' .. idem)
    if done then return { 'already', done } end
  end
  local call, tried, again
  if id then
    call = p .. 'call:' .. id
    local c = redis.call('HMGET', call, 'status', 'answer', 'again', 'tries')
    if c[1] == 'committed' then return { 'already', c[2] } end
    again, tried = c[3], c[4] ~= '0'
  end
  local at_next = 5
  local function span(n)
    at_next = at_next + 2 * n
    return at_next - 2 * n
  end
  local moved = span(n_moved)
  local orders, alerts, dossiers, bad
  orders, bad = read(p, 'order', args, span(n_orders), n_orders, 'state', 'holder', 'unit')
  if bad then return bad end
  alerts, bad = read(p, 'alert', args, span(n_alerts), n_alerts, 'state')
  if bad then return bad end
  dossiers, bad = read(p, 'dossier', args, span(n_dossiers), n_dossiers, 'state', 'grade', 'by')
  bad = bad or unit_taken(p, orders)
  if bad then return bad end
  -- A new order's key is one that nobody has.
  if not orders[1] or orders[1].was[1] then probe(p) end
  for _, c in ipairs(claims) do
    local n = redis.call('ZCARD', p .. c.key)
    if n ~= c.count then return { 'conflict', 'claim', c.key, n } end
  end
  if call then
    -- A later call about the same thing did not wait for this one any longer: look again, its order is there.
    if again then return { 'conflict', 'call', id, 0 } end
    for _, other in ipairs(over) do
      local status = redis.call('HGET', p .. 'call:' .. other, 'status')
      if status == 'committed' then return { 'conflict', 'call', other, 0 } end
      if status == 'accepted' then redis.call('HSET', p .. 'call:' .. other, 'again', '1') end
    end
    redis.call('HSET', call, 'status', 'committed', 'answer', args[3], 'outcome', args[4], 'order', order)
    redis.call('ZREM', p .. 'pending', id)
    if tried then redis.call('HDEL', p .. 'undecided', id) end
    redis.call('ZADD', p .. 'calls', int(at), id)
  end
  for i = moved, moved + 2 * n_moved - 1, 2 do
    local other, into = cmsgpack.unpack(args[i])
    redis.call('HSET', p .. 'call:' .. other, 'order', into, 'outcome', args[i + 1])
  end
  for _, o in ipairs(orders) do put_order(p, o.was, o.json, unpack(o.row)) end
  for _, a in ipairs(alerts) do put_alert(p, a.was, a.json, unpack(a.row)) end
  for _, d in ipairs(dossiers) do put_dossier(p, d.was, d.json, unpack(d.row)) end
  for i = span(n_messages), at_next - 1, 2 do queue(p, args[i + 1], cmsgpack.unpack(args[i])) end
  for i = span(n_log), at_next - 1, 2 do entry(p, args[i], args[i + 1]) end
  for i = span(n_labels), at_next - 1, 2 do redis.call('XADD', p .. 'labels', '*', 'j', args[i + 1]) end
  for _, c in ipairs(cools) do redis.call('SET', p .. 'cool:' .. c.key, int(c.value), 'PX', int(c.ms)) end
  for _, w in ipairs(wakes) do
    if w.payload == '' then
      redis.call('DEL', p .. 'wake:' .. w.key)
      alarm(p, 'wake:' .. w.key)
    else
      redis.call('SET', p .. 'wake:' .. w.key, w.payload)
      alarm(p, 'wake:' .. w.key, w.at)
    end
  end
  -- Counters that grow together are one: a decision has seven, and of what decisions count there are some hundred kinds.
  if args[2] ~= '' then redis.call('HINCRBY', p .. 'counted', args[2], '1') end
  if idem then redis.call('SET', p .. 'idem:' .. idem, args[3], 'PX', int(HOOK_MS)) end
  return 'ok'
end

-- ask: cool-downs (a row) and windows for an event that is no call (an order's step, a timer).
local function ask(keys, args)
  local p = prefix(keys[1])
  return cmsgpack.pack({ windows(p, args, 2), cooldowns(p, { cmsgpack.unpack(args[1]) }) })
end

-- What a clock belongs to, as it stands: an order, alert or dossier, or what a silence waits for.
local function belongs(p, member)
  local kind, id = string.match(member, '^(%a+):(.*)$')
  if kind == 'wake' then return redis.call('GET', p .. 'wake:' .. id) or '' end
  return redis.call('HGET', p .. kind .. ':' .. id, 'json') or ''
end

-- lease: members of a due set (alarms, pending) whose time has come, moved on by the lease so that no
-- other worker takes them; whoever finishes removes them or sets their next instant. Those of the next `ahead` ms come
-- with them, so that who serves them has them in hand at their instant. A clock whose record is gone is dropped: it is
-- answered this once. A call that was tried `patient` times waits twice as long after each further try,
-- up to `longest`. Answers [member, what it belongs to, its instant]...
local function lease(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  local set = p .. r.set
  local out = {}
  local due = redis.call('ZRANGEBYSCORE', set, '-inf', r.now + (r.ahead or 0), 'WITHSCORES', 'LIMIT', 0, r.limit)
  for i = 1, #due, 2 do
    local member, wait, record = due[i], r.lease, ''
    if r.set == 'pending' then
      local tries = redis.call('HINCRBY', p .. 'call:' .. member, 'tries', 1)
      wait = math.min(r.lease * 2 ^ math.max(0, math.min(tries - r.patient, 32)), r.longest)
    else
      record = belongs(p, member)
    end
    if r.set == 'alarms' and record == '' and not string.find(member, '^wake:') then
      redis.call('ZREM', set, member)
    else
      redis.call('ZADD', set, r.now + wait, member)
    end
    out[#out + 1] = { member, record, due[i + 1] }
  end
  return out
end

-- settle: what became of one try to deliver one message; acknowledges it on the stream. Arguments: the row below, the try
-- as JSON, then perhaps a log entry: what it is about, and its JSON.
local function settle(keys, args)
  local p = prefix(keys[1])
  local id, entry_id, body, state, last, tried, now, retry_at = cmsgpack.unpack(args[1])
  redis.call('XACK', p .. 'outbox', 'delivery', entry_id)
  redis.call('XDEL', p .. 'outbox', entry_id)
  local msg = p .. 'msg:' .. id
  local was = redis.call('HMGET', msg, 'state', 'tries')
  if not was[1] or was[1] == 'delivered' then return 'already' end
  redis.call('HSET', msg, 'state', state, 'last', last, 'tries', int((was[2] or 0) + (tried and 1 or 0)))
  if state == 'waiting' then redis.call('ZADD', p .. 'retry', int(retry_at), id) end
  if state == 'dead' then redis.call('ZADD', p .. 'dead', int(now), id) end
  if state == 'delivered' then
    redis.call('HDEL', msg, 'json')
    redis.call('PEXPIRE', msg, int(HOOK_MS))
  end
  redis.call('HINCRBY', p .. 'counts', 'fenliu_deliveries_total|outcome=' .. state, '1')
  if tried then
    local kept = redis.call('LPUSH', p .. 'tries:' .. body, args[2])
    if kept >= 330 then redis.call('LTRIM', p .. 'tries:' .. body, '0', '299') end
  end
  if args[3] then entry(p, args[3], args[4]) end
  return state
end

-- requeue: waiting messages whose time has come, or named dead letters, go back to the stream.
local function requeue(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  local ids = r.ids or redis.call('ZRANGEBYSCORE', p .. 'retry', '-inf', r.now, 'LIMIT', 0, r.limit)
  local n = 0
  for _, id in ipairs(ids) do
    if redis.call('ZREM', p .. (r.ids and 'dead' or 'retry'), id) == 1 then
      local msg = p .. 'msg:' .. id
      redis.call('HSET', msg, 'state', 'queued')
      if r.ids then redis.call('HSET', msg, 'tries', 0, 'created', r.now) end
      redis.call('XADD', p .. 'outbox', '*', 'id', id, 'body', redis.call('HGET', msg, 'body') or '')
      n = n + 1
    end
  end
  return n
end

-- place_units: the table of the rules. What units said stays; a unit whose place the table moved stands there now.
local function place_units(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  local known = {}
  for _, u in ipairs(r.units) do
    known[u.id] = true
    local key = p .. 'unit:' .. u.id
    local old = redis.call('HMGET', key, 'home', 'said')
    if old[1] ~= u.home then redis.call('HSET', key, 'home', u.home, 'lat', u.lat, 'lng', u.lng) end
    if not old[2] then redis.call('HSET', key, 'said', u.said, 'order', '', 'at', 0) end
    redis.call('SADD', p .. 'units', u.id)
    show_unit(p, u.id)
  end
  for _, id in ipairs(redis.call('SMEMBERS', p .. 'units')) do
    if not known[id] then
      redis.call('SREM', p .. 'units', id)
      redis.call('ZREM', p .. 'units:free', id)
      redis.call('DEL', p .. 'unit:' .. id)
    end
  end
  return 1
end

-- report_unit: a unit says where it is and whether it is free; what is older than its last word changes nothing.
local function report_unit(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  local key = p .. 'unit:' .. r.id
  local at = redis.call('HGET', key, 'at')
  if at and tonumber(at) <= r.at then
    redis.call('HSET', key, 'at', r.at)
    if r.said then redis.call('HSET', key, 'said', r.said) end
    if r.lat then redis.call('HSET', key, 'lat', r.lat, 'lng', r.lng) end
    show_unit(p, r.id)
  end
  return redis.call('HMGET', key, 'said', 'order', 'lat', 'lng', 'at')
end

local function ask_free_units(keys, args)
  return free_units(prefix(keys[1]), cmsgpack.unpack(args[1]).near)
end

redis.register_function('place_units_@SUFFIX@', place_units)
redis.register_function('report_unit_@SUFFIX@', report_unit)
redis.register_function('free_units_@SUFFIX@', ask_free_units)
-- forget: records that stand in the history go, unless they were changed after they were copied: a record whose
-- version is another stays whole. Doing it again changes nothing. Answers [kind, id]... of what was kept.
local function forget(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  local kept = {}
  local function same(kind, id, v)
    local is = redis.call('HGET', p .. kind .. ':' .. id, 'v')
    if is and tonumber(is) ~= v then
      table.insert(kept, { kind, id })
      return false
    end
    return is and true
  end
  for _, o in ipairs(r.orders) do
    if same('order', o.id, o.v) then
      local state = redis.call('HGET', p .. 'order:' .. o.id, 'state')
      redis.call('ZREM', p .. 'orders', o.id)
      redis.call('ZREM', p .. 'orders:state:' .. state, o.id)
      redis.call('ZREM', p .. 'orders:overdue', o.id)
      for _, b in ipairs(o.bodies) do redis.call('ZREM', p .. 'orders:seen:' .. b, o.id) end
      redis.call('DEL', p .. 'order:' .. o.id, p .. 'line:' .. o.id)
    end
  end
  for _, a in ipairs(r.alerts) do
    if same('alert', a.id, a.v) then
      local state = redis.call('HGET', p .. 'alert:' .. a.id, 'state')
      redis.call('ZREM', p .. 'alerts', a.id)
      redis.call('ZREM', p .. 'alerts:state:' .. state, a.id)
      redis.call('DEL', p .. 'alert:' .. a.id, p .. 'line:' .. a.id)
    end
  end
  for _, d in ipairs(r.dossiers) do
    if same('dossier', d.id, d.v) then
      local h = redis.call('HMGET', p .. 'dossier:' .. d.id, 'state', 'grade', 'by', 'seen')
      for _, set in ipairs({ 'dossiers', 'dossiers:state:' .. (h[1] or ''), 'dossiers:grade:' .. (h[2] or '') }) do
        redis.call('ZREM', p .. set, d.id)
      end
      for k in string.gmatch(h[3] or '', '[^\n]+') do redis.call('ZREM', p .. 'dossiers:' .. k, d.id) end
      for b in string.gmatch(h[4] or '', '[^\n]+') do redis.call('ZREM', p .. 'dossiers:seen:' .. b, d.id) end
      redis.call('DEL', p .. 'dossier:' .. d.id, p .. 'line:' .. d.id)
    end
  end
  for _, id in ipairs(r.calls) do
    if redis.call('DEL', p .. 'call:' .. id, p .. 'line:' .. id) > 0 then
      redis.call('ZREM', p .. 'calls', id)
      redis.call('SET', p .. 'was:' .. id, '1', 'PX', LINK_MS)
    end
  end
  return kept
end

-- rewrite: records whose words are erased stand in the place of what was read, all of them or none: {conflict, kind, id}
-- when one was changed since. Versions stay: nothing happened to the case. A message that was delivered meanwhile has
-- no words any more.
local function rewrite(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  for _, x in ipairs(r.records) do
    local v = redis.call('HGET', p .. x.kind .. ':' .. x.id, x.kind == 'call' and 'body' or 'v')
    if tostring(v) ~= tostring(x.was) then return { 'conflict', x.kind, x.id } end
  end
  for _, m in ipairs(r.messages) do
    if redis.call('HEXISTS', p .. 'msg:' .. m.id, 'json') == 1 then redis.call('HSET', p .. 'msg:' .. m.id, 'json', m.json) end
  end
  for _, x in ipairs(r.records) do
    local key = p .. x.kind .. ':' .. x.id
    for name, value in pairs(x.set) do redis.call('HSET', key, name, value) end
    redis.call('DEL', p .. 'line:' .. x.id)
    for _, e in ipairs(x.line) do redis.call('RPUSH', p .. 'line:' .. x.id, e) end
  end
  for _, k in ipairs(r.drop) do redis.call('DEL', p .. k) end
  return { 'ok' }
end
redis.register_function('rewrite_@SUFFIX@', rewrite)

-- chain: entries of the audit trail go on where it ends, or nothing is written: the writer then makes them anew for
-- the end that is answered. A repeated call whose entries stand there already writes nothing.
local function chain(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  local at = redis.call('HMGET', p .. 'audit:end', 'seq', 'mac')
  local seq, mac = tonumber(at[1] or '0'), at[2] or ''
  if seq ~= r.seq or mac ~= r.mac then
    local last = redis.call('XRANGE', p .. 'audit', (r.seq + #r.rows) .. '-0', (r.seq + #r.rows) .. '-0')
    local known = last[1] and last[1][2][4] == r.rows[#r.rows].h
    return { known and 'ok' or 'moved', seq, mac }
  end
  for _, e in ipairs(r.rows) do
    seq, mac = seq + 1, e.h
    redis.call('XADD', p .. 'audit', seq .. '-0', 'j', e.j, 'h', e.h)
  end
  redis.call('HSET', p .. 'audit:end', 'seq', seq, 'mac', mac)
  return { 'ok', seq, mac }
end

local function cut_chain(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  redis.call('XTRIM', p .. 'audit', 'MINID', (r.seq + 1) .. '-0')
  redis.call('HSET', p .. 'audit:end', 'cut', r.seq, 'cut_mac', r.mac)
  return 1
end

redis.register_function('chain_@SUFFIX@', chain)
redis.register_function('cut_chain_@SUFFIX@', cut_chain)
redis.register_function('forget_@SUFFIX@', forget)
redis.register_function('accept_@SUFFIX@', accept)
redis.register_function('ask_@SUFFIX@', ask)
redis.register_function('commit_@SUFFIX@', commit)
redis.register_function('lease_@SUFFIX@', lease)
redis.register_function('settle_@SUFFIX@', settle)
redis.register_function('requeue_@SUFFIX@', requeue)
