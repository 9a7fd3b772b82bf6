// Objects, closures, strings, regular expressions, sorting and floats, in about equal parts.
var state = 12345;
function random(limit) {
  state = (state * 69069 + 1) % 4294967296;
  return Math.floor(state / 65536) % limit;
}
function work() {
function queens(n) {
  var count = 0, columns = [], up = [], down = [];
  function place(row) {
    if (row > n) { count++; return; }
    for (var column = 1; column <= n; column++) {
      var a = row + column, b = row - column + n;
      if (columns[column] || up[a] || down[b]) continue;
      columns[column] = up[a] = down[b] = true;
      place(row + 1);
      columns[column] = up[a] = down[b] = false;
    }
  }
  place(1);
  return count;
}
print("queens", queens(7));

function Account(balance) { this.balance = balance; this.moves = 0; }
Account.prototype.move = function (amount) {
  this.balance += amount;
  this.moves++;
  return this;
};
var accounts = [], i, j, k;
for (i = 1; i <= 100; i++) accounts.push(new Account(i));
for (i = 1; i <= 150000; i++) accounts[random(100)].move(i % 7 - 3);
var total = accounts.reduce(function (sum, account) { return sum + account.balance * account.moves; }, 0);
print("accounts", total);

var words = [], counts = {};
for (i = 0; i < 15000; i++) words.push(String.fromCharCode(97 + random(26), 97 + random(26)) + i % 50);
words.forEach(function (word) { counts[word] = (counts[word] || 0) + 1; });
var keys = Object.keys(counts).sort(function (a, b) { return counts[b] - counts[a] || (a < b ? -1 : 1); });
print("words", keys.length, keys[0], counts[keys[0]], keys[keys.length - 1]);
var text = words.join(" ");
print("text", text.length, text.replace(/[aeiou]/g, "").length, text.match(/\b[a-m]{2}4\d\b/g).length, text.indexOf("zz49"));
print("JSON", JSON.stringify(JSON.parse(JSON.stringify({ words: words.slice(0, 4000), counts: counts }))).length);

function matrix(n, f) {
  var rows = [];
  for (i = 0; i < n; i++) {
    rows.push([]);
    for (j = 0; j < n; j++) rows[i].push(f(i, j));
  }
  return rows;
}
var n = 50;
var a = matrix(n, function (x, y) { return x * y % 11 / 3; });
var b = matrix(n, function (x, y) { return (x + 2 * y) % 7 / 5; });
var product = matrix(n, function (x, y) {
  var sum = 0;
  for (k = 0; k < n; k++) sum += a[x][k] * b[k][y];
  return sum;
});
var trace = 0;
for (i = 0; i < n; i++) trace += product[i][i];
print("trace", trace.toFixed(9));
var sum = 0;
for (i = 1; i <= 60000; i++) sum += Math.sqrt(i) / (1 + i % 13);
print("sum", sum.toFixed(6));
}
work();
