// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/** The version of this binding, the project's. */
final class Version {
    static final String TEXT = "0.2.0";

    private Version() {}
}
