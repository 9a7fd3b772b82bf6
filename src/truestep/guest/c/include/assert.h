/* assert(): on failure prints `file:line: assertion failed: expression`, exits with TRUESTEP_EXIT_ASSERT. */
#undef assert
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
#define assert(expression) \
    ((expression) ? (void)0 : __truestep_assert_failed(#expression, __FILE__, __LINE__))
#endif

#ifndef TRUESTEP_ASSERT_H
#define TRUESTEP_ASSERT_H
#ifdef __cplusplus
extern "C"
#else
#if __STDC_VERSION__ < 202311L
#define static_assert _Static_assert
#endif
#endif
__attribute__((noreturn)) void __truestep_assert_failed(const char *expression, const char *file, int line);
#endif
