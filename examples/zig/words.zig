//! Counts the words of the input, and how much of the text each one is.
const std = @import("std");
const truestep = @import("truestep");

pub fn main() !void {
    var counts: std.StringArrayHashMapUnmanaged(u32) = .empty;
    var words = std.mem.tokenizeAny(u8, truestep.input(), " \n\t");
    var total: u32 = 0;
    while (words.next()) |word| {
        const entry = try counts.getOrPutValue(truestep.allocator, word, 0);
        entry.value_ptr.* += 1;
        total += 1;
    }
    std.log.info("{d} words", .{total});
    if (total == 0) return error.NoWords;
    for (counts.keys(), counts.values()) |word, count| {
        const share = @as(f64, @floatFromInt(count)) / @as(f64, @floatFromInt(total));
        truestep.print("{d} {s} {d:.2} %\n", .{ count, word, 100 * share });
    }
}
