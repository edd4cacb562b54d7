// The model's std::atomic and std::atomic_ref. They have the size of the value, and the explorer executes
// every operation.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace fallow::explore {

// The position of an operation in the source. Replaces std::source_location, which clang 14 lacks.
class Site {
 public:
  constexpr Site() = default;
  static constexpr Site current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
  constexpr const char* file_name() const { return file_; }
  constexpr unsigned line() const { return line_; }

 private:
  constexpr Site(const char* file, unsigned line) : file_(file), line_(line) {}

  const char* file_ = "";
  unsigned line_ = 0;
};

enum class Modify : std::uint8_t { Exchange, Add, Subtract, And, Or };

// Values are passed in 64 bits, zero-extended; `size` is the size of the atomic in bytes.
std::uint64_t load(const void* at, unsigned size, std::memory_order order, Site site) noexcept;
void store(void* at, unsigned size, std::uint64_t value, std::memory_order order, Site site) noexcept;
std::uint64_t modify(void* at, unsigned size, Modify how, std::uint64_t operand, std::memory_order order,
                     Site site) noexcept;
bool compare_exchange(void* at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, Site site) noexcept;
void fence(std::memory_order order, Site site) noexcept;
// Starts the object's life with a non-atomic store.
void construct(void* at, unsigned size, std::uint64_t value) noexcept;

template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  using Order = std::memory_order;
  static constexpr Order kStrongest = std::memory_order_seq_cst;

 public:
  using value_type = T;

  Atomic() noexcept : Atomic(T{}) {}
  Atomic(T value) noexcept { construct(&value_, sizeof(T), pack(value)); }  // NOLINT
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(Order order = kStrongest, Site site = Site::current()) const noexcept {
    return unpack(explore::load(&value_, sizeof(T), order, site));
  }
  void store(T value, Order order = kStrongest, Site site = Site::current()) noexcept {
    explore::store(&value_, sizeof(T), pack(value), order, site);
  }
  T exchange(T value, Order order = kStrongest, Site site = Site::current()) noexcept {
    return unpack(modify(&value_, sizeof(T), Modify::Exchange, pack(value), order, site));
  }
  T fetch_add(T n, Order order = kStrongest, Site site = Site::current()) noexcept {
    return unpack(modify(&value_, sizeof(T), Modify::Add, pack(n), order, site));
  }
  T fetch_sub(T n, Order order = kStrongest, Site site = Site::current()) noexcept {
    return unpack(modify(&value_, sizeof(T), Modify::Subtract, pack(n), order, site));
  }
  T fetch_and(T n, Order order = kStrongest, Site site = Site::current()) noexcept {
    return unpack(modify(&value_, sizeof(T), Modify::And, pack(n), order, site));
  }
  T fetch_or(T n, Order order = kStrongest, Site site = Site::current()) noexcept {
    return unpack(modify(&value_, sizeof(T), Modify::Or, pack(n), order, site));
  }
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               Site site = Site::current()) noexcept {
    std::uint64_t packed = pack(expected);
    const bool done =
        explore::compare_exchange(&value_, sizeof(T), packed, pack(desired), success, failure, site);
    expected = unpack(packed);
    return done;
  }
  bool compare_exchange_strong(T& expected, T desired, Order order = kStrongest,
                               Site site = Site::current()) noexcept {
    return compare_exchange_strong(expected, desired, order, for_failure(order), site);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             Site site = Site::current()) noexcept {
    return compare_exchange_strong(expected, desired, success, failure, site);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = kStrongest,
                             Site site = Site::current()) noexcept {
    return compare_exchange_strong(expected, desired, order, for_failure(order), site);
  }

 private:
  static constexpr Order for_failure(Order order) {
    if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
    return order == std::memory_order_release ? std::memory_order_relaxed : order;
  }
  static std::uint64_t pack(T value) noexcept {
    std::uint64_t packed = 0;
    std::memcpy(&packed, &value, sizeof(T));
    return packed;
  }
  static T unpack(std::uint64_t packed) noexcept {
    T value;
    std::memcpy(&value, &packed, sizeof(T));
    return value;
  }

  alignas(sizeof(T)) T value_;
};

// The model's std::atomic_ref, with the operations that the core uses: ring memory is loaded and stored, but
// never modified.
template <class T>
class AtomicRef {
  static_assert(std::is_integral_v<T>);
  using Order = std::memory_order;

 public:
  explicit AtomicRef(T& value) noexcept : value_(value) {}

  T load(Order order, Site site = Site::current()) const noexcept {
    return static_cast<T>(explore::load(&value_, sizeof(T), order, site));
  }
  void store(T value, Order order, Site site = Site::current()) const noexcept {
    explore::store(&value_, sizeof(T), value, order, site);
  }

 private:
  T& value_;
};

}  // namespace fallow::explore
