// SPDX-License-Identifier: Apache-2.0
/** Logs the engine's events through SLF4J. */
package io.weighbridge.slf4j;
