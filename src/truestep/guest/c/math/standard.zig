// The functions of <math.h> that the compiler brings along in its own standard library, under their C names.
// The rest of libm comes from the same wheel: the compiler's runtime (exp, log, sin, …) and its musl (pow, erf, …).
const std = @import("std");
const math = std.math;

pub const panic = std.debug.no_panic;

fn exportPair(comptime name: []const u8, comptime double: *const anyopaque, comptime single: *const anyopaque) void {
    @export(double, .{ .name = name });
    @export(single, .{ .name = name ++ "f" });
}

fn Unary(comptime T: type, comptime function: anytype) type {
    return struct {
        fn call(x: T) callconv(.c) T {
            return function(x);
        }
    };
}

fn Binary(comptime T: type, comptime function: anytype) type {
    return struct {
        fn call(x: T, y: T) callconv(.c) T {
            return function(x, y);
        }
    };
}

fn exportUnary(comptime name: []const u8, comptime function: anytype) void {
    exportPair(name, &Unary(f64, function).call, &Unary(f32, function).call);
}

comptime {
    exportUnary("acos", math.acos);
    exportUnary("atan", math.atan);
    exportUnary("cbrt", math.cbrt);
    exportUnary("cosh", math.cosh);
    exportUnary("log1p", math.log1p);
    exportUnary("tanh", math.tanh);
    exportPair("hypot", &Binary(f64, math.hypot).call, &Binary(f32, math.hypot).call);
    // musl has the other precision of these two.
    @export(&Unary(f64, math.asin).call, .{ .name = "asin" });
    @export(&Unary(f32, math.acosh).call, .{ .name = "acoshf" });
}
