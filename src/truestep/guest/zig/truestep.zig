//! What a guest has: its input and output, its place among the shards, debug text, a heap (truestep.h).
const std = @import("std");

const runtime = struct {
    extern fn read_input(buf: *[*]const u8, size: *usize) void;
    extern fn write_output(buf: [*]const u8, size: usize) void;
    extern fn debug_write(text: [*]const u8, size: usize) void;
    extern fn job_seed() *const [32]u8;
    extern fn shard_index() u64;
    extern fn shard_count() u64;
    extern fn malloc(size: usize) ?[*]u8;
    extern fn aligned_alloc(alignment: usize, size: usize) ?[*]u8;
    extern fn realloc(block: ?*anyopaque, size: usize) ?[*]u8;
    extern fn free(block: ?*anyopaque) void;
    extern fn _Exit(code: c_int) noreturn;
};

/// The shard's input.
pub fn input() []const u8 {
    var start: [*]const u8 = undefined;
    var size: usize = undefined;
    runtime.read_input(&start, &size);
    return start[0..size];
}

/// Appends bytes to the output.
pub fn output(bytes: []const u8) void {
    runtime.write_output(bytes.ptr, bytes.len);
}

/// Appends formatted text to the output.
pub fn print(comptime format: []const u8, arguments: anytype) void {
    const text = std.fmt.allocPrint(allocator, format, arguments) catch @panic("out of memory");
    defer allocator.free(text);
    output(text);
}

/// Shows formatted text to whoever runs the guest; it is no part of the result.
pub fn debug(comptime format: []const u8, arguments: anytype) void {
    const text = std.fmt.allocPrint(allocator, format, arguments) catch return;
    defer allocator.free(text);
    runtime.debug_write(text.ptr, text.len);
}

/// The job's seed.
pub fn seed() *const [32]u8 {
    return runtime.job_seed();
}

/// This shard's number, from 0.
pub fn shardIndex() u64 {
    return runtime.shard_index();
}

/// How many shards the job has.
pub fn shardCount() u64 {
    return runtime.shard_count();
}

/// Ends the run at once.
pub fn exit(code: u8) noreturn {
    runtime._Exit(code);
}

/// The C runtime's heap.
pub const allocator: std.mem.Allocator = .{ .ptr = undefined, .vtable = &.{
    .alloc = allocate,
    .resize = resize,
    .remap = remap,
    .free = release,
} };

fn allocate(_: *anyopaque, size: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
    return runtime.aligned_alloc(alignment.toByteUnits(), alignment.forward(size));
}

fn resize(_: *anyopaque, memory: []u8, _: std.mem.Alignment, size: usize, _: usize) bool {
    return size <= memory.len;
}

fn remap(_: *anyopaque, memory: []u8, alignment: std.mem.Alignment, size: usize, _: usize) ?[*]u8 {
    if (size <= memory.len) return memory.ptr;
    return if (alignment.toByteUnits() <= 16) runtime.realloc(memory.ptr, size) else null;
}

fn release(_: *anyopaque, memory: []u8, _: std.mem.Alignment, _: usize) void {
    runtime.free(memory.ptr);
}
