// SPDX-License-Identifier: Apache-2.0
/**
 * Scores payments inside the payment service's own process. {@link io.weighbridge.Weighbridge} is the engine, a
 * {@link io.weighbridge.Slot} a named deployment, a {@link io.weighbridge.Row} one payment's features.
 *
 * <p>The binding translates and decides nothing: what a call means, its errors and its thread rules are the C ABI's.
 */
package io.weighbridge;
