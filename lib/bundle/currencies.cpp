// SPDX-License-Identifier: Apache-2.0
#include "bundle/currencies.hpp"

namespace weighbridge::lib {
namespace {

// ISO 4217:2015, list one as its maintenance agency (SIX) published it on 2026-01-01, by minor units. XXX ("no
// currency") is left out. Behind them, from list three, what was withdrawn since 2015: older payments are in it.
struct Currencies {
    int exponent;
    std::string_view codes;  // of three letters, a space between them: every fourth place begins one
};
constexpr Currencies kCurrencies[] = {
    {0,
     "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
     " BYR"},
    {2,
     "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
     "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
     "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK "
     "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
     "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
     "USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
     " ANG BGN CUC HRK LTL MRO SLL STD VEF ZWL"},
    {3, "BHD IQD JOD KWD LYD OMR TND"},
    {4, "CLF UYW"},
    {kAnyExponent, "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA"},
};

}  // namespace

std::optional<int> currency_exponent(std::string_view code) {
    if (code.size() != 3) return std::nullopt;
    for (const auto &[exponent, codes] : kCurrencies)
        for (size_t at = 0; at < codes.size(); at += 4)
            if (codes.substr(at, 3) == code) return exponent;
    return std::nullopt;
}

}  // namespace weighbridge::lib
