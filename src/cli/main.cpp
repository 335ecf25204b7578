// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <numeric>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/nine/nine.h"
#include "cli/reference.h"
#include "ngforge/version.h"

namespace ngforge::cli {

#define COMMAND(name, target) extern const CommandDescriptor name##_command;
#include "cli/commands.def"
#undef COMMAND

std::span<const CommandDescriptor* const> all_commands() {
  static constexpr const CommandDescriptor* kCommands[] = {
#define COMMAND(name, target) &name##_command,
#include "cli/commands.def"
#undef COMMAND
  };
  return kCommands;
}

namespace {

constexpr int kInterrupted = 130;

int report(const Error& error) {
  fmt::print(stderr, "ngforge: {}\n", error.message);
  if (!error.hint.empty()) fmt::print(stderr, "hint: {}\n", error.hint);
  return exit_status(error);
}

// Turns SIGINT and SIGTERM into a stop request. Work that does not end within some seconds (a read from a silent pipe)
// is given up: what is on the disk is then as after a kill.
class SignalWatch {
 public:
  SignalWatch() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    thread_ = std::thread([this, signals] { watch(signals); });
  }
  ~SignalWatch() {
    is_over_ = true;
    ::pthread_kill(thread_.native_handle(), SIGTERM);  // wakes the watch, and nothing else: all threads block it
    thread_.join();
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  void watch(const sigset_t& signals) {
    constexpr timespec kPatience{5, 0};
    while (true) {
      const bool is_stopping = source_.stop_requested();
      const int received = is_stopping ? sigtimedwait(&signals, nullptr, &kPatience) : sigwaitinfo(&signals, nullptr);
      if (is_over_) return;
      if (received < 0 && errno == EINTR) continue;
      if (is_stopping) give_up();
      source_.request_stop();
    }
  }

  [[noreturn]] static void give_up() {
    constexpr std::string_view kEraseLine = "\r\x1b[K";  // a progress bar may stand there
    if (::isatty(STDERR_FILENO) != 0) std::ignore = ::write(STDERR_FILENO, kEraseLine.data(), kEraseLine.size());
    _exit(kInterrupted);
  }

  std::stop_source source_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3);
  for (const std::string& candidate : known)
    if (const std::size_t distance = edit_distance(word, candidate); distance < least) {
      least = distance;
      best = candidate;
    }
  return best;
}

int usage_error(const std::string& message, const std::string& hint) {
  return report(make_error(ErrorCode::invalid_argument, "{}", message).with_hint(hint));
}

std::string missing_places(const CLI::App& command) {
  std::string names;
  std::size_t found = 0;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    names += fmt::format("{}{}", names.empty() ? "" : " and ", option->get_name(true));
    found += option->count();
  }
  return fmt::format("{}: expected {}, found {} place{}", command.get_name(), names, found, found == 1 ? "" : "s");
}

// What CLI11 found wrong, in our words.
int explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* used = &app;
  for (const CLI::App* command : app.get_subcommands({}))
    if (command->parsed()) used = command;
  const std::string help = used == &app ? "see ngforge -h" : fmt::format("see ngforge {} -h", used->get_name());
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return usage_error(missing_places(*used), help);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string text = error.what();
    return usage_error(fmt::format("{}: expected one value, found {}", text.substr(0, text.find(':')),
                                   text.ends_with("missing") ? "none" : "several"),
                       help);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    return usage_error(message, help);
  }
  auto extras = used->remaining();
  if (extras.empty()) extras = app.remaining();
  const std::string word = extras.empty() ? "" : extras.front();
  std::vector<std::string> known;
  if (!word.starts_with("-") && used == &app) {
    for (const CommandDescriptor* command : all_commands()) known.emplace_back(command->name);
    const std::string guess = nearest(word, known);
    return usage_error(fmt::format("unknown command \"{}\"", word),
                       guess.empty() ? help : fmt::format("did you mean {}?", guess));
  }
  if (!word.starts_with("-")) return usage_error(fmt::format("unexpected argument \"{}\"", word), help);
  for (const CLI::Option* option : used->get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  const std::string guess = nearest(word.substr(0, word.find('=')), known);
  return usage_error(fmt::format("unknown option {}", word),
                     guess.empty() ? help : fmt::format("did you mean {}?", guess));
}

