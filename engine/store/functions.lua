#!lua name=@LIBRARY@
-- Every change of state is one call of one of these functions, so a crash leaves all of it or none.
-- KEYS[1] is the city's log `{city}:log`; all other keys share its hash tag, hence its slot.
-- ARGV[1] is one MessagePack map. Names end in @SUFFIX@ so that two versions can live on one store.

local HOOK_MS = 7 * 86400000
local LINK_MS = 40 * 86400000

-- prefix: the city's tag. A Cluster that is moving the city's slot has some keys here and some elsewhere: asking for one
-- that nobody has then fails, before anything is written, and the caller tries again (engine/store/client.py).
local function prefix(key)
  local p = string.match(key, '^({.-}:)')
  redis.call('EXISTS', p .. '-')
  return p
end

local function entry(p, e)
  redis.call('XADD', p .. 'log', 'MAXLEN', '~', 2000000, '*', 'j', e.json)
  if e.line then
    redis.call('RPUSH', p .. 'line:' .. e.subject, e.json)
  end
end

-- remember: a member of a list that lives for `ms` after its last use. What is older than `old` is thrown out, and the
-- time begins anew, only once an eighth of it has gone by: not two more writes with every member. Answers whether the
-- list holds anything else: one that does has its time.
local function remember(key, at, member, ms, old)
  redis.call('ZADD', key, at, member)
  local left = redis.call('PTTL', key)
  if left >= ms then return true end
  if left >= 0 then redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. old) end
  redis.call('PEXPIRE', key, math.floor(ms * 9 / 8))
  return left >= 0
end

local function newest(key, from, to, limit)
  return redis.call('ZREVRANGEBYSCORE', key, to, '(' .. from, 'WITHSCORES', 'LIMIT', 0, limit)
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
  return redis.call('ZREVRANGEBYSCORE', key, to, from, 'WITHSCORES', 'LIMIT', 0, limit)
end

-- answer: entries, or the number that is measured. A count in the order of time needs no entry to be looked at.
local function answer(key, q)
  local from, to = '(' .. (q.at - q.length), '(' .. (q.at + q.length)
  local n = q.fewest > 0 and redis.call('ZCOUNT', key, from, to) or 0
  if n < q.fewest then return {} end
  if q.measure == '' then return entries(key, from, to, q.limit) end
  if q.measure ~= 'count' or redis.call('ZCOUNT', key, '(' .. q.at, to) > 0 then
    return best(entries(key, from, to, q.most), q)
  end
  if n == 0 then n = redis.call('ZCOUNT', key, from, q.at) end
  local out = n >= q.least and entries(key, from, q.at, q.limit) or {}
  local last = out[2] or q.at
  table.insert(out, '#' .. n)
  table.insert(out, last)
  return out
end

-- numbers: how many events each bucket holds; the usual level is not asked for while the first one is too small.
local function numbers(key, q)
  local out = {}
  for i, b in ipairs(q.buckets) do
    local n = redis.call('ZCOUNT', key, b, '(' .. (b + q.length))
    table.insert(out, '#' .. n)
    table.insert(out, b)
    if i == 1 and n < q.least then break end
  end
  return out
end

