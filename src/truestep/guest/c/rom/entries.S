# The start of the ROM (docs/machine.md M9.3, M9.4): an operation is a function called with ra = 0, so it returns to
# address 0, which exits with its result. The entry of operation number n is at 8 + 4 * n.

    .option norelax
    .section .entries, "ax"
    .globl exit_with_result
exit_with_result:
    li a7, 93
    ecall

    .irp name, fadd, fsub, fmul, fdiv, fsqrt, fsgnj, fsgnjn, fsgnjx, fmin, fmax
    j \name\()_s
    j \name\()_d
    .endr
    j fcvt_s_d
    j fcvt_d_s
    .irp name, fle, flt, feq, fclass, fcvt_w, fcvt_wu, fcvt_l, fcvt_lu
    j \name\()_s
    j \name\()_d
    .endr
    .irp name, w, wu, l, lu
    j fcvt_s_\name
    j fcvt_d_\name
    .endr
    .irp name, fmadd, fmsub, fnmsub, fnmadd
    j \name\()_s
    j \name\()_d
    .endr
