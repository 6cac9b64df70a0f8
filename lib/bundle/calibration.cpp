// SPDX-License-Identifier: Apache-2.0
#include "bundle/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "base/numerics.hpp"

namespace weighbridge::lib {
namespace {

double calibrate_platt(const Platt &platt, double z) {
    // 0 * infinity would be NaN where the probability is exactly 0 or 1.
    const double scaled = platt.a == 0.0 && !std::isnan(z) ? 0.0 : platt.a * z;
    return numerics::sigmoid(scaled + platt.b);
}

double calibrate_isotonic(const Isotonic &table, double score) {
    if (std::isnan(score)) return score;
    if (score <= table.x.front()) return table.y.front();
    if (score >= table.x.back()) return table.y.back();
    const auto above = std::upper_bound(table.x.begin(), table.x.end(), score);
    const auto i = static_cast<size_t>(above - table.x.begin());
    const double x0 = table.x[i - 1], y0 = table.y[i - 1], y1 = table.y[i];
    const double share = (score - x0) / (table.x[i] - x0);
    // Rounding must not leave the segment: the table is monotone, and so is what callers see.
    return std::clamp(std::fma(share, y1 - y0, y0), y0, y1);
}

}  // namespace

double calibrate(const Calibration &calibration, double raw, double score) {
    if (const auto *platt = std::get_if<Platt>(&calibration)) return calibrate_platt(*platt, raw);
    if (const auto *table = std::get_if<Isotonic>(&calibration)) return calibrate_isotonic(*table, score);
    return score;
}

int32_t band_of(const std::vector<Band> &bands, double probability) {
    if (std::isnan(probability)) return -1;
    for (size_t i = 0; i < bands.size(); ++i)
        if (probability < bands[i].below) return static_cast<int32_t>(i);
    // Infinity is below nothing: the last band has no upper end.
    return static_cast<int32_t>(bands.size()) - 1;
}

}  // namespace weighbridge::lib