local function windows(p, queries)
  local out = {}
  for i, q in ipairs(queries) do
    local key = p .. 'win:' .. q.key
    local back = math.max(q.length * 2, q.at - (q.buckets[#q.buckets] or q.at), 3600000) + 86400000
    -- A query without a member only asks. Late events forget nothing that a newer one still looks at.
    local others = q.member == '' or remember(key, q.at, q.member, back, q.at - back)
    -- limit 0: the event is only written down.
    out[i] = {}
    if q.limit > 0 and (others or q.fewest < 2) then
      out[i] = #q.buckets > 0 and numbers(key, q) or answer(key, q)
    end
  end
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

-- accept: the call becomes durable, is counted in its windows and finds what it is tied to.
-- Only a call with an order, or one that may still get one, near in time can be the same incident: a candidate.
-- Answers {status, committed answer, caller count, place count, caller ids, place ids,
-- [id, at, link, order]..., windows, cool-downs, free units}; status new | same | other | taken.
local function accept(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  local call = p .. 'call:' .. r.id
  local status, seq = 'new', nil
  if not r.redo then
    local hook = p .. 'hook:' .. r.hook
    local known = redis.call('GET', hook)
    if known then
      if known ~= r.digest then return { 'other' } end
      status = 'same'
      -- A body that cannot be read any more is mended by the same webhook; the digest says that it is the same.
      if redis.call('HGET', call, 'status') == 'accepted' then redis.call('HSET', call, 'body', r.body) end
    elseif redis.call('EXISTS', call, p .. 'was:' .. r.id) > 0 then
      return { 'taken' }
    end
    if status == 'new' then
      seq = redis.call('INCR', p .. 'calls:seq')
      redis.call('SET', hook, r.digest, 'PX', HOOK_MS)
      redis.call('HSET', call, 'body', r.body, 'link', r.link, 'at', r.at, 'status', 'accepted', 'tries', 0, 'seq', seq)
      redis.call('ZADD', p .. 'pending', r.now, r.id)
      entry(p, r.entry)
    end
  end
  if not seq then
    local known = redis.call('HMGET', call, 'answer', 'seq')
    if known[1] then return { 'same', known[1] } end
    seq = known[2] or '0'
    redis.call('HSET', call, 'link', r.link)
    redis.call('HDEL', call, 'again')
  end
  local lists, seen, details = {}, { [r.id] = true }, {}
  local counts = { 0, 0, 0 }
  for i, l in ipairs(r.links) do
    lists[i] = {}
    if l.key ~= '' then
      local key = p .. l.key
      local others = remember(key, r.at, r.id, LINK_MS, r.now - LINK_MS - l.length)
      local rows = others and newest(key, r.at - l.length, r.at + l.slack, l.limit + 1) or {}
      if #rows > 2 * l.limit and l.listed then
        counts[i] = redis.call('ZCOUNT', key, '(' .. (r.at - l.length), r.at + l.slack) - 1
      elseif #rows > 0 and l.listed then
        counts[i] = #rows / 2 - 1
      end
      for n = 1, #rows, 2 do
        local id = rows[n]
        if id ~= r.id and l.listed then table.insert(lists[i], id) end
        if not seen[id] and math.abs(rows[n + 1] - r.at) <= r.near_ms then
          seen[id] = true
          local c = redis.call('HMGET', p .. 'call:' .. id, 'at', 'link', 'order', 'status', 'seq')
          local order = c[4] == 'accepted' and '?' or c[3] or ''
          if order ~= '' then table.insert(details, { id, c[1] or '', c[2] or '', order, c[5] or '0' }) end
        end
      end
    end
  end
  return { status, '', counts[1], counts[2], lists[1], lists[2], details, windows(p, r.windows),
    cooldowns(p, r.cooldowns), free_units(p, r.near), tostring(seq) }
end

local function stale(p, kind, list)
  for _, x in ipairs(list) do
    local v = tonumber(redis.call('HGET', p .. kind .. ':' .. x.id, 'v') or '0')
    if v ~= x.v - 1 then return { 'conflict', kind, x.id, v } end
  end
end

-- A unit can be sent with an order only while it is free, or is on that order already.
local function unit_taken(p, orders)
  for _, o in ipairs(orders) do
    if o.unit ~= '' and redis.call('HGET', p .. 'order:' .. o.id, 'unit') ~= o.unit
      and not redis.call('ZSCORE', p .. 'units:free', o.unit) then
      return { 'conflict', 'unit', o.unit, 0 }
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

local function index(p, set, was, is, score, id)
  if was and was ~= is then redis.call('ZREM', p .. set .. was, id) end
  if is then redis.call('ZADD', p .. set .. is, score, id) end
end

local function alarm(p, member, at)
  if at then redis.call('ZADD', p .. 'alarms', at, member) else redis.call('ZREM', p .. 'alarms', member) end
end

local function mark(p, set, on, score, id)
  if on then redis.call('ZADD', p .. set, score, id) else redis.call('ZREM', p .. set, id) end
end

-- Of a record's first version nothing older can stand anywhere: `stale` has seen that there is none.
local function put_order(p, o)
  local key = p .. 'order:' .. o.id
  local old = o.v > 1 and redis.call('HMGET', key, 'state', 'holder', 'unit') or {}
  redis.call('HSET', key, 'v', o.v, 'state', o.state, 'holder', o.open and o.body or '', 'json', o.json)
  redis.call('ZADD', p .. 'orders', o.opened, o.id)
  index(p, 'orders:state:', old[1], o.state, o.opened, o.id)
  index(p, 'orders:body:', old[2] and old[2] ~= '' and old[2], o.open and o.body, o.opened, o.id)
  for _, b in ipairs(o.seen_by) do redis.call('ZADD', p .. 'orders:seen:' .. b, o.opened, o.id) end
  mark(p, 'orders:open', o.open, o.opened, o.id)
  if o.v > 1 or o.overdue then mark(p, 'orders:overdue', o.open and o.overdue, o.opened, o.id) end
  alarm(p, 'order:' .. o.id, o.alarm)
  if (old[3] or '') ~= o.unit then engage(p, old[3] or '', o.unit, o.id) end
end

local function put_alert(p, a)
  local key = p .. 'alert:' .. a.id
  local old = a.v > 1 and redis.call('HGET', key, 'state')
  redis.call('HSET', key, 'v', a.v, 'state', a.state, 'json', a.json)
  redis.call('ZADD', p .. 'alerts', a.raised, a.id)
  index(p, 'alerts:state:', old, a.state, a.raised, a.id)
  alarm(p, 'alert:' .. a.id, a.alarm)
end

local function put_dossier(p, d)
  local key = p .. 'dossier:' .. d.id
  local old = d.v > 1 and redis.call('HMGET', key, 'state', 'grade', 'by') or {}
  redis.call('HSET', key, 'v', d.v, 'state', d.state, 'grade', d.grade, 'by', table.concat(d.by, '\n'),
    'seen', table.concat(d.seen_by, '\n'), 'json', d.json)
  redis.call('ZADD', p .. 'dossiers', d.opened, d.id)
  index(p, 'dossiers:state:', old[1], d.state, d.opened, d.id)
  index(p, 'dossiers:grade:', old[2], d.grade, d.opened, d.id)
  for _, b in ipairs(d.seen_by) do redis.call('ZADD', p .. 'dossiers:seen:' .. b, d.opened, d.id) end
  -- A call finds a dossier by whom and where; what merged or lost those calls is found no longer.
  local by = {}
  for _, k in ipairs(d.by) do by[k] = true end
  for k in string.gmatch(old[3] or '', '[^\n]+') do
    if not by[k] then redis.call('ZREM', p .. 'dossiers:' .. k, d.id) end
  end
  for k in pairs(by) do redis.call('ZADD', p .. 'dossiers:' .. k, d.touched, d.id) end
  alarm(p, 'dossier:' .. d.id, d.alarm)
end

local function queue(p, m)
  redis.call('HSET', p .. 'msg:' .. m.id, 'json', m.json, 'body', m.body, 'state', 'queued', 'tries', 0,
    'created', m.created)
  redis.call('XADD', p .. 'outbox', '*', 'id', m.id, 'body', m.body)
end

-- commit: one change, whole or not at all. Answers {ok} | {already, stored answer} | {conflict, kind, id, version}.
local function commit(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  if r.idem then
    local done = redis.call('GET', p .. 'idem:' .. r.idem)
    if done then return { 'already', done } end
  end
  local again
  if r.call then
    local c = redis.call('HMGET', p .. 'call:' .. r.call.id, 'status', 'answer', 'again')
    if c[1] == 'committed' then return { 'already', c[2] } end
    again = c[3]
  end
  local bad = stale(p, 'order', r.orders) or stale(p, 'alert', r.alerts) or stale(p, 'dossier', r.dossiers)
    or unit_taken(p, r.orders)
  if bad then return bad end
  for _, c in ipairs(r.claims) do
    local n = redis.call('ZCARD', p .. c.key)
    if n ~= c.count then return { 'conflict', 'claim', c.key, n } end
  end
  if r.call then
    -- A later call about the same thing did not wait for this one any longer: look again, its order is there.
    if again then return { 'conflict', 'call', r.call.id, 0 } end
    for _, id in ipairs(r.call.over) do
      local status = redis.call('HGET', p .. 'call:' .. id, 'status')
      if status == 'committed' then return { 'conflict', 'call', id, 0 } end
      if status == 'accepted' then redis.call('HSET', p .. 'call:' .. id, 'again', '1') end
    end
  end
  if r.call then
    redis.call('HSET', p .. 'call:' .. r.call.id, 'status', 'committed', 'answer', r.call.answer, 'outcome',
      r.call.outcome, 'order', r.call.order)
    redis.call('ZREM', p .. 'pending', r.call.id)
    redis.call('HDEL', p .. 'undecided', r.call.id)
    redis.call('ZADD', p .. 'calls', r.call.at, r.call.id)
  end
  for _, m in ipairs(r.moved) do
    redis.call('HSET', p .. 'call:' .. m.id, 'order', m.order, 'outcome', m.outcome)
  end
  for _, o in ipairs(r.orders) do put_order(p, o) end
  for _, a in ipairs(r.alerts) do put_alert(p, a) end
  for _, d in ipairs(r.dossiers) do put_dossier(p, d) end
  for _, m in ipairs(r.messages) do queue(p, m) end
  for _, e in ipairs(r.log) do entry(p, e) end
  for _, c in ipairs(r.cooldowns) do redis.call('SET', p .. 'cool:' .. c.key, c.value, 'PX', c.ms) end
  for _, w in ipairs(r.wakes) do
    if w.payload == '' then
      redis.call('DEL', p .. 'wake:' .. w.key)
      alarm(p, 'wake:' .. w.key)
    else
      redis.call('SET', p .. 'wake:' .. w.key, w.payload)
      alarm(p, 'wake:' .. w.key, w.at)
    end
  end
  for name, n in pairs(r.counts) do redis.call('HINCRBY', p .. 'counts', name, n) end
  for _, l in ipairs(r.labels) do redis.call('XADD', p .. 'labels', '*', 'j', l) end
  if r.idem then redis.call('SET', p .. 'idem:' .. r.idem, r.idem_answer, 'PX', HOOK_MS) end
  return { 'ok' }
end

-- ask: windows and cool-downs for an event that is no call (an order's step, a timer).
local function ask(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  return { windows(p, r.windows), cooldowns(p, r.cooldowns) }
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

-- settle: what became of one try to deliver one message; acknowledges it on the stream.
local function settle(keys, args)
  local p, r = prefix(keys[1]), cmsgpack.unpack(args[1])
  redis.call('XACK', p .. 'outbox', 'delivery', r.entry_id)
  redis.call('XDEL', p .. 'outbox', r.entry_id)
  local msg = p .. 'msg:' .. r.id
  local state = redis.call('HGET', msg, 'state')
  if not state or state == 'delivered' then return { 'already' } end
  local tries = redis.call('HINCRBY', msg, 'tries', r.tried and 1 or 0)
  redis.call('HSET', msg, 'state', r.state, 'last', r.last)
  if r.state == 'waiting' then redis.call('ZADD', p .. 'retry', r.retry_at, r.id) end
  if r.state == 'dead' then redis.call('ZADD', p .. 'dead', r.now, r.id) end
  if r.state == 'delivered' then
    redis.call('HDEL', msg, 'json')
    redis.call('PEXPIRE', msg, HOOK_MS)
  end
  redis.call('HINCRBY', p .. 'counts', 'fenliu_deliveries_total|outcome=' .. r.state, 1)
  if r.tried then
    redis.call('LPUSH', p .. 'tries:' .. r.body, r.row)
    redis.call('LTRIM', p .. 'tries:' .. r.body, 0, 299)
  end
  if r.entry then entry(p, r.entry) end
  return { r.state, tries }
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
