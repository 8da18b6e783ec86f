-- What wrk sends: the operation and the seed that stand behind "--". The same
-- seed asks everyone the same. All requests are made before the clock starts.
-- "all" reads every feed, from the one behind the seed on. Then may follow how
-- many participants there are, and how many ms each connection waits between
-- two requests.
-- Feeds 3..9998 have 8 items, 10003..19998 have 48 (see posts.sql).
local next_request
local people = 20000

local function gets(first, last, step, path)
    local list = {}
    for n = first, last, step do
        list[#list + 1] = wrk.format("GET", path:format(n))
    end
    return list
end

local function feeds(first, last, step)
    return gets(first, last, step, "/participant/%d/inbound")
end

local function words(count)
    local list = {}
    for i = 1, count do list[i] = math.random(0, 39999) end
    return table.concat(list, " ")
end

local function posts()
    local list = {}
    for i = 1, 5000 do
        list[i] = wrk.format("POST",
            "/participant/" .. math.random(people) .. "/outbound",
            {["Content-Type"] = "application/json"},
            '{"subject":"' .. words(5) .. '","story":"' .. words(150) .. '"}')
    end
    return list
end

local function shuffled(list)
    for i = #list, 2, -1 do
        local j = math.random(i)
        list[i], list[j] = list[j], list[i]
    end
    return list
end

local function any_of(list)
    return function() return list[math.random(#list)] end
end

local function in_turn(list, last)
    return function()
        last = last % #list + 1
        return list[last]
    end
end

local operations = {
    all = function(seed) return in_turn(feeds(1, 20000, 1), seed) end,
    ["hit 8"] = function() return any_of(feeds(10, 9990, 20)) end,
    ["hit 48"] = function() return any_of(feeds(10010, 19990, 20)) end,
    ["miss 8"] = function() return in_turn(feeds(3, 9998, 1), 0) end,
    ["miss 48"] = function() return in_turn(feeds(10003, 19998, 1), 0) end,
    ["growth hit"] = function() return any_of(feeds(1, 500, 1)) end,
    ["growth miss 8"] = function()
        return in_turn(shuffled(
            gets(1, people, 1, "/participant/%d/inbound?limit=8")), 0)
    end,
    ["growth miss 50"] = function()
        return in_turn(shuffled(feeds(1, people, 1)), 0)
    end,
    search = function()
        return any_of(gets(0, 39999, 1, "/outbound?keywords=%d"))
    end,
    mixed = function()
        local read, write = any_of(feeds(1, 20000, 1)), any_of(posts())
        return function()
            return math.random(10) == 1 and write() or read()
        end
    end,
    post = function() return any_of(posts()) end,
}

function init(args)
    math.randomseed(tonumber(args[2]))
    people = tonumber(args[3]) or people
    local pause = tonumber(args[4])
    if pause then -- wrk knows whole ms alone
        delay = function() return math.floor(pause + math.random()) end
    end
    next_request = operations[args[1]](tonumber(args[2]))
end

function request()
    return next_request()
end

-- One line for a program to read; times in microseconds.
function done(summary, latency)
    local e = summary.errors
    io.write(string.format('result {"requests":%d,"duration":%d,"bytes":%d,' ..
        '"p50":%d,"p95":%d,"p99":%d,"max":%d,"errors":{"connect":%d,' ..
        '"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
        summary.requests, summary.duration, summary.bytes,
        latency:percentile(50), latency:percentile(95), latency:percentile(99),
        latency.max, e.connect, e.read, e.write, e.timeout, e.status))
end
