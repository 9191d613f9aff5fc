/* Arithmetic on W numbers side by side, and on single ones, for the kernels that print_kernel.py writes.

   Every operation rounds as IEEE 754 says; exp and log of lanes come from libmvec where there is one for W lanes. */

#include <math.h>
#include <string.h>

#ifndef W
#define W 8
#endif

typedef double V __attribute__((vector_size(8 * W)));
typedef long long I __attribute__((vector_size(8 * W)));

#if W == 8 && defined(__AVX512F__)
#include <immintrin.h>
#define ONE_SHUFFLE
#elif W == 4 && defined(__AVX512VL__)
#include <immintrin.h>
#define TWO_SHUFFLES
#endif

static inline V wide(double x) { return x - V{}; }
static inline V wide(V x) { return x; }

static inline double smaller(double x, double y) { return x < y ? x : y; }
static inline double larger(double x, double y) { return x > y ? x : y; }

#if defined(ONE_SHUFFLE)
static inline V smaller(V x, V y) { return _mm512_min_pd(x, y); }
static inline V larger(V x, V y) { return _mm512_max_pd(x, y); }
#elif defined(TWO_SHUFFLES)
static inline V smaller(V x, V y) { return _mm256_min_pd(x, y); }
static inline V larger(V x, V y) { return _mm256_max_pd(x, y); }
#else
static inline V smaller(V x, V y) { return x < y ? x : y; }
static inline V larger(V x, V y) { return x > y ? x : y; }
#endif
static inline V smaller(double x, V y) { return smaller(wide(x), y); }
static inline V smaller(V x, double y) { return smaller(x, wide(y)); }
static inline V larger(double x, V y) { return larger(wide(x), y); }
static inline V larger(V x, double y) { return larger(x, wide(y)); }

/* 0, 1, 2 and so on, from a first one. */
static inline V counted(int first) {
  V numbers;
  for (int k = 0; k < W; k++) numbers[k] = first + k;
  return numbers;
}

#if defined(ONE_SHUFFLE) && defined(__GLIBC__)
#define OF_LANES(kind, name) _ZGVeN8##kind##_##name
#elif defined(TWO_SHUFFLES) && defined(__GLIBC__)
#define OF_LANES(kind, name) _ZGVdN4##kind##_##name
#endif

#ifdef OF_LANES
extern "C" V OF_LANES(v, exp)(V), OF_LANES(v, log)(V), OF_LANES(v, sin)(V), OF_LANES(vv, pow)(V, V);
static inline V exp(V x) { return OF_LANES(v, exp)(x); }
static inline V log(V x) { return OF_LANES(v, log)(x); }
static inline V sin(V x) { return OF_LANES(v, sin)(x); }
static inline V pow(double x, V y) { return OF_LANES(vv, pow)(wide(x), y); }
#else
static inline V each(double (*function)(double), V x) {
  for (int k = 0; k < W; k++) x[k] = function(x[k]);
  return x;
}
static inline V exp(V x) { return each(exp, x); }
static inline V log(V x) { return each(log, x); }
static inline V sin(V x) { return each(sin, x); }
static inline V pow(double x, V y) {
  for (int k = 0; k < W; k++) y[k] = pow(x, y[k]);
  return y;
}
#endif

/* A curve through N points, held at its ends: room for the eight segments that lanes can pick from. */
template <int N> struct Curve {
  static_assert(N <= 9);
  alignas(64) double x[16], y[16], slope[8];
};

template <int N> static inline double look_up(const Curve<N> &curve, double x) {
  x = larger(smaller(x, curve.x[N - 1]), curve.x[0]);
  int k = 0;
  for (int i = 1; i < N - 1; i++) k += x >= curve.x[i];
  return curve.y[k] + curve.slope[k] * (x - curve.x[k]);
}

#if defined(ONE_SHUFFLE)
static inline V picked(const double *values, I k) { return __builtin_shuffle(*(const V *)values, k); }
#elif defined(TWO_SHUFFLES)
static inline V picked(const double *values, I k) {
  return __builtin_shuffle(*(const V *)values, *(const V *)(values + W), k);
}
#endif

template <int N> static inline V look_up(const Curve<N> &curve, V x) {
  x = larger(smaller(x, curve.x[N - 1]), curve.x[0]);
#if defined(ONE_SHUFFLE) || defined(TWO_SHUFFLES)
  I k = {};
  for (int i = 1; i < N - 1; i++) k -= x >= curve.x[i];
  return picked(curve.y, k) + picked(curve.slope, k) * (x - picked(curve.x, k));
#else
  V from = wide(curve.x[0]), y = wide(curve.y[0]), slope = wide(curve.slope[0]);
  for (int i = 1; i < N - 1; i++) {
    I beyond = x >= curve.x[i];
    from = beyond ? wide(curve.x[i]) : from;
    y = beyond ? wide(curve.y[i]) : y;
    slope = beyond ? wide(curve.slope[i]) : slope;
  }
  return y + slope * (x - from);
#endif
}

/* The first n of the numbers in some lanes, added up one after the other. */
static inline double total(const V *lanes, int n) {
  double sum = 0.0;
  for (int k = 0; k < n; k++) sum += lanes[k / W][k % W];
  return sum;
}
