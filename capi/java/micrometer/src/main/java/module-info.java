// SPDX-License-Identifier: Apache-2.0
/** The engine's counters as Micrometer's meters. */
module io.weighbridge.micrometer {
    requires transitive io.weighbridge;
    requires transitive micrometer.core;

    exports io.weighbridge.micrometer;
}
