// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "ngforge/op.h"

namespace ngforge::cli {

/// How fast work goes and when it ends. The last half minute counts most: what went before fades.
class Pace {
 public:
  /// `seconds` since some beginning and `done` by then; neither falls.
  void note(double seconds, std::uint64_t done);
  /// Units in a second; nothing during the first second, and before anything was done.
  std::optional<double> rate() const;
  std::optional<double> seconds_left(std::uint64_t total) const;

 private:
  std::optional<double> begin_;
  double last_ = 0, faded_seconds_ = 0, faded_done_ = 0;
  std::uint64_t done_ = 0;
};

/// Standard error as it is told of work and notices, from any thread.
class Teller {
 public:
  enum class Kind { none, bar, lines };

  /// What shows how far the work is: nothing (at first), a bar in the last line of the terminal, or lines of JSON. Not
  /// while others tell.
  void show(Kind kind) { kind_ = kind; }

  /// Draws at most ten times a second, or writes at most five lines a second, and the end of each stage.
  void tell(const Progress& progress);
  void tell_notice(const std::string& line);
  /// Takes the bar away, and leaves the line to others. The bar comes back when there is more to tell.
  void end();

 private:
  using Clock = std::chrono::steady_clock;

  void erase();

  Kind kind_ = Kind::none;
  std::mutex mutex_;
  bool has_bar_ = false;
  std::string stage_;
  std::uint64_t done_ = 0, total_ = 0;
  Clock::time_point begin_, told_;
  Pace pace_;
};

/// "converting [=====>    ]  43 %  56.1 M voxels/s  1 min 23 s left" in at most `width` characters; what matters least
/// goes first. `total` 0: nobody knows how much it will be.
std::string progress_text(const Progress& progress, const Pace& pace, int width);

/// "8 s", "1 min 23 s", "2 h 05 min", "3 days".
std::string duration_text(double seconds);

}  // namespace ngforge::cli