// Says so when what was printed did not get out: a full disk behind a pipe must not pass for success.
int end_output(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  return report(make_error(ErrorCode::io, "standard output: cannot be written"));
}

int print_help(const CLI::App& app) {
  std::string text = app.help();
  // CLI11 sets groups two lines apart.
  for (std::size_t at = 0; (at = text.find("\n\n\n", at)) != std::string::npos;) text.erase(at, 1);
  std::fputs(text.c_str(), stdout);
  return end_output(0);
}

// "Commands of neuroglancer-scripts: ..."
std::string nine_names() {
  std::string text = "Commands of neuroglancer-scripts:";
  std::size_t column = text.size();
  for (const nine::Descriptor* command : nine::all_descriptors()) {
    const std::string name = command->name;
    constexpr std::size_t kWidth = 100;
    text += column + 1 + name.size() > kWidth ? "\n  " + name : " " + name;
    column = column + 1 + name.size() > kWidth ? 2 + name.size() : column + 1 + name.size();
  }
  return text;
}

Reference describe(const CLI::App& app) {
  Reference reference{app.get_description(), options_of(app), {}};
  for (const CommandDescriptor* descriptor : all_commands())
    reference.commands.push_back(describe_command(*app.get_subcommand(descriptor->name), *descriptor));
  for (const nine::Descriptor* command : nine::all_descriptors())
    reference.commands.push_back(nine::reference_of(*command));
  return reference;
}

int run(int argc, char** argv) {
  SignalWatch signals;
  CommandContext context{signals.token()};
  if (const auto status = nine::run(std::vector<std::string>(argv, argv + argc), context.stop)) return *status;
  CLI::App app("Volumes, labels and surfaces for Neuroglancer: convert, serve, check, read back.", "ngforge");
  app.set_version_flag("--version", "ngforge " NGFORGE_VERSION);
  app.footer(
      "Examples: ngforge serve scan.nii.gz --open\n"
      "          ngforge convert scan.nii.gz scan/\n"
      "Each command explains itself: ngforge COMMAND -h\n" +
      nine_names());
  app.require_subcommand(0, 1);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("REQUIRED", "");
  std::vector<std::pair<CLI::App*, CommandRun>> commands;
  for (const CommandDescriptor* descriptor : all_commands()) {
    CLI::App* command = app.add_subcommand(descriptor->name, descriptor->summary);
    command->group("Commands");
    command->footer(fmt::format("Example: {}", descriptor->example));
    commands.emplace_back(command, descriptor->add(*command, context));
  }
  context.reference = [&app] { return describe(app); };
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print_help(app);
  } catch (const CLI::CallForVersion&) {
    std::puts("ngforge " NGFORGE_VERSION);
    return end_output(0);
  } catch (const CLI::ParseError& error) {
    return explain(app, error);
  }
  for (auto& [command, work] : commands) {
    if (!command->parsed()) continue;
    auto status = work();
    context.teller->end();
    // What failed once the user had interrupted it failed for that reason.
    if (!status && context.stop.stop_requested()) return report(make_error(ErrorCode::cancelled, "interrupted"));
    if (!status) return report(status.error());
    return end_output(*status);
  }
  return print_help(app);
}

}  // namespace
}  // namespace ngforge::cli

int main(int argc, char** argv) {
  try {
    return ngforge::cli::run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("ngforge: the machine has no memory left\n", stderr);
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ngforge: unexpected: %s\n", error.what());
    return 1;
  }
}
