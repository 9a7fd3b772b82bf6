/* The shortest decimal that reads back as the same float: exact arithmetic on large integers (Steele and White,
   1990; the variant with fixed scaling). Slow, a few ten thousand steps, and only for people to read.          */
#include <string.h>

#include "runtime.h"

enum { LIMBS = 36 }; /* 1152 bits: 2^1077 · 10, the largest number below, fits */

typedef struct {
    uint32_t limbs[LIMBS];
} natural;

static void multiply(natural *n, uint32_t factor) {
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)n->limbs[i] * factor;
        n->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void shift_left(natural *n, int bits) {
    for (; bits >= 31; bits -= 31) multiply(n, 1u << 31);
    multiply(n, 1u << bits);
}

static int compare(const natural *left, const natural *right) {
    for (int i = LIMBS; i-- > 0;)
        if (left->limbs[i] != right->limbs[i]) return left->limbs[i] < right->limbs[i] ? -1 : 1;
    return 0;
}

static natural sum(const natural *left, const natural *right) {
    natural total;
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)left->limbs[i] + right->limbs[i];
        total.limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return total;
}

static void subtract(natural *left, const natural *right) {
    int64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        borrow += (int64_t)left->limbs[i] - right->limbs[i];
        left->limbs[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
}

/* value = numerator / denominator; the halves of the gaps to its neighbours, over the same denominator. */
typedef struct {
    natural numerator, denominator, gap_above, gap_below;
    int is_even; /* a number on the border of an even number's interval reads as it */
} fraction;

static void multiply_by_powers_of_ten(fraction *f, int power) {
    for (; power > 0; power--) {
        uint32_t factor = power >= 9 ? 1000000000 : 10;
        if (power >= 9) power -= 8;
        multiply(&f->numerator, factor);
        multiply(&f->gap_above, factor);
        multiply(&f->gap_below, factor);
    }
}

/* Brings the value to within a factor of some tens below one, from the size of its binary exponent. */
static void scale_near_one(fraction *f, double value, int *exponent) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int binary = (int)(bits >> 52) - 1022; /* value < 2^binary */
    *exponent = binary * 30103 / 100000 - (binary < 0 ? 0 : 1);
    if (*exponent < 0) multiply_by_powers_of_ten(f, -*exponent - 1), ++*exponent;
    else
        for (int power = *exponent; power > 0; power--) multiply(&f->denominator, 10);
}

static int reaches(const fraction *f, int order) { return f->is_even ? order >= 0 : order > 0; }

static int is_above_one(const fraction *f) {
    natural high = sum(&f->numerator, &f->gap_above);
    return reaches(f, compare(&high, &f->denominator));
}

static fraction fraction_of(double value, int is_single) {
    uint64_t bits, mantissa;
    int exponent, mantissa_bits = is_single ? 23 : 52, least = is_single ? -149 : -1074;
    if (is_single) {
        float single = (float)value;
        uint32_t word;
        memcpy(&word, &single, sizeof word);
        bits = word;
    } else {
        memcpy(&bits, &value, sizeof bits);
    }
    mantissa = bits & (((uint64_t)1 << mantissa_bits) - 1);
    exponent = (int)(bits >> mantissa_bits);
    int is_lowest = mantissa == 0 && exponent > 1; /* its lower neighbour is half as far away */
    if (exponent) mantissa |= (uint64_t)1 << mantissa_bits;
    exponent = (exponent ? exponent - 1 : 0) + least;

    fraction f = {.is_even = !(mantissa & 1)};
    f.numerator.limbs[0] = (uint32_t)mantissa;
    f.numerator.limbs[1] = (uint32_t)(mantissa >> 32);
    f.denominator.limbs[0] = f.gap_above.limbs[0] = f.gap_below.limbs[0] = 1;
    shift_left(&f.numerator, 1 + is_lowest + (exponent > 0 ? exponent : 0));
    shift_left(&f.denominator, 1 + is_lowest + (exponent < 0 ? -exponent : 0));
    shift_left(&f.gap_above, is_lowest + (exponent > 0 ? exponent : 0));
    shift_left(&f.gap_below, exponent > 0 ? exponent : 0);
    return f;
}

int truestep_shortest_digits(double value, int is_single, char digits[20], int *exponent) {
    int count = 0, low, high;
    *exponent = 0;
    if (value == 0) {
        digits[0] = '0';
        *exponent = 1;
        return 1;
    }
    fraction f = fraction_of(value, is_single);
    scale_near_one(&f, value, exponent);
    for (; is_above_one(&f); ++*exponent) multiply(&f.denominator, 10);
    for (;; --*exponent) {
        fraction scaled = f;
        multiply_by_powers_of_ten(&scaled, 1);
        if (is_above_one(&scaled)) break;
        f = scaled;
    }
    do {
        int digit = 0;
        multiply_by_powers_of_ten(&f, 1);
        for (; compare(&f.numerator, &f.denominator) >= 0; digit++) subtract(&f.numerator, &f.denominator);
        low = reaches(&f, compare(&f.gap_below, &f.numerator));
        high = is_above_one(&f);
        natural twice = sum(&f.numerator, &f.numerator);
        int order = compare(&twice, &f.denominator); /* of two that are as near, the even one is taken */
        if (high && (!low || order > 0 || (order == 0 && digit % 2))) digit++;
        digits[count++] = (char)('0' + digit);
    } while (!low && !high);
    return count;
}

/* 10^count, if all digits are nines and one is added. */
static int round_up(char *digits, int count, int *exponent) {
    for (int i = count; i-- > 0; digits[i] = '0')
        if (digits[i] != '9') return digits[i]++, count;
    digits[0] = '1';
    if (count) digits[count] = '0';
    ++*exponent;
    return count + 1;
}

int truestep_exact_digits(double value, int places, int is_after_point, char *digits, int *exponent) {
    *exponent = 1;
    if (value == 0) {
        int zeros = is_after_point ? places + 1 : places;
        memset(digits, '0', (size_t)zeros);
        return zeros;
    }
    fraction f = fraction_of(value, 0);
    f.gap_above = (natural){0};
    f.is_even = 1; /* so that is_above_one() compares the value itself */
    *exponent = 0;
    scale_near_one(&f, value, exponent);
    for (; is_above_one(&f); ++*exponent) multiply(&f.denominator, 10);
    for (;; --*exponent) {
        fraction scaled = f;
        multiply_by_powers_of_ten(&scaled, 1);
        if (is_above_one(&scaled)) break;
        f = scaled;
    }
    int wanted = is_after_point ? *exponent + places : places;
    for (int i = 0; i < wanted; i++) {
        multiply_by_powers_of_ten(&f, 1);
        for (digits[i] = '0'; compare(&f.numerator, &f.denominator) >= 0; digits[i]++)
            subtract(&f.numerator, &f.denominator);
    }
    if (wanted < 0) return 0;
    natural twice = sum(&f.numerator, &f.numerator);
    int order = compare(&twice, &f.denominator);
    int is_odd = wanted && (digits[wanted - 1] - '0') % 2;
    if (order < 0 || (order == 0 && !is_odd)) return wanted;
    int count = round_up(digits, wanted, exponent);
    return is_after_point || count == wanted ? count : wanted;
}
