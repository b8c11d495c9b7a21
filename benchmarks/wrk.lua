-- Script for wrk; PATHS, PARTS, FORMAT, STRIDE and NUMBERS stand before it.
-- Each request is PARTS joined by its number; numbers come in no order.
local number = 0
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function request()
  number = number + 1
  return "POST " .. PATHS[number % #PATHS + 1] .. table.concat(PARTS, string.format(FORMAT, number * STRIDE % NUMBERS))
end

function response(status)
  local name = "s" .. status
  _G[name] = (_G[name] or 0) + 1
end

function done(summary, latency)
  local statuses = {}
  for code = 100, 599 do
    local total = 0
    for _, thread in ipairs(threads) do total = total + (thread:get("s" .. code) or 0) end
    if total > 0 then statuses[#statuses + 1] = string.format('"%d":%d', code, total) end
  end
  for name, count in pairs(summary.errors) do
    if count > 0 and name ~= "status" then statuses[#statuses + 1] = string.format('"%s error":%d', name, count) end
  end
  io.stderr:write(string.format(
    '\nRESULT {"requests":%d,"seconds":%.6f,"mean":%.4f,"p50":%.4f,"p99":%.4f,"most":%.4f,"statuses":{%s}}\n',
    summary.requests, summary.duration / 1e6, latency.mean / 1e3, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, table.concat(statuses, ",")))
end
