// Memory for the tables of a zone.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace fallow::bench {

class Tables {
 public:
  explicit Tables(std::size_t size) : size_(size), memory_(new (std::align_val_t{64}) std::byte[size]()) {}
  std::span<std::byte> span() const { return {memory_.get(), size_}; }
  // As a zone wants it to begin with.
  void clear() { std::memset(memory_.get(), 0, size_); }

 private:
  struct Release {
    void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
  };
  std::size_t size_;
  std::unique_ptr<std::byte[], Release> memory_;
};

}  // namespace fallow::bench
