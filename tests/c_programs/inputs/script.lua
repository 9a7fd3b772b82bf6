-- closures, coroutines, patterns, sorting, numbers
local function primes(n)
  local sieve, found = {}, {}
  for i = 2, n do
    if not sieve[i] then
      found[#found + 1] = i
      for j = i * i, n, i do sieve[j] = true end
    end
  end
  return found
end
local p = primes(20000)
print(#p, p[#p], table.concat(p, " ", 1, 12))
local words = {}
for word in ("the quick brown fox jumps over the lazy dog the end"):gmatch("%a+") do words[word] = (words[word] or 0) + 1 end
local keys = {}
for word in pairs(words) do keys[#keys + 1] = word end
table.sort(keys)
for _, word in ipairs(keys) do io.write(word, "=", words[word], " ") end
print()
local walk = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i ^ 2, i // 2, i % 3, i << i) end end)
for _ = 1, 5 do print(walk()) end
print(select(2, pcall(function() error({ code = 7 }) end)).code)
print(select(2, pcall(function() local t = nil; return t.x end)))
print(string.format("%5.3f %g %a %q %x %10s|%-10s|", math.pi, 1e300 * 10, 0.1, "line\n", 255, "right", "left"))
print(1e15, 2^53, 10 // 3, 10.0 / 3, -7 // 2, -7 % 3, 7 // 0.0, math.maxinteger + 1 == math.mininteger)
print(string.pack("<i4d", 7, 1.5):byte(1, -1))
print(("%d items"):rep(3, ", "):format(1, 2, 3), ("hello"):gsub("l+", string.upper))
local Point = setmetatable({}, { __call = function(class, x, y) return setmetatable({ x = x, y = y }, class) end })
Point.__index = Point
Point.__add = function(a, b) return Point(a.x + b.x, a.y + b.y) end
Point.__tostring = function(a) return "(" .. a.x .. ", " .. a.y .. ")" end
print(tostring(Point(1, 2) + Point(0.5, -4)))
local sum = 0.0
for i = 1, 200000 do sum = sum + math.sin(i) / i end
print(string.format("%.12f", sum), utf8.len("naïve"), #tostring(print) > 0)
goto done
print("never")
::done::
print(os.getenv("HOME") == nil or true, os.time({ year = 2026, month = 1, day = 2, hour = 12 }) > 0)
