/* Upper and lower case, digits and the like: the tables of the installed Numba. */
#include <stdint.h>

#include "_unicodetype_db.h"

void numba_gettyperecord(uint64_t character_word, int32_t *upper, int32_t *lower, int32_t *title, uint8_t *decimal,
                         uint8_t *digit, uint16_t *flags) {
    uint32_t c = (uint32_t)character_word;
    int row = c < 0x110000 ? index2[(index1[c >> SHIFT] << SHIFT) + (int)(c & ((1u << SHIFT) - 1))] : 0;
    const numba_PyUnicode_TypeRecord *record = &numba_PyUnicode_TypeRecords[row];
    *upper = record->upper;
    *lower = record->lower;
    *title = record->title;
    *decimal = record->decimal;
    *digit = record->digit;
    *flags = record->flags;
}

uint32_t numba_get_PyUnicode_ExtendedCase(uint64_t index_word) {
    return numba_PyUnicode_ExtendedCase[(uint32_t)index_word];
}
