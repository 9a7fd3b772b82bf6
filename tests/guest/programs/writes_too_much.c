/* Writes 8 bytes, then one byte more than the rest of the output's window holds. */
#include <truestep.h>

int main(void) {
    write_output(job_seed(), 8);
    write_output(job_seed(), TRUESTEP_OUTPUT_LIMIT - 7);
    return 0;
}
