// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "ngforge/text.h"

namespace ngforge::cli {
namespace {

constexpr const char* kEraseLine = "\r\x1b[K";

// Columns of the terminal now: users resize it.
int terminal_width() {
  constexpr int kUnknown = 80;
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUnknown;
}

// "12.3 M", as people read counts.
std::string short_count(double value) {
  static constexpr std::pair<double, const char*> kSteps[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
  for (const auto& [step, unit] : kSteps)
    if (value >= 0.9995 * step) return fmt::format("{:.1f}{}", value / step, unit);
  return fmt::format("{:.{}f} ", value, value < 10 ? 1 : 0);
}

std::string amount_text(double amount, const std::string& unit) {
  if (unit == "bytes") return bytes_text(static_cast<std::uint64_t>(amount));
  const std::string count = short_count(amount);
  return count + (count.ends_with(' ') ? "" : " ") + unit;
}

double fraction_of(const Progress& progress) {
  return std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
}

std::string json_line(const Progress& progress, const Pace& pace, double seconds) {
  nlohmann::ordered_json line{{"stage", progress.stage}, {"done", progress.done},  {"total", nullptr},
                              {"unit", progress.unit},   {"fraction", nullptr},    {"seconds", seconds},
                              {"rate", nullptr},         {"seconds_left", nullptr}};
  if (progress.total > 0) {
    line["total"] = progress.total;
    line["fraction"] = fraction_of(progress);
  }
  if (const auto rate = pace.rate()) line["rate"] = *rate;
  if (const auto left = pace.seconds_left(progress.total)) line["seconds_left"] = *left;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

void Pace::note(double seconds, std::uint64_t done) {
  if (!begin_) {
    begin_ = last_ = seconds;
    done_ = done;
    return;
  }
  constexpr double kFading = 15;  // seconds after which what was counts a third
  const double passed = seconds - last_, kept = std::exp(-passed / kFading);
  faded_seconds_ = faded_seconds_ * kept + passed;
  faded_done_ = faded_done_ * kept + static_cast<double>(done - done_);
  last_ = seconds;
  done_ = done;
}

std::optional<double> Pace::rate() const {
  constexpr double kLeast = 1;
  if (!begin_ || last_ - *begin_ < kLeast || faded_done_ <= 0) return std::nullopt;
  return faded_done_ / faded_seconds_;
}

std::optional<double> Pace::seconds_left(std::uint64_t total) const {
  const auto now = rate();
  if (!now || total < done_) return std::nullopt;
  return static_cast<double>(total - done_) / *now;
}

std::string duration_text(double seconds) {
  constexpr double kMinute = 60, kHour = 3600, kDay = 24 * kHour, kYear = 365 * kDay;
  const double whole = std::ceil(seconds - 0.01);
  if (whole >= kYear) return "more than a year";
  if (whole >= 2 * kDay) return fmt::format("{:.0f} days", std::ceil(seconds / kDay));
  const auto count = static_cast<std::uint64_t>(whole);
  if (whole >= kHour) return fmt::format("{} h {:02} min", count / 3600, count % 3600 / 60);
  if (whole >= kMinute) return fmt::format("{} min {:02} s", count / 60, count % 60);
  return fmt::format("{} s", count);
}

std::string progress_text(const Progress& progress, const Pace& pace, int width) {
  constexpr int kLeastBar = 12, kMostBar = 42;
  const auto room = static_cast<std::size_t>(std::max(0, width));
  const bool is_known = progress.total > 0;
  std::string text = progress.stage;
  const std::string amount = is_known ? fmt::format(" {:3.0f} %", std::floor(fraction_of(progress) * 100))
                                      : "  " + amount_text(static_cast<double>(progress.done), progress.unit);
  std::string rest = amount;
  const auto add = [&](const std::string& more) {
    if (text.size() + rest.size() + more.size() <= room) rest += more;
  };
  const auto left = pace.seconds_left(progress.total);
  const std::string time = left && is_known ? "  " + duration_text(*left) + " left" : "";
  std::string rate;
  if (const auto now = pace.rate()) rate = "  " + amount_text(*now, progress.unit) + "/s";
  // The time left is worth more than the rate, which stands before it.
  if (text.size() + rest.size() + rate.size() + time.size() <= room) add(rate);
  add(time);
  const int space = static_cast<int>(room) - static_cast<int>(text.size() + rest.size()) - 1;
  if (is_known && space >= kLeastBar) {
    const int inside = std::min(space, kMostBar) - 2;
    const auto filled = static_cast<int>(fraction_of(progress) * inside);
    const std::string head = filled < inside ? ">" : "";
    text += fmt::format(" [{:=>{}}{}{: >{}}]", "", filled, head, "", inside - filled - static_cast<int>(head.size()));
  }
  text += rest;
  return text.substr(0, room);
}

void Teller::tell(const Progress& progress) {
  if (kind_ == Kind::none) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const bool is_new = progress.stage != stage_ || progress.total != total_ || progress.done < done_;
  if (is_new) {
    stage_ = progress.stage;
    total_ = progress.total;
    begin_ = now;
    pace_ = {};
    pace_.note(0, progress.done);
  }
  done_ = progress.done;
  const auto between = kind_ == Kind::bar ? std::chrono::milliseconds(100) : std::chrono::milliseconds(200);
  const bool is_last = progress.total > 0 && progress.done >= progress.total;
  if (now - told_ < between && !is_last) return;
  told_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  pace_.note(seconds, progress.done);
  if (kind_ == Kind::lines) {
    fmt::print(stderr, "{}\n", json_line(progress, pace_, seconds));
    return;
  }
  // The last column stays free: some terminals would begin a new line there.
  fmt::print(stderr, "{}{}", kEraseLine, progress_text(progress, pace_, terminal_width() - 1));
  std::fflush(stderr);
  has_bar_ = true;
}

void Teller::tell_notice(const std::string& line) {
  const std::lock_guard lock(mutex_);
  erase();
  fmt::print(stderr, "ngforge: note: {}\n", line);
}

void Teller::end() {
  const std::lock_guard lock(mutex_);
  erase();
}

void Teller::erase() {
  if (!std::exchange(has_bar_, false)) return;
  std::fputs(kEraseLine, stderr);
  std::fflush(stderr);
}

}  // namespace ngforge::cli
