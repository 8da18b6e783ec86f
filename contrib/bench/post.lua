-- POST /participant/{id}/outbound: five words of subject, 150 of story.
local participants = tonumber(os.getenv("PARTICIPANTS"))
local headers = {["Content-Type"] = "application/json"}

local function words(count)
    local list = {}
    for i = 1, count do list[i] = math.random(40000) end
    return table.concat(list, " ")
end

local stories = {}
for i = 1, 500 do stories[i] = words(150) end

request = function()
    return wrk.format("POST",
        "/participant/" .. math.random(participants) .. "/outbound", headers,
        '{"subject":"' .. words(5) .. '","story":"' ..
        stories[math.random(#stories)] .. '"}')
end
