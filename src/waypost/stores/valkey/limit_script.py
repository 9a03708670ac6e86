"""The script by which nodes count limits together, and the form of what it is asked.

One call takes all limits of a request or none; another one corrects what was taken. The server's clock is the only one
that counts. What is asked and answered is msgpack, one string each way.

A counter is kept as `policy.limits.Counter` keeps it, with the same rules for giving back, in tokens or requests and
microseconds: `[backlog, at, serial, amount, window, serial, low, serial, low, …]`, in numbers of 53 bits. Serials go up
with the clock, so that a counter that was whole, and is forgotten, gives nothing back for what was taken before. A
gauge is a hash of how many exchanges each node has under way; those of a node that is not alive do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from typing import Final, Literal

import msgspec

PREFIX: Final = "waypost:limits:v1:"
#: A node that has not said for so long that it is alive is taken for dead.
ALIVE_MS: Final = 10_000

Wanted = tuple[str, int, int, int]
"""The name of a counter, a number, the limit's amount, and its window in microseconds: 0 for a gauge."""
Correction = tuple[str, int, int, int, int]
"""The name of a counter, the serial of a take, what was not used of it (what was used beyond: negative), the amount and
the window. For a gauge: its name, 0, by how many it changed, and zeros."""

SCRIPT: Final = b"""
local kind, prefix, node, list = unpack(cmsgpack.unpack(ARGV[1]))
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

local function load(key, amount, window)
  local raw = redis.call('GET', key)
  if not raw then return {0, now, 0, amount, window} end
  local row = cmsgpack.unpack(raw)
  if row[2] < now then
    row[1] = math.max(0, row[1] - (now - row[2]) * row[4] / row[5])
    row[2] = now
  end
  return row
end

local function save(key, row)
  local whole_ms = math.ceil(row[1] * row[5] / row[4] / 1000) + 1000
  redis.call('SET', key, cmsgpack.pack(row), 'PX', string.format('%.0f', whole_ms))
end

local function count(row, number)
  local last = #row
  while last > 5 and row[last] >= row[1] do
    row[last], row[last - 1] = nil, nil
    last = last - 2
  end
  row[3] = math.max(row[3] + 1, now)
  row[last + 1], row[last + 2] = row[3], row[1]
  last = last + 2
  if last > 133 then
    local kept = {row[1], row[2], row[3], row[4], row[5]}
    local pairs_end = last - (last - 5) % 4
    for i = 6, pairs_end, 4 do
      kept[#kept + 1], kept[#kept + 2] = row[i + 2], row[i + 1]
    end
    for i = pairs_end + 1, last do kept[#kept + 1] = row[i] end
    row = kept
  end
  row[1] = row[1] + number
  return row
end

local function give_back(row, serial, number)
  local place, last = 6, #row
  while place < last and row[place] <= serial do place = place + 2 end
  if place < last then
    number = math.min(number, row[place + 1])
    for i = place + 1, last, 2 do row[i] = row[i] - number end
    local lowest, from = row[place + 1], place
    while from > 6 and row[from - 1] >= lowest do from = from - 2 end
    if from < place then
      for i = place, last do row[from + i - place] = row[i] end
      for i = last - (place - from) + 1, last do row[i] = nil end
    end
  end
  row[1] = math.max(0, row[1] - number)
end

local function under_way(key)
  local all, open = redis.call('HGETALL', key), 0
  for i = 1, #all, 2 do
    if all[i] == node or redis.call('EXISTS', prefix .. 'node:' .. all[i]) == 1 then
      open = open + all[i + 1]
    else
      redis.call('HDEL', key, all[i])
    end
  end
  return open
end

local function add(key, number)
  if redis.call('HINCRBY', key, node, number) <= 0 then redis.call('HDEL', key, node) end
  if number > 0 then redis.call('EXPIRE', key, 604800) end
end

if kind == 't' then
  local failed, wait, told, rows = 0, 0, {0, 0}, {}
  for i, ask in ipairs(list) do
    local key, number, amount, window = prefix .. ask[1], ask[2], ask[3], ask[4]
    local stands
    if window == 0 then
      stands = under_way(key)
      if failed == 0 and stands >= amount then failed = i end
    else
      local row = load(key, amount, window)
      if row[4] ~= amount or row[5] ~= window then
        -- another limit by now: as empty, in parts of the whole, as the old one was
        local backlog = math.ceil(row[1] * amount / row[4])
        row = {backlog, now, math.max(row[3] + 1, now), amount, window}
        row[6], row[7] = row[3], 0
      end
      rows[i] = row
      stands = row[1]
      local over = row[1] + number - amount
      if failed == 0 and over > amount / window then
        failed, wait = i, math.ceil(over * window / amount)
      end
    end
    told[2 * i + 1], told[2 * i + 2] = stands, 0
  end
  if failed == 0 then
    for i, ask in ipairs(list) do
      local key = prefix .. ask[1]
      if ask[4] == 0 then
        add(key, 1)
      else
        local row = count(rows[i], ask[2])
        save(key, row)
        told[2 * i + 1], told[2 * i + 2] = row[1], row[3]
      end
    end
  end
  told[1], told[2] = failed, wait
  return cmsgpack.pack(told)
end

for _, line in ipairs(list) do
  local key, number = prefix .. line[1], line[3]
  if line[5] == 0 then
    add(key, number)
  elseif number > 0 then
    if redis.call('EXISTS', key) == 1 then
      local row = load(key, line[4], line[5])
      give_back(row, line[2], number)
      save(key, row)
    end
  else
    save(key, count(load(key, line[4], line[5]), -number))
  end
end
return 'OK'
"""

_SHA: Final = sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()
_HEAD: Final = b"*4\r\n$7\r\nEVALSHA\r\n$40\r\n" + _SHA + b"\r\n$1\r\n0\r\n$%d\r\n%b\r\n"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[float])


def render_call(
    kind: Literal["t", "s"], prefix: str, node: str, lines: Sequence[Wanted] | Sequence[Correction]
) -> bytes:
    """The command that takes (`t`) or corrects (`s`)."""
    asked = _ENCODER.encode((kind, prefix, node, lines))
    return _HEAD % (len(asked), asked)


def render(*words: bytes) -> bytes:
    """Any command."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def parse_answer(data: object, asked: int) -> list[float] | None:
    """What a take came to: which line failed (from 1; 0: none), the microseconds to wait, and of each line the backlog
    and the serial. None when it is not that."""
    if not isinstance(data, bytes):
        return None
    try:
        told = _DECODER.decode(data)
    except msgspec.MsgspecError:
        return None
    return told if len(told) == 2 + 2 * asked and 0 <= told[0] <= asked else None


def place_of_node(prefix: str, node: str) -> bytes:
    """Where a node says that it is alive."""
    return f"{prefix}node:{node}".encode()
