// SPDX-License-Identifier: Apache-2.0
/** The engine's counters as Micrometer's meters. */
package io.weighbridge.micrometer;
