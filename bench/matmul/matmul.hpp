// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../program.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

/// matmul: C = A B by divide and conquer: eight products of quarters, in two phases of four of
/// which each writes to a quarter of its own, down to blocks of `leaf`. The tasks are few and long,
/// so it shows what a scheduler costs (or gains by its order) where there is real work.
namespace matmul {

constexpr std::uint64_t full = 1024;  // rows and columns; powers of two
constexpr std::uint64_t quick = 256;
constexpr std::size_t leaf = 64;

/// A square part of a matrix.
class block {
 public:
    block(float* first, std::size_t size, std::size_t stride)
        : first_(first), size_(size), stride_(stride) {}

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] float* row(std::size_t i) const { return first_ + i * stride_; }

    /// A quarter: `down` and `right` are 0 or 1.
    [[nodiscard]] block quarter(std::size_t down, std::size_t right) const {
        const std::size_t half = size_ / 2;
        return block(row(down * half) + right * half, half, stride_);
    }

 private:
    float* first_;
    std::size_t size_;
    std::size_t stride_;
};

/// c += a b for blocks of `leaf`, the same code for all contenders. noinline, so that no compiler
/// fits it to its caller.
[[gnu::noinline]] inline void multiply_leaf(block a, block b, block c) {
    for (std::size_t i = 0; i < leaf; ++i) {
        float* const into = c.row(i);
        for (std::size_t k = 0; k < leaf; ++k) {
            const float factor = a.row(i)[k];
            const float* const from = b.row(k);
            for (std::size_t j = 0; j < leaf; ++j)
                into[j] += factor * from[j];
        }
    }
}

/// Two matrices of small whole numbers, whose product floats hold exactly, and room for it.
class problem {
 public:
    explicit problem(std::size_t n) : n_(n), a_(n * n), b_(n * n), c_(n * n) {
        std::uint32_t state = 1;
        const auto next = [&state](unsigned below) {
            state = state * 1664525U + 1013904223U;
            return (state >> 16U) % below;
        };
        for (std::size_t i = 0; i < n * n; ++i) {
            a_[i] = static_cast<float>(next(8));
            b_[i] = static_cast<float>(next(8));
        }
        for (std::size_t i = 0; i < n; ++i) {
            left_.push_back(1 + next(16));
            right_.push_back(1 + next(16));
        }
    }

    block a() { return block(a_.data(), n_, n_); }
    block b() { return block(b_.data(), n_, n_); }
    block c() { return block(c_.data(), n_, n_); }
    void clear() { c_.assign(n_ * n_, 0.0F); }

    /// left C right, with two vectors of random numbers: n * n steps, where the product took n * n
    /// * n, and it depends on every element of C.
    [[nodiscard]] std::uint64_t found() const { return product(left_, times(c_, right_)); }
    /// The same of A B, without computing that: left A (B right).
    [[nodiscard]] std::uint64_t expected() const {
        return product(left_, times(a_, times(b_, right_)));
    }

 private:
    using vector = std::vector<std::uint64_t>;

    [[nodiscard]] vector times(const std::vector<float>& matrix, const vector& by) const {
        vector result(n_);
        for (std::size_t i = 0; i < n_; ++i) {
            for (std::size_t j = 0; j < n_; ++j)
                result[i] += static_cast<std::uint32_t>(matrix[i * n_ + j]) * by[j];
        }
        return result;
    }
    static std::uint64_t product(const vector& x, const vector& y) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < x.size(); ++i)
            sum += x[i] * y[i];
        return sum;
    }

    std::size_t n_;
    std::vector<float> a_;
    std::vector<float> b_;
    std::vector<float> c_;
    vector left_;
    vector right_;
};

/// Measures `multiply(a, b, c)`, which adds the product of two blocks to a third one; not how that
/// is cleared before, and checked afterwards.
template <class Multiply>
void run(const bench::setting& setting, const bench::measure& measure, Multiply multiply) {
    problem given(setting.size(full, quick));
    measure(1, given.expected(), [&given, multiply] {
        {
            const bench::untimed before;
            given.clear();
        }
        multiply(given.a(), given.b(), given.c());
        const bench::untimed after;
        return given.found();
    });
}

}  // namespace matmul
