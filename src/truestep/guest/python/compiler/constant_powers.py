"""Powers with the exponents 2, 3 and 4 without a call of pow, and with the bits that pow gives.

pow's result is within 0.511 units in the last place of the exact power, and 0.004 more for powers between
2^-128 and 2^128 (musl, src/math/pow.c: the error of its exp and, times the exponent, of its log). So where
the exact power is at least 0.02 units away from the middle between two floats, pow rounds it correctly, and
so does the product that is computed here with its error. What is nearer, or not between those bounds, is
left to pow.
"""

from typing import Any

from llvmlite import binding

_POW, _POWER = "truestep.math.pow", "truestep.power"

_DEFINITION = f"""
declare double @{_POW}(double, double) nounwind willreturn memory(none)
declare double @llvm.fma.f64(double, double, double)
declare double @llvm.fabs.f64(double)
declare i1 @llvm.is.constant.f64(double)

define linkonce_odr double @{_POWER}(double %x, double %y) alwaysinline nounwind willreturn memory(none) {{
  %is_known = call i1 @llvm.is.constant.f64(double %y)
  br i1 %is_known, label %known, label %general
known:
  %square = fmul double %x, %x
  %minus_square = fneg double %square
  %square_rest = call double @llvm.fma.f64(double %x, double %x, double %minus_square)
  %is_2 = fcmp oeq double %y, 2.0
  br i1 %is_2, label %rounded, label %above_2
above_2:
  %is_3 = fcmp oeq double %y, 3.0
  br i1 %is_3, label %cube, label %above_3
cube:
  %third = fmul double %square, %x
  %minus_third = fneg double %third
  %third_error = call double @llvm.fma.f64(double %square, double %x, double %minus_third)
  %third_carried = fmul double %square_rest, %x
  %third_rest = fadd double %third_error, %third_carried
  br label %rounded
above_3:
  %is_4 = fcmp oeq double %y, 4.0
  br i1 %is_4, label %fourth_power, label %general
fourth_power:
  %fourth = fmul double %square, %square
  %minus_fourth = fneg double %fourth
  %fourth_error = call double @llvm.fma.f64(double %square, double %square, double %minus_fourth)
  %twice = fadd double %square, %square
  %fourth_carried = fmul double %twice, %square_rest
  %fourth_rest = fadd double %fourth_error, %fourth_carried
  br label %rounded
rounded:
  %power = phi double [%square, %known], [%third, %cube], [%fourth, %fourth_power]
  %rest = phi double [%square_rest, %known], [%third_rest, %cube], [%fourth_rest, %fourth_power]
  %size = call double @llvm.fabs.f64(double %power)
  %is_above = fcmp ogt double %size, 0x37F0000000000000
  %is_below = fcmp olt double %size, 0x47F0000000000000
  %further = call double @llvm.fma.f64(double %rest, double 0x3FF0A3D700000000, double %power)
  %is_same = fcmp oeq double %further, %power
  %is_within = and i1 %is_above, %is_below
  %is_certain = and i1 %is_within, %is_same
  br i1 %is_certain, label %done, label %general, !prof !0
done:
  ret double %power
general:
  %result = call double @{_POW}(double %x, double %y)
  ret double %result
}}

!0 = !{{!"branch_weights", i32 2000, i32 1}}
"""
"""2^-128, 2^128 and 1.04 as LLVM writes them."""


def link_constant_powers(module: Any) -> None:
    """Let calls of pow in a program that is not optimised yet go through the function above."""
    for function in module.functions:
        if function.name == _POW:
            function.name = _POWER
            llvm: Any = binding
            module.link_in(llvm.parse_assembly(_DEFINITION))
            return
