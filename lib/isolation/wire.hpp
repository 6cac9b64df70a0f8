// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

// What crosses the pipes between the library and weighbridge-importer: frames of a head, a body and a trailer, in the
// byte order of the machine. The library gives orders, one at a time; each has one reply. Only a frame that came with
// its trailer is one: what a process wrote before it died is not read.
enum class WireKind : uint32_t { start = 1, import_module, load, run, reply };

struct WireHead {
    char magic[4];
    uint32_t kind;  // WireKind
    int32_t code;   // of a reply: WB_OK, or a failure whose text is the body
    uint32_t reserved;
    uint64_t bytes;  // of the body
};
static_assert(sizeof(WireHead) == 24);
inline constexpr char kWireTrailer[8] = {'W', 'B', 'I', 'M', 'P', 'E', 'N', 'D'};

// What both ends must be of: library, plug-in ABI and form of the frames.
std::string importer_version();

// What an importer says, fit to be shown: printable ASCII and LF, 1 MB at most.
std::string wire_text(ByteView body);
std::string wire_line(ByteView body);  // the first line of it

WireHead wire_head(WireKind kind, int32_t code, uint64_t bytes);

// Reads one frame as it arrives. Nothing of what it is given is trusted, and it keeps no more than has arrived.
class WireReader {
  public:
    // `limit_bytes`: of a body.
    explicit WireReader(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

    // Takes the bytes that came next. WB_BACKEND_FAILED with what was expected and found.
    Status take(ByteView bytes);
    bool done() const { return done_; }
    // All below: once done.
    WireKind kind() const { return static_cast<WireKind>(head_.kind); }
    int32_t code() const { return head_.code; }
    Bytes take_body() { return std::move(body_); }

  private:
    Status check_head() const;

    const uint64_t limit_bytes_;
    WireHead head_{};
    char trailer_[sizeof kWireTrailer] = {};
    size_t head_bytes_ = 0, trailer_bytes_ = 0;  // that have arrived
    bool done_ = false;
    Bytes body_;
};

// The first order: whom the importer serves, what it opens and what it may use.
struct ImporterStart {
    bool strict = true;            // it refuses to work where the system forbids a part of the sandbox
    uint64_t memory_bytes = 0;     // beyond what LibTorch has mapped by then
    uint64_t cpu_s = 0;            // of processor time
    std::string plugin, libtorch;  // as open_plugin() takes them
    std::string plugin_directory;  // where plug-ins are looked for
    bool operator==(const ImporterStart &) const = default;
};
Bytes write_start(const ImporterStart &start);
// WB_BACKEND_UNAVAILABLE where the library's version is another, which the text names; WB_INVALID_ARGUMENT.
Expected<ImporterStart> read_start(ByteView bytes);

// An order to run the loaded module once. Each tensor and output has its symbolic sizes filled in.
struct WireTensor {
    int32_t dtype = 0;
    std::vector<int64_t> shape;
    ByteView data;
};
struct WireOutput {
    std::string name, key;  // as wb_plugin_output has them; a key "" is none
    int64_t index = 0;
    std::vector<int64_t> shape;
};
struct WireRun {
    std::vector<WireTensor> inputs;
    std::vector<WireOutput> outputs;
};
Bytes write_run(const WireRun &run);
// The tensors' data lie in `bytes`, at multiples of 64. WB_INVALID_ARGUMENT.
Expected<WireRun> read_run(ByteView bytes);

}  // namespace weighbridge::lib
