// SPDX-License-Identifier: Apache-2.0
#include "base/numerics.hpp"

#include <cmath>

#include "base/numerics_formulas.hpp"
#include "base/numerics_trig_formulas.hpp"

namespace weighbridge::lib::numerics {

double exp(double x) { return formulas::exp(x); }
double log(double x) { return formulas::log(x); }
double log1p(double x) { return formulas::log1p(x); }
double sin(double x) { return formulas::sin(x); }
double cos(double x) { return formulas::cos(x); }

double tanh(double x) {
    double a = std::fabs(x);
    if (!(a <= 20)) return a > 20 ? (x > 0 ? 1.0 : -1.0) : x;  // 1 - tanh(20) < 2^-56
    if (a < 0x1p-28) return x;                                 // x^3 / 3 is below half an ulp
    if (a < 0.625) {
        // (tanh(x) / x - 1) / z with z = x^2 on [0, 0.390625], error 1.9e-17.
        double z = x * x, w = z * z, w2 = w * w;
        double p =
            (-0.3333333333333333 + 0.13333333333333042 * z) + (-0.05396825396789699 + 0.021869488519008305 * z) * w;
        double q = (-0.008863235103240878 + 0.0035921217511549622 * z) +
                   (-0.0014557754120478055 + 0.0005896606577757043 * z) * w;
        double r = (-0.0002375906496055562 + 9.257116129556769e-05 * z) +
                   (-3.12011014257974e-05 + 6.485163482793113e-06 * z) * w;
        return x + x * (z * (p + (q + r * w2) * w2));
    }
    double y = 1.0 - 2.0 / (formulas::exp(2.0 * a) + 1.0);
    return x < 0 ? -y : y;
}

double erf(double x) {
    double a = std::fabs(x);
    if (!(a < 6)) return a >= 6 ? (x > 0 ? 1.0 : -1.0) : x;  // 1 - erf(6) < 2^-55
    double y;
    if (a < 0.875) {
        // erf(x) / x - 1 with z = x^2 on [0, 0.765625], error 4.2e-17.
        double z = x * x, w = z * z, w2 = w * w;
        double p =
            (0.12837916709551256 + -0.3761263890318304 * z) + (0.1128379167091783 + -0.026866170637514133 * z) * w;
        double q = (0.005223977545559434 + -0.0008548322128192329 * z) +
                   (0.00012055145523632907 + -1.492102315426167e-05 * z) * w;
        double r = (1.6388270378106895e-06 + -1.5624735838207127e-07 * z) + 1.0471034556935036e-08 * w;
        return x + x * (p + (q + r * w2) * w2);
    }
    // (1 - erf(a)) exp(a^2) in t = 2 / (2 + a) - 0.46875, for a in [0.875, 6], error 1e-16.
    double t = 2.0 / (2.0 + a) - 0.46875, u = t * t, u2 = u * u, u4 = u2 * u2;
    double p = (0.22962131986684045 + 0.7957998587373304 * t) + (0.9078162805958052 + 0.6222134178319068 * t) * u;
    double q = (0.09378622029916549 + -0.211205335679639 * t) + (-0.08117397963524964 + 0.11968286161733786 * t) * u;
    double r =
        (0.037187023155202614 + -0.09467403646327265 * t) + (0.0052032155292124705 + 0.07632495751726291 * t) * u;
    double s =
        (-0.04560282865524435 + -0.042009117928376166 * t) + (0.06241922869603041 + -0.006791032762932878 * t) * u;
    y = 1.0 - formulas::exp(-a * a) * ((p + q * u2) + (r + s * u2) * u4);
    return x < 0 ? -y : y;
}

double sigmoid(double x) {
    double e = formulas::exp(-std::fabs(x)), sum = 1.0 + e;
    double lost = e - (sum - 1.0);  // exact: sum + lost = 1 + e (T. Dekker's fast two-sum)
    double y = (x < 0 ? e : 1.0) / sum;
    return y - y * (lost / sum);
}

// A float function is the double one rounded once: at most half an ulp and what the double one is off by.
float exp(float x) { return static_cast<float>(exp(static_cast<double>(x))); }
float log(float x) { return static_cast<float>(log(static_cast<double>(x))); }
float log1p(float x) { return static_cast<float>(log1p(static_cast<double>(x))); }
float sin(float x) { return static_cast<float>(sin(static_cast<double>(x))); }
float cos(float x) { return static_cast<float>(cos(static_cast<double>(x))); }
float tanh(float x) { return static_cast<float>(tanh(static_cast<double>(x))); }
float erf(float x) { return static_cast<float>(erf(static_cast<double>(x))); }
float sigmoid(float x) { return static_cast<float>(sigmoid(static_cast<double>(x))); }

float round_float16(float x) { return formulas::round_float16(x); }
float round_bfloat16(float x) { return formulas::round_bfloat16(x); }

}  // namespace weighbridge::lib::numerics
