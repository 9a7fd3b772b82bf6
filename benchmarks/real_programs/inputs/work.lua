-- Objects, closures, strings, sorting, tables and floats, in about equal parts.
local state = 12345
local function random(limit)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % limit
end

local function queens(n)
  local count, columns, up, down = 0, {}, {}, {}
  local function place(row)
    if row > n then count = count + 1; return end
    for column = 1, n do
      local a, b = row + column, row - column + n
      if not (columns[column] or up[a] or down[b]) then
        columns[column], up[a], down[b] = true, true, true
        place(row + 1)
        columns[column], up[a], down[b] = nil, nil, nil
      end
    end
  end
  place(1)
  return count
end
print("queens", queens(8))

local Account = {}
Account.__index = Account
function Account.new(balance) return setmetatable({ balance = balance, moves = 0 }, Account) end
function Account:move(amount)
  self.balance = self.balance + amount
  self.moves = self.moves + 1
  return self
end
local accounts = {}
for i = 1, 100 do accounts[i] = Account.new(i) end
for i = 1, 800000 do accounts[random(100) + 1]:move(i % 7 - 3) end
local total, moves = 0, 0
for _, account in ipairs(accounts) do total, moves = total + account.balance, moves + account.moves end
print("accounts", total, moves)

local words, counts = {}, {}
for i = 1, 80000 do words[i] = string.char(97 + random(26), 97 + random(26)) .. (i % 50) end
for _, word in ipairs(words) do counts[word] = (counts[word] or 0) + 1 end
local keys = {}
for word in pairs(counts) do keys[#keys + 1] = word end
table.sort(keys, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
print("words", #keys, keys[1], counts[keys[1]], keys[#keys])
local text = table.concat(words, " ")
local vowels = select(2, text:gsub("[aeiou]", ""))
local longest = 0
for run in text:gmatch("%d+") do longest = math.max(longest, tonumber(run)) end
print("text", #text, vowels, longest, (text:find("zz49", 1, true)))

local function matrix(n, f)
  local rows = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do row[j] = f(i, j) end
    rows[i] = row
  end
  return rows
end
local n = 110
local a = matrix(n, function(i, j) return (i * j) % 11 / 3 end)
local b = matrix(n, function(i, j) return (i + 2 * j) % 7 / 5 end)
local product = matrix(n, function(i, j)
  local sum, row = 0.0, a[i]
  for k = 1, n do sum = sum + row[k] * b[k][j] end
  return sum
end)
local trace = 0.0
for i = 1, n do trace = trace + product[i][i] end
print("trace", string.format("%.9f", trace))

local function numbers(limit)
  return coroutine.wrap(function() for i = 1, limit do coroutine.yield(i * i % 97) end end)
end
local sum = 0
for value in numbers(300000) do sum = sum + value end
print("coroutine", sum)
