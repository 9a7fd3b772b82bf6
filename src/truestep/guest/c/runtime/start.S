# The first instructions of every guest. All registers are 0 here (M2.5).
    .section .text.start, "ax"
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax
    lla gp, __global_pointer$
    .option pop
    lla tp, __thread_pointer
    lla sp, __stack_top
    call __truestep_start
    ebreak
    .size _start, . - _start
