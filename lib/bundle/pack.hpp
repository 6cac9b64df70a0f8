// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "bundle/bundle.hpp"

namespace weighbridge::lib {

struct PackRequest {
    std::string module, manifest, golden, out_dir;                  // golden "" where it is to be generated
    std::string zoneinfo = "/usr/share/zoneinfo";                   // where named time zones are read from, once, here
    std::function<Status(ByteView module)> check_module = nullptr;  // whose failure ends the packing
};

// Computes the golden lines of a bundle that is complete but for them (opened from the temporary directory in
// Bundle::Mode::unsealed): loads it through LibTorch and scores generated rows. Called only where the request names no
// golden file.
using ComputeGolden = std::function<Expected<std::string>(const std::shared_ptr<const Bundle> &bundle)>;

// Whether the module of such a bundle takes sequences as short as its limits.least_length: WB_OK, or WB_BACKEND_FAILED
// with why not. Other failures end the packing: WB_DEADLINE_EXCEEDED where it is not done in time.
using TryShortest = std::function<Status(const std::shared_ptr<const Bundle> &bundle)>;

// wb_bundle_pack: writes into a temporary directory beside out_dir, renames at the end. Where golden lines are computed
// and a manifest with sequences does not state limits.least_length, that is found by trying and written unless 0.
Status pack_bundle(const PackRequest &request, const ComputeGolden &compute, const TryShortest &try_shortest = nullptr);

}  // namespace weighbridge::lib
