// sorting, regular expressions, numbers, closures, JSON
var say = typeof print === "function" ? print : console.log;
function primes(n) {
  var sieve = [], found = [];
  for (var i = 2; i <= n; i++) {
    if (sieve[i]) continue;
    found.push(i);
    for (var j = i * i; j <= n; j += i) sieve[j] = true;
  }
  return found;
}
var found = primes(20000);
say(found.length, found[found.length - 1], found.slice(0, 12).join(" "));
var counts = {};
"the quick brown fox jumps over the lazy dog the end".replace(/[a-z]+/g, function (word) {
  counts[word] = (counts[word] || 0) + 1;
});
say(JSON.stringify(counts), JSON.stringify({ a: [1, 2.5, null, "\u00e9\n"], b: { c: true } }, null, 2));
say([5, 1, 10, 2, 33].sort().join(), [5, 1, 10, 2, 33].sort(function (a, b) { return a - b; }).join());
say(0.1 + 0.2, 1e21, 1 / 3, -0 === 0, 1e-7, 123456789012345680000, (255).toString(16), (0.1).toFixed(20));
say(parseFloat("3.25abc"), parseInt("077", 8), Number(""), Number("0x1f"), isNaN("x"), (1234.5678).toExponential(2));
say(/(\d+)-(\d+)/.exec("tel 030-12345 x").join("|"), "a-b-c".split("-").reverse().join("+"));
try { null.x; } catch (error) { say(error instanceof TypeError); }
function Point(x, y) { this.x = x; this.y = y; }
Point.prototype.toString = function () { return "(" + this.x + ", " + this.y + ")"; };
say("" + new Point(1, 2.5), Math.max(3, 7, -1), Math.round(2.5), Math.round(-2.5));
var sum = 0;
for (var k = 1; k <= 100000; k++) sum += Math.sin(k) / k;
say(sum.toFixed(10), new Date(Date.UTC(2026, 10, 26, 12, 30)).toISOString(), encodeURIComponent("ä b&c"));
