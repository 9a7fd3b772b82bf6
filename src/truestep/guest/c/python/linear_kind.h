/* The names of one kind of number, for code that is included once for each: KIND is 's', 'd', 'c' or 'z', as
   LAPACK calls float, double and the complex numbers of both.                                              */
#undef SCALAR
#undef REAL
#undef NAME
#undef IS_COMPLEX
#undef CONJUGATE
#undef REAL_PART
#undef ABSOLUTE
#undef SIZE

#define IS_COMPLEX (KIND == 'c' || KIND == 'z')
#if KIND == 's' || KIND == 'c'
#define REAL float
#else
#define REAL double
#endif

#if KIND == 's'
#define SCALAR float
#define NAME(x) s_##x
#elif KIND == 'd'
#define SCALAR double
#define NAME(x) d_##x
#elif KIND == 'c'
#define SCALAR float _Complex
#define NAME(x) c_##x
#else
#define SCALAR double _Complex
#define NAME(x) z_##x
#endif

/* SIZE(x) is cheap and zero for zero only: |x|, or of a complex number the sum of its two parts' sizes. */
#if IS_COMPLEX
#define CONJUGATE(x) (~(x))
#define REAL_PART(x) (__real__(x))
#define SIZE(x) (fabs((double)__real__(x)) + fabs((double)__imag__(x)))
#define ABSOLUTE(x) hypot((double)__real__(x), (double)__imag__(x))
#else
#define CONJUGATE(x) (x)
#define REAL_PART(x) (x)
#define SIZE(x) fabs((double)(x))
#define ABSOLUTE(x) fabs((double)(x))
#endif
