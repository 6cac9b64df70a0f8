// SPDX-License-Identifier: Apache-2.0
/** Logs the engine's events through SLF4J. */
module io.weighbridge.slf4j {
    requires transitive io.weighbridge;
    requires transitive org.slf4j;

    exports io.weighbridge.slf4j;
}
