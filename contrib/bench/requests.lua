-- What wrk sends: the operation and the seed that stand behind "--". The same
-- seed asks everyone the same. All requests are made before the clock starts.
-- "all" reads every feed, from the one behind the seed on, "all by habit" those
-- first that are read least. Then may follow how many participants there are,
-- and how many ms each connection waits between two requests.
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

local function posts(author)
    local list = {}
    for i = 1, 5000 do
        list[i] = wrk.format("POST",
            "/participant/" .. author() .. "/outbound",
            {["Content-Type"] = "application/json"},
            '{"subject":"' .. words(5) .. '","story":"' .. words(150) .. '"}')
    end
    return list
end

local function anyone()
    return math.random(people)
end

-- A number from 1 to `people`, the n-th as often as 1 / n ^ law says (Zipf's).
local function by_law(law)
    local top = people + 1
    if law == 1 then return math.floor(top ^ math.random()) end
    local rest = 1 - law
    return math.floor((1 + math.random() * (top ^ rest - 1)) ^ (1 / rest))
end

-- The feeds in order of how often they are read, which has nothing to do with
-- how many friends their readers have: these are fewer from number to number
-- (see habits.sql).
local function feeds_by_habit()
    local list = {}
    for n = 1, people do
        list[n] = wrk.format("GET", ("/participant/%d/inbound"):format(
            n * 7919 % people + 1))
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

local function reversed(list)
    local other = {}
    for i = #list, 1, -1 do other[#other + 1] = list[i] end
    return other
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

local function habits()
    local reads = feeds_by_habit()
    local write = any_of(posts(function() return by_law(0.515) end))
    return function()
        return math.random(100) <= 3 and write() or reads[by_law(1)]
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
        local read, write = any_of(feeds(1, 20000, 1)), any_of(posts(anyone))
        return function()
            return math.random(10) == 1 and write() or read()
        end
    end,
    post = function() return any_of(posts(anyone)) end,
    habits = habits, ["habits tenth"] = habits,
    ["all by habit"] = function(seed)
        return in_turn(reversed(feeds_by_habit()), seed)
    end,
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
