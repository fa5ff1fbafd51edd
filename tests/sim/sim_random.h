#ifndef HAWSER_TESTS_SIM_SIM_RANDOM_H_
#define HAWSER_TESTS_SIM_SIM_RANDOM_H_

// The only source of chance in a simulation: numbers that follow from a seed.

#include <cstdint>

namespace hawser {

// SplitMix64: one multiplication chain per number, alike on every machine and library.
constexpr uint64_t MixBits(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return bits ^ (bits >> 31);
}

class SimRandom {
 public:
  explicit SimRandom(uint64_t seed) : state_(MixBits(seed + 0x9e3779b97f4a7c15u)) {}

  uint64_t Next() { return MixBits(state_ += 0x9e3779b97f4a7c15u); }
  // 0 to limit - 1; 0 for limit 0.
  uint64_t Below(uint64_t limit) { return limit == 0 ? 0 : Next() % limit; }
  // Both ends included.
  int64_t Between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(Below(static_cast<uint64_t>(last - first) + 1));
  }
  // True in `percent` of 100 cases.
  bool Percent(uint32_t percent) { return Below(100) < percent; }
  // Often small, seldom up to `last`: each power of two is as likely as any other.
  int64_t Skewed(int64_t first, int64_t last) {
    const uint64_t span = static_cast<uint64_t>(last - first);
    int bits = 0;
    while (bits < 63 && (span >> bits) != 0) ++bits;
    const uint64_t cut = span >> Below(static_cast<uint64_t>(bits) + 1);
    return first + static_cast<int64_t>(Below(cut + 1));
  }

 private:
  uint64_t state_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SIM_RANDOM_H_
