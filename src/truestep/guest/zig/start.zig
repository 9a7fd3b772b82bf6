//! The root of every Zig guest: calls the guest's `main`, and tells of panics and errors.
const std = @import("std");
const guest = @import("guest");
const truestep = @import("truestep");

const panic_exit_code = 101;

pub const panic = std.debug.FullPanic(panicked);
pub const std_options: std.Options = if (@hasDecl(guest, "std_options")) guest.std_options else .{ .logFn = log };

fn panicked(message: []const u8, _: ?usize) noreturn {
    truestep.debug("panic: {s}\n", .{message});
    truestep.exit(panic_exit_code);
}

fn log(
    comptime level: std.log.Level,
    comptime scope: @EnumLiteral(),
    comptime format: []const u8,
    arguments: anytype,
) void {
    const place = if (scope == .default) "" else "(" ++ @tagName(scope) ++ ")";
    truestep.debug(level.asText() ++ place ++ ": " ++ format ++ "\n", arguments);
}

export fn main() c_int {
    const Result = @typeInfo(@TypeOf(guest.main)).@"fn".return_type.?;
    switch (@typeInfo(Result)) {
        .void => guest.main(),
        .int => return guest.main(),
        .error_union => |kind| {
            const result = guest.main() catch |err| {
                truestep.debug("error: {s}\n", .{@errorName(err)});
                return 1;
            };
            if (kind.payload != void) return result;
        },
        else => @compileError("expected main to return void, u8, !void or !u8, got " ++ @typeName(Result)),
    }
    return 0;
}
